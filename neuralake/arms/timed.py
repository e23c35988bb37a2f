"""What the executions of a pair are: a query alone, or streams of queries at once."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from neuralake.arms.processes import ArmProcess, Asked
from neuralake.queries.query import Query
from neuralake.results.comparison import Side

Ask = Callable[["SidedQuery"], Asked]


@dataclass(frozen=True)
class Ran:
    """One execution.

    Attributes
    ----------
    execution
        What it took, by the fields of :class:`neuralake.measure.execution.Execution`.
    digests
        Of the answers, in the order of the queries.
    """

    execution: Mapping[str, int]
    digests: tuple[str, ...]


class Timed(Protocol):
    """What is executed in one arm and then in the other, and has a verdict."""

    @property
    def name(self) -> str:
        """By which results know it."""

    @property
    def queries(self) -> tuple[SidedQuery, ...]:
        """All queries that one execution asks, each with an answer of its own."""

    def run(self, arm: ArmProcess, ask: Ask, timeout_s: float | None) -> Ran:
        """Execute it once in an arm. Raises ``ArmFailedError`` if it gave no answer."""

    def told(self, query: SidedQuery, fault: str) -> str:
        """A fault of the answer to one of its queries."""


@dataclass(frozen=True)
class SidedQuery:
    """A query that both arms have, with its text in each: executed alone."""

    query: Query
    sql: Mapping[Side, str]

    @property
    def name(self) -> str:
        """Of the query."""
        return self.query.name

    @property
    def queries(self) -> tuple[SidedQuery, ...]:
        """Itself."""
        return (self,)

    def run(self, arm: ArmProcess, ask: Ask, timeout_s: float | None) -> Ran:
        """Execute the query once (:class:`Timed`)."""
        asked = ask(self)
        done = arm.execute(
            *(asked.sql, asked.answer, asked.known, asked.order_by, timeout_s), asked.profile
        )
        return Ran(done["execution"], (done["digest"],))

    def told(self, query: SidedQuery, fault: str) -> str:  # noqa: ARG002 - it has one query
        """The fault as it is."""
        return fault


@dataclass(frozen=True)
class SidedStreams:
    """A throughput run: streams that run at once, each its queries one after another.

    Attributes
    ----------
    streams
        By order of their numbers, from 1.
    """

    streams: tuple[tuple[SidedQuery, ...], ...]

    @property
    def name(self) -> str:
        """Such as ``2 streams``."""
        count = len(self.streams)
        return "1 stream" if count == 1 else f"{count} streams"

    @property
    def queries(self) -> tuple[SidedQuery, ...]:
        """Of all streams."""
        return tuple(query for stream in self.streams for query in stream)

    def run(self, arm: ArmProcess, ask: Ask, timeout_s: float | None) -> Ran:
        """Run all streams once; the time is that from their beginning to the end of the last."""
        streams = [[ask(query) for query in stream] for stream in self.streams]
        done = arm.execute_streams(streams, timeout_s)
        return Ran(done["execution"], tuple(d for digests in done["digests"] for d in digests))

    def told(self, query: SidedQuery, fault: str) -> str:
        """The fault after the name of the query, of which there are many."""
        return f"{query.name}: {fault}"


def sided_streams(
    texts: Mapping[Side, Sequence[Mapping[str, str]]], chosen: Collection[SidedQuery]
) -> SidedStreams:
    """The streams of both arms.

    Parameters
    ----------
    texts
        By arm, and for each stream: the text of each query with the stream's parameters, by the
        query's name and in the stream's order.
    chosen
        Queries that are to be run; the others are left out of every stream.
    """
    by_name = {query.name: query.query for query in chosen}
    sides: tuple[Side, ...] = tuple(texts)
    first = texts[sides[0]]
    return SidedStreams(
        tuple(
            tuple(
                SidedQuery(
                    replace(by_name[name], name=f"stream-{number}-{name}", text=stream[name]),
                    {side: texts[side][number - 1][name] for side in sides},
                )
                for name in stream
                if name in by_name
            )
            for number, stream in enumerate(first, start=1)
        )
    )
