"""What came out of a comparison, a sentence an engine, the gravest first."""

from __future__ import annotations

from collections.abc import Sequence

from neuralake.report import numbers
from neuralake.report.comparison import verdicts
from neuralake.report.comparison.differences import commit
from neuralake.report.comparison.measure import measure_of
from neuralake.report.text import short
from neuralake.results.comparison import (
    BETTER,
    SAME,
    WORSE,
    Change,
    Comparison,
    EngineComparison,
    Verdict,
)

_MOST_NAMED = 4


def headline(comparison: Comparison) -> str:
    """All sentences."""
    return " ".join(sentences(comparison))


def sentences(comparison: Comparison) -> tuple[str, ...]:
    """One sentence an engine; engines without any change share one.

    Where the arms were counted and timed, what was counted comes first: it is sooner decided.
    """
    if comparison.counted is None:
        return _sentences(comparison)
    kinds = (("Counted", comparison.counted), ("Timed", comparison))
    return tuple(f"{kind}: {said}" for kind, found in kinds for said in _sentences(found))


def _sentences(comparison: Comparison) -> tuple[str, ...]:
    if not comparison.engines:
        return ("Nothing was measured.",)
    calm = [engine for engine in comparison.engines if _is_calm(engine)]
    others = [engine for engine in comparison.engines if not _is_calm(engine)]
    others.sort(key=lambda engine: verdicts.GRAVITY.index(verdicts.gravest(engine)))
    told = [f"{_engine(engine, comparison)}." for engine in others]
    if calm:
        said = ", ".join(f"{short(e.engine)} {verdicts.in_words(e.suite)}" for e in calm)
        sizes = {verdicts.measured(comparison, engine) for engine in calm}
        over = f" over {sizes.pop()}" if len(sizes) == 1 else ""
        of = "" if comparison.by == "time" else f" of {measure_of(comparison.by).name}"
        effect = numbers.percent(comparison.effect)
        told.append(f"No change{of} of {effect} or more: {said}{over}.")
    return tuple(told)


def overall(comparison: Comparison) -> Verdict:
    """The gravest verdict of all, counted or timed; inconclusive where nothing was measured."""
    counted = () if comparison.counted is None else comparison.counted.engines
    found = [verdicts.gravest(engine) for engine in (*comparison.engines, *counted)]
    return min(found, key=verdicts.GRAVITY.index) if found else "inconclusive"


def title(comparison: Comparison) -> str:
    """``HEAD against main: tpch, scale factor 0.1``."""
    factor = comparison.scale_factor
    size = "" if factor is None else f", scale factor {factor:g}"
    arms = [short(arm.text, 60) for arm in (comparison.candidate, comparison.base)]
    streams = (
        "" if comparison.streams is None else ", " + numbers.count(comparison.streams, "stream")
    )
    by = "" if comparison.by == "time" else f", by {measure_of(comparison.by).name}"
    return f"{arms[0]} against {arms[1]}: {short(comparison.workload, 60)}{size}{streams}{by}"


def where(comparison: Comparison) -> tuple[str, ...]:
    """Commits, time and machine, in a few words each."""
    machine = comparison.fingerprint
    return (
        f"{commit(comparison.candidate)} against {commit(comparison.base)}",
        comparison.id,
        numbers.moment(comparison.created_at),
        machine.cpu or "unknown processor",
        numbers.count(machine.cores, "core"),
        numbers.size(machine.memory_bytes),
        *([machine.os] if machine.os else []),
    )


def _is_calm(engine: EngineComparison) -> bool:
    """Whether the suite is unchanged, and every query by itself."""
    return all(change.verdict in SAME for change in verdicts.changes(engine))


def _engine(engine: EngineComparison, comparison: Comparison) -> str:
    name = short(engine.engine)
    faults = " and ".join(_faults(engine))
    by_themselves = not faults and comparison.streams is None
    parts = [faults, _suite(engine, comparison), *(_queries(engine) if by_themselves else [])]
    return f"{name} {'; '.join(part for part in parts if part)}"


def _faults(engine: EngineComparison) -> list[str]:
    found = []
    for verdict, words in (("wrong", "is wrong on"), ("failed", "failed on")):
        queries = [query for query in engine.queries if query.verdict == verdict]
        if queries:
            found.append(f"{words} {_listed([short(query.query or '') for query in queries])}")
    return found


def _suite(engine: EngineComparison, comparison: Comparison) -> str:
    """What is said of the suite; beside a fault its change is told, and never praised."""
    suite = engine.suite
    if comparison.streams is None:
        over = f" over {numbers.count(len(engine.queries), 'query', 'queries')}"
    else:
        over = f" over {verdicts.measured(comparison, engine)}"
    faulty = verdicts.faults(engine)
    if suite.verdict in ("wrong", "failed"):
        verb = "is wrong" if suite.verdict == "wrong" else "failed"
        return "" if faulty else f"{verb}: {suite.message or 'no reason was given'}"
    if faulty and suite.ratio is not None:
        left = numbers.count(len(engine.queries) - len(faulty), "other query", "other queries")
        measure = measure_of(comparison.by)
        worse = suite.verdict == measure.worse
        said = measure.worse if worse else f"no verdict on {measure.total}"
        return f"the {left}: {_percents(suite)}, {said}"
    if suite.ratio is None:
        return "was not measured in both arms"
    if suite.verdict in SAME:
        effect = numbers.percent(comparison.effect)
        return f"shows no change of {effect} or more as a whole{over}, {verdicts.in_words(suite)}"
    if suite.verdict == "inconclusive":
        pairs = numbers.count(suite.pairs, "pair")
        more = verdicts.more(engine, suite)
        return f"is inconclusive{over}, {verdicts.in_words(suite)} after {pairs}: {more}"
    return f"is {verdicts.in_words(suite)}{over}"


def _queries(engine: EngineComparison) -> list[str]:
    """Queries that are slower or faster by themselves, the greatest change first, or undecided."""
    found = []
    for verdict in (*WORSE, *BETTER):
        changed = [query for query in engine.queries if query.verdict == verdict]
        changed.sort(key=_size, reverse=True)
        said = [f"{short(q.query or '')} {_percents(q)}" for q in changed]
        if len(said) > _MOST_NAMED:
            found.append(f"{verdict} by themselves: {len(said)} queries, most of all {said[0]}")
        elif said:
            itself = "itself" if len(said) == 1 else "themselves"
            found.append(f"{verdict} by {itself}: {', '.join(said)}")
    undecided = [short(q.query or "") for q in engine.queries if q.verdict == "inconclusive"]
    if undecided and engine.suite.verdict in SAME:
        many = numbers.count(len(undecided), "query is undecided", "queries are undecided")
        names = f": {', '.join(undecided)}" if len(undecided) <= _MOST_NAMED else ""
        found.append(f"{many}{names}")
    return found


def _percents(change: Change) -> str:
    return f"{verdicts.percent(change)} % {verdicts.interval(change)}".rstrip()


def _size(change: Change) -> float:
    return abs(change.ratio - 1) if change.ratio is not None else 0.0


def _listed(names: Sequence[str]) -> str:
    if len(names) <= _MOST_NAMED:
        return ", ".join(names)
    return f"{', '.join(names[:_MOST_NAMED])} and {len(names) - _MOST_NAMED} more"
