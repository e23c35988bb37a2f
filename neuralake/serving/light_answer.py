"""The answer to a light statement, which DataFusion makes in this process."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

import pyarrow as pa

from neuralake.errors import NeuralakeError
from neuralake.serving.answers import Limits
from neuralake.serving.light import MOST_BYTES, MOST_ROWS, is_light_plan
from neuralake.serving.meter import Meter
from neuralake.serving.prepared import (
    Contexts,
    InMemory,
    Parameters,
    Source,
    answer_batches,
    answer_schema,
    failure,
    plan,
)

if TYPE_CHECKING:
    from datafusion import DataFrame

# Of a table, of which any answer may be held at once
_SMALL_BYTES = 64 << 20


def are_light(sources: Mapping[str, Source]) -> bool:
    """Whether a statement may be light that reads these tables."""
    return all(
        isinstance(s, InMemory) and s.rows <= MOST_ROWS and s.size_bytes <= MOST_BYTES
        for s in sources.values()
    )


def answer_light(
    contexts: Contexts,
    sql: str,
    parameters: Parameters,
    sources: Mapping[str, Source],
    versions: Mapping[str, int],
    limits: Limits,
    give_back: Callable[[], None],
) -> LightAnswer | None:
    """The answer to a statement; None if it is not light.

    Parameters
    ----------
    contexts
        One of which is taken for it.
    sql, parameters
        The statement, light by its text.
    sources, versions
        Tables that it reads, and their versions.
    limits
        What it may take.
    give_back
        Gives its place back; called once it has ended, if there is an answer.

    Raises
    ------
    ServingError
        If it fails at once.
    """
    context = contexts.take()
    registered: list[str] = []

    def end() -> None:
        contexts.give_back(context, registered)
        give_back()

    try:
        for name, source in sources.items():
            source.register(context, name)
            registered.append(name)
        frame = plan(context, sql, parameters)
        if is_light_plan(frame.logical_plan().display_indent()):
            is_small = all(_size_bytes(s) <= _SMALL_BYTES for s in sources.values())
            return LightAnswer(frame, versions, Meter(limits), end, at_once=is_small)
    except BaseException:
        contexts.give_back(context, registered)
        raise
    contexts.give_back(context, registered)
    return None


class LightAnswer:
    """An answer as it is made.

    Parameters
    ----------
    frame
        The plan.
    versions
        Of the tables that it reads.
    meter
        What counts its batches.
    give_back
        Gives its place back.
    at_once
        Whether all of it may be held at once.
    """

    def __init__(
        self,
        frame: DataFrame,
        versions: Mapping[str, int],
        meter: Meter,
        give_back: Callable[[], None],
        *,
        at_once: bool,
    ) -> None:
        self.schema = answer_schema(frame)
        self.versions = versions
        self._frame = frame
        self._meter = meter
        self._closing = threading.Lock()
        self._give_back = give_back
        self._at_once = at_once

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        try:
            for batch in answer_batches(self._frame, self.schema, at_once=self._at_once):
                self._meter.count(batch)
                yield batch
        except NeuralakeError:
            raise
        except Exception as error:
            raise failure(error, self._meter.limits.memory_bytes) from error
        finally:
            self.close()

    def cancel(self) -> None:
        """Stop at the next batch, which is soon."""
        self._meter.cancelled.set()

    def close(self) -> None:
        """Give the place back, once."""
        if self._closing.acquire(blocking=False):
            self._give_back()


def _size_bytes(source: Source) -> int:
    return source.size_bytes if isinstance(source, InMemory) else 0
