"""Whether what was sent is what the API answers: each event once."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from neuralake.errors import PipelineError
from neuralake.pipeline.probe import Api

_PAUSE_S = 0.1


@dataclass(frozen=True)
class Content:
    """What of a table tells whether an event lacks or is there twice.

    Attributes
    ----------
    rows
        Their number.
    ids
        Sum of their numbers.
    """

    rows: int
    ids: int

    def with_run(self, events: int) -> Content:
        """The same after a run whose events have the numbers from 0 on."""
        return Content(self.rows + events, self.ids + events * (events - 1) // 2)


def read_content(api: Api, table: str) -> Content:
    """What the API answers now.

    Raises
    ------
    PipelineError
        If it does not.
    """
    answer = api.ask(
        f'SELECT count(*) AS "rows", sum(id) AS ids FROM "{table}"'  # noqa: S608 - of our catalog
    )
    row = answer.to_pylist()[0]
    return Content(int(row["rows"]), int(row["ids"] or 0))


def wait_for(
    api: Api,
    table: str,
    expected: Content,
    seconds: float,
    is_hopeless: Callable[[], bool],
) -> Content:
    """What the API answers once all rows are there, or the time is over.

    Raises
    ------
    PipelineError
        If it has not answered until then; one that is just being started again is waited for.
    """
    end_s = time.monotonic() + seconds
    while True:
        is_over = time.monotonic() > end_s or is_hopeless()
        try:
            found = read_content(api, table)
        except PipelineError:
            if is_over:
                raise
        else:
            if found.rows >= expected.rows or is_over:
                return found
        time.sleep(_PAUSE_S)
