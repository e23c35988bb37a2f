"""What a reader must know before believing a verdict."""

from __future__ import annotations

from collections.abc import Iterator

from neuralake.report import numbers, surroundings
from neuralake.report.comparison import verdicts
from neuralake.report.comparison.differences import packages
from neuralake.report.comparison.measure import measure_of
from neuralake.report.comparison.method import LIMITS
from neuralake.report.notes import Note, gravest_first
from neuralake.results.comparison import BETTER, WORSE, Comparison, EngineComparison


def comparison_notes(comparison: Comparison) -> tuple[Note, ...]:
    """All notes, the gravest first."""
    found = [note for engine in comparison.engines for note in _engine(comparison, engine)]
    found += _whole(comparison)
    return gravest_first(found)


def error_rates(comparison: Comparison) -> str:
    """Effects and error rates, in plain words."""
    if comparison.streams is not None:
        return (
            f"A change of the throughput matters from {numbers.percent(comparison.effect)} on. "
            "Where nothing has changed, that of an engine is called slower or faster in at most "
            f"{numbers.percent(comparison.suite_alpha)} of comparisons."
        )
    measure = measure_of(comparison.by)
    return (
        f"A change of the suite matters from {numbers.percent(comparison.effect)} on, one of a "
        f"query from {numbers.percent(comparison.query_effect)} on. Where nothing has changed, "
        f"the suite of an engine is called {measure.worse} or {measure.better} in at most "
        f"{numbers.percent(comparison.suite_alpha)} of comparisons, and any of its queries in at "
        f"most {numbers.percent(comparison.queries_alpha)}."
    )


def _engine(comparison: Comparison, engine: EngineComparison) -> Iterator[Note]:
    name = engine.engine
    bad = verdicts.faults(engine)
    if bad and comparison.streams is None:
        kinds = f"{numbers.count(len(bad), 'query', 'queries')} {'is' if len(bad) == 1 else 'are'}"
        yield Note("error", f"{name}: {kinds} wrong or failed, and in no ratio: see the failures")
    if engine.suite.verdict in ("wrong", "failed") and engine.suite.message:
        yield Note("error", f"{name}: {engine.suite.message}")
    undecided = sum(c.verdict == "inconclusive" for c in verdicts.shown(comparison, engine))
    left = numbers.count(undecided, "verdict is", "verdicts are") if undecided else "no verdict is"
    open_ = f"{left} still inconclusive"
    if engine.ending == "interrupted":
        yield Note("warning", f"{name}: interrupted; {open_}")
    elif engine.ending == "time" and undecided:
        yield Note("warning", f"{name}: the time was up; {open_}")
    elif engine.ending == "regression":
        yield Note("info", f"{name}: ended at the first regression; {open_}")
    yield from surroundings.throttled_engine(engine)
    if engine.processes == 1:
        text = "one pair of processes carries no interval, and no verdict"
        yield Note("warning", f"{name}: {text}")


def _whole(comparison: Comparison) -> Iterator[Note]:
    if comparison.finished_at is None:
        yield Note("warning", "the comparison was interrupted: what it had not reached is missing")
    for side, queries in (
        ("base", comparison.only_in_base),
        ("candidate", comparison.only_in_candidate),
    ):
        if queries:
            yield Note("warning", f"only in the {side}, and not compared: {', '.join(queries)}")
    for against in dict.fromkeys(e.verified_against for e in comparison.engines if e.processes):
        named = [e.engine for e in comparison.engines if e.verified_against == against]
        whose = "" if len(named) == len(comparison.engines) else f" of {', '.join(named)}"
        yield Note("info", f"answers{whose} of both arms verified against: {against}")
    if comparison.by == "instructions":
        yield Note("info", f"counted, not timed. {LIMITS}")
    yield from surroundings.variables(comparison.fingerprint)
    base, candidate = comparison.base, comparison.candidate
    same = (base.commit, base.options) == (candidate.commit, candidate.options)
    changed = any(change.verdict in (*WORSE, *BETTER) for change in comparison.changes())
    if changed and same and not packages(comparison):
        yield Note("warning", "the arms do not differ, so that a change is a false alarm")
