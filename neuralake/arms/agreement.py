"""Whether the engines of a comparison agree with one another where no answer is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from neuralake.arms.answers import Answers
from neuralake.arms.timed import Timed
from neuralake.results.comparison import Change, Comparison, EngineComparison


def with_disagreements(
    comparison: Comparison, queries: Sequence[Timed], answers: Answers
) -> Comparison:
    """Take the verdict from engines whose answers differ from those of the others.

    Parameters
    ----------
    comparison
        With the engines that were measured.
    queries
        All that its pairs execute.
    answers
        What the engines answered.
    """
    faults: dict[str, dict[str, str]] = {engine.engine: {} for engine in comparison.engines}
    for query in queries:
        agreed = [e.engine for e in comparison.engines if _has_answer(e, query.name)]
        for asked in query.queries:
            for engine_name, reason in answers.disagreement(agreed, asked.query).items():
                faults[engine_name].setdefault(query.name, query.told(asked, reason))
    return replace(
        comparison,
        engines=tuple(_faulted(engine, faults[engine.engine]) for engine in comparison.engines),
    )


def _has_answer(engine: EngineComparison, query: str) -> bool:
    return engine.processes > 0 and any(
        change.query == query and change.verdict not in ("wrong", "failed")
        for change in engine.queries
    )


def _faulted(engine: EngineComparison, faults: Mapping[str, str]) -> EngineComparison:
    if not faults:
        return engine
    message = f"answers of {', '.join(faults)} differ from the other engines'"
    return replace(
        engine,
        suite=Change(None, "wrong", message=message),
        queries=tuple(
            Change(change.query, "wrong", message=faults[change.query])
            if change.query is not None and change.query in faults
            else change
            for change in engine.queries
        ),
    )
