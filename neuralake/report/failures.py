"""What went wrong, with its message."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from neuralake.results.records import EngineRecord


@dataclass(frozen=True)
class Failure:
    """One kind of failure of a query, or of several with one fault, on one engine.

    Attributes
    ----------
    engine, query
        Whose; ``query`` is None where the engine itself failed, and lists several with commas.
    status
        A sample's status, or a verdict.
    where
        Phase and round, how often, or what the answer was compared with.
    message
        What was said.
    """

    engine: str
    query: str | None
    status: str
    where: str
    message: str


def together(failures: Iterable[Failure]) -> tuple[Failure, ...]:
    """Each fault once, at the place of its first query, with all queries that it costs."""
    queries: dict[Failure, list[str]] = {}
    for failure in failures:
        names = queries.setdefault(replace(failure, query=None), [])
        names += [] if failure.query is None else [failure.query]
    return tuple(replace(fault, query=", ".join(n) or None) for fault, n in queries.items())


def not_run(engines: Iterable[EngineRecord]) -> Iterator[Failure]:
    """Engines, or what else was to be measured, that did not run, with the reason."""
    for engine in engines:
        if engine.unavailable is not None:
            yield Failure(engine.name, None, "unavailable", "did not run", engine.unavailable)
