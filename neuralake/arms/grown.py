"""Functions that took more instructions in the candidate, from the profiles of both arms."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from neuralake.errors import ResultsError
from neuralake.results.comparison import Comparison, EngineComparison
from neuralake.results.profiles import Growth, grown, profile_path, read_profile

_MOST = 5
_LEAST_SHARE = 0.001


def with_grown_functions(comparison: Comparison, directory: Path) -> Comparison:
    """A comparison that tells which functions changed most; an interrupted one if Ctrl-C came.

    Parameters
    ----------
    comparison
        Whose profiles were kept.
    directory
        Where.
    """
    try:
        return replace(comparison, grown=grown_functions(directory, comparison.engines))
    except KeyboardInterrupt:  # all that was measured is kept, and nobody waits for more
        return replace(comparison, finished_at=None)


def grown_functions(
    directory: Path, engines: Iterable[EngineComparison]
) -> dict[str, Mapping[str, tuple[Growth, ...]]]:
    """The functions of each query that changed most, by engine and query.

    Parameters
    ----------
    directory
        Where the profiles were kept; a query that has none in one of the arms, since it failed or
        the time was up, is left out.
    engines
        That were counted.
    """
    found: dict[str, Mapping[str, tuple[Growth, ...]]] = {}
    for engine in engines:
        of_queries = {}
        for change in engine.queries:
            if change.query is not None:
                with suppress(ResultsError):
                    of_queries[change.query] = _grown(directory, engine.engine, change.query)
        found[engine.engine] = of_queries
    return found


def _grown(directory: Path, engine: str, query: str) -> tuple[Growth, ...]:
    base, candidate = (
        read_profile(profile_path(directory, engine, query, side)) for side in ("base", "candidate")
    )
    return tuple(g for g in grown([base], [candidate], _MOST) if abs(g.share) >= _LEAST_SHARE)
