"""How a comparison was measured, as labelled facts, and what failed in it."""

from __future__ import annotations

from collections.abc import Iterator

from neuralake.report.comparison import verdicts
from neuralake.report.facts import Fact, Group, machine_facts, software_facts
from neuralake.report.failures import Failure, together
from neuralake.report.numbers import NONE, count, duration, moment, percent
from neuralake.results.comparison import Comparison, Ending, EngineComparison

READING = (
    "A pair is two executions of one query, one right after the other in the two arms, whose order "
    "is drawn by lot. Both arms' processes are started anew for each pair of processes, which is "
    "the unit of every test. A change is that of wall time: +100 % is twice the time, −50 % half "
    "of it. It comes from the pairs, and need not be the quotient of the times that are shown, "
    "which are each arm's medians. The verdict is on wall time alone; CPU time is shown beside it. "
    "Slower and faster keep to the error rates however often they are looked at; unchanged means "
    "that the interval lies within the effect; anything else is inconclusive."
)
COUNTED = (
    "Compared are instructions of user space, as Valgrind counts them in the arms' "
    "processes alone, all their threads together, around each execution. Both arms' processes are "
    "started anew for each pair of processes, which is the unit of every test, and run at once: "
    "nothing is timed. A change is that of the count. More work and less work keep to the error "
    "rates however often they are looked at; same work means that the interval lies within the "
    "effect; anything else is inconclusive."
)
LIMITS = (
    "A count says nothing of waiting, of the disk, of memory and caches, or of what runs at once; "
    "Valgrind offers another processor's instructions, AVX2 at most; and small data weigh planning "
    "more than large ones do."
)
_STREAMS = (
    "Here an execution is a throughput run: streams of queries at once, each in its own order and "
    "with its own parameters, in a session and a thread of its own; its time is that from their "
    "beginning to the end of the last. Nothing is written meanwhile."
)
_ENDINGS: dict[Ending, str] = {
    "decided": "everything was decided",
    "regression": "at the first regression",
    "time": "the time was up",
    "failed": "nothing was left to compare",
    "interrupted": "interrupted",
}


def reading(comparison: Comparison) -> str:
    """How the verdicts came about, in plain words."""
    if comparison.by == "instructions":
        return f"{COUNTED} {LIMITS}"
    return READING if comparison.streams is None else f"{READING} {_STREAMS}"


def facts(comparison: Comparison) -> tuple[Group, ...]:
    """Everything that is known of how it was measured, in a fixed order."""
    return (
        Group("Comparison", tuple(_comparison(comparison))),
        Group("Dataset", tuple(_dataset(comparison))),
        *(Group(f"Engine {e.engine}", tuple(_engine(e))) for e in comparison.engines),
        Group("Machine", tuple(machine_facts(comparison.fingerprint))),
        Group("Software that compared", tuple(software_facts(comparison.fingerprint))),
    )


def failures(comparison: Comparison, *, suites: bool = True) -> tuple[Failure, ...]:
    """Every answer that is wrong or missing, with its message; queries of one fault share it.

    Parameters
    ----------
    comparison
        Finished or interrupted.
    suites
        Whether what is said of an engine's suite is among them.
    """
    return together(
        Failure(engine.engine, change.query or "suite", change.verdict, "", change.message or "")
        for engine in comparison.engines
        for change in ((engine.suite, *engine.queries) if suites else engine.queries)
        if change.verdict in ("wrong", "failed")
    )


def _comparison(comparison: Comparison) -> Iterator[Fact]:
    yield Fact("id", comparison.id)
    yield Fact("began", moment(comparison.created_at))
    ended = moment(comparison.finished_at) if comparison.finished_at else "interrupted"
    yield Fact("finished", ended)
    yield Fact("time that was given", duration(comparison.max_time_s))
    if comparison.streams is None:
        yield Fact("effect of the suite", percent(comparison.effect))
        yield Fact("effect of a query", percent(comparison.query_effect))
        yield Fact("error rate of the suite", percent(comparison.suite_alpha))
        yield Fact("error rate of all queries together", percent(comparison.queries_alpha))
    else:
        yield Fact("streams at once", f"{comparison.streams}")
        yield Fact("queries of each stream", ", ".join(comparison.stream_queries))
        yield Fact("effect of the throughput", percent(comparison.effect))
        yield Fact("error rate", percent(comparison.suite_alpha))
    yield Fact("schema version", str(comparison.schema_version))


def _dataset(comparison: Comparison) -> Iterator[Fact]:
    yield Fact("workload", comparison.workload)
    factor = comparison.scale_factor
    yield Fact("scale factor", NONE if factor is None else f"{factor:g}")
    yield Fact("location", comparison.dataset_uri)
    for table in sorted(comparison.tables):
        yield Fact(f"table {table}", comparison.tables[table])


def _engine(engine: EngineComparison) -> Iterator[Fact]:
    yield Fact("pairs of processes", f"{engine.processes:,}")
    yield Fact("rounds in each", f"{engine.rounds:,}")
    yield Fact("elapsed, starts included", duration(engine.elapsed_s))
    yield Fact("ended", _ENDINGS[engine.ending])
    yield Fact("answers verified against", engine.verified_against)
    for table in sorted(engine.faults):
        yield Fact(f"table {table}", f"in no ratio: {engine.faults[table]}")
    suite = engine.suite
    if suite.decided_after_pairs is not None:
        yield Fact("suite decided after", count(suite.decided_after_pairs, "pair"))
    if suite.verdict == "inconclusive":
        yield Fact("suite undecided", verdicts.more(engine, suite))
    if suite.fixed_size_pairs is not None:
        pairs = f"{suite.fixed_size_pairs:,.0f} pairs, the noise being known beforehand"
        yield Fact("a test of fixed size", pairs)
