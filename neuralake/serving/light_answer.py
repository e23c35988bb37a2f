"""The answer to a light statement, which DataFusion makes in this process."""

from __future__ import annotations

import re
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
    OnDisk,
    Parameters,
    Source,
    answer_batches,
    answer_schema,
    failure,
    plan,
)
from neuralake.serving.pruning import comparisons

if TYPE_CHECKING:
    from datafusion import DataFrame

_WHERE = re.compile(r"\bwhere\b", re.IGNORECASE)
# Of a table, that are read in less time than it takes to find out which are needed
_FEW_ROWS = 500_000
# Of a table, of which any answer may be held at once
_SMALL_BYTES = 64 << 20


def _are_light(sources: Mapping[str, Source]) -> bool:
    """Whether a statement may be light that reads these tables."""
    return all(
        isinstance(s, InMemory) and s.rows <= MOST_ROWS and s.size_bytes <= MOST_BYTES
        for s in sources.values()
    )


def _needed(
    contexts: Contexts, sql: str, parameters: Parameters, sources: Mapping[str, Source]
) -> Mapping[str, Source]:
    """What a statement needs of a large table, where its filter rules out the rest.

    Parameters
    ----------
    contexts
        One of which is taken to plan it.
    sql, parameters
        The statement, light by its text.
    sources
        Tables that it reads.

    Raises
    ------
    ServingError
        If it is none that is answered.
    """
    if len(sources) != 1 or not _WHERE.search(sql):
        return sources
    ((name, source),) = sources.items()
    if isinstance(source, OnDisk) or (isinstance(source, InMemory) and source.rows <= _FEW_ROWS):
        return sources
    schema = (source if isinstance(source, InMemory) else source.memory).schema
    context = contexts.take()
    try:
        InMemory(schema, (), 0, 0).register(context, name)
        frame = plan(context, sql, parameters)
        if not is_light_plan(frame.logical_plan().display_indent()):
            return sources
        asked = comparisons(frame, schema)
    finally:
        contexts.give_back(context, [name])
    try:
        return {name: source.needed(asked)} if asked else sources
    except (OSError, pa.ArrowException):  # told by whoever reads the file
        return sources


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
    sources = _needed(contexts, sql, parameters, sources)
    if not _are_light(sources):
        return None
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
