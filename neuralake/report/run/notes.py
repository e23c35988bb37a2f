"""What a reader must know before believing the numbers of a run, in words."""

from __future__ import annotations

from collections.abc import Iterator

from neuralake.report import surroundings
from neuralake.report.facts import readers
from neuralake.report.notes import Note, gravest_first
from neuralake.report.numbers import count, moment, size, times
from neuralake.report.run.facts import limits_in_words
from neuralake.results.records import EngineRecord, Limits, Run, Verification
from neuralake.results.summary import Summary

# On two machines without other load 999 of 1,000 rounds of 22 queries stayed below this, on Polars
# and on DataFusion (benchmarks/detection/recordings)
CALM_RANGE = 1.5


def notes(run: Run, summary: Summary) -> tuple[Note, ...]:
    """All notes of a run, the gravest first."""
    found = [*_troubles(run, summary), *_circumstances(run)]
    return gravest_first(found)


def wrong_answers(run: Run) -> Iterator[Note]:
    """One note for each answer that is wrong or missing; queries of one fault share theirs."""
    queries: dict[tuple[str, str, str], list[str]] = {}
    for result in run.verifications:
        if result.verdict in ("wrong", "failed"):
            against = f" against {result.against}" if result.against else ""
            fault = (result.engine, f"{result.verdict}{against}", result.detail or "")
            queries.setdefault(fault, []).append(result.query)
    for (engine, verdict, detail), names in queries.items():
        yield Note("error", f"{engine} {', '.join(names)}: {verdict}: {detail}")


def engine_notes(run: Run) -> Iterator[Note]:
    """Engines that did not run, read tables otherwise than by default, or whom nobody checked."""
    for engine in run.engines:
        if engine.unavailable is not None:
            yield Note("warning", f"{engine.name}: unavailable: {engine.unavailable}")
        yield from _readers(engine)
    unverified: dict[str, list[Verification]] = {}
    for result in run.verifications:
        if result.verdict == "unverified":
            unverified.setdefault(result.engine, []).append(result)
    for name, results in unverified.items():
        answers = f"{count(len(results), 'answer')} {'is' if len(results) == 1 else 'are'}"
        yield Note(
            "warning",
            f"{name}: {answers} unverified: there is no known answer, "
            "and no other engine to agree with",
        )


def machine_notes(run: Run, summary: Summary) -> Iterator[Note]:
    """What kept the run from the machine: a quota, load, other programs, steal, spread."""
    yield from surroundings.throttled_run(run)
    yield from surroundings.occupied(run.header.fingerprint, run.machine_use)
    restless = {
        name: engine.typical_range
        for name, engine in summary.by_engine.items()
        if engine.typical_range is not None and engine.typical_range >= CALM_RANGE
    }
    if restless:
        each = ", ".join(f"{name} {times(factor)}" for name, factor in restless.items())
        yield Note(
            "warning",
            "the slowest of three hot runs in a row is typically more than "
            f"{CALM_RANGE:g} times the fastest ({each}), as on a machine that is not quiet",
        )


def left_out(summary: Summary) -> str | None:
    """What the totals do not contain; None if they contain every query."""
    missing = [query for query in summary.queries if query not in set(summary.compared)]
    if not missing:
        return None
    return (
        f"total and geometric mean over {len(summary.compared)} of {len(summary.queries)} "
        f"queries, those with a latency on every engine; left out: {', '.join(missing)}"
    )


def _troubles(run: Run, summary: Summary) -> Iterator[Note]:
    bad = sum(v.verdict in ("wrong", "failed") for v in run.verifications)
    if bad:
        kinds = f"{count(bad, 'answer')} {'is' if bad == 1 else 'are'}"
        yield Note("error", f"{kinds} wrong or missing, and in no total: see the failures")
    if run.finished_at is None:
        text = f"the run was interrupted after {count(len(run.samples), 'sample')}"
        yield Note("warning", f"{text}: what it had not reached is missing here")
    omitted = left_out(summary)
    if omitted is not None:
        yield Note("warning", omitted)
    yield from machine_notes(run, summary)
    yield from engine_notes(run)


def _circumstances(run: Run) -> Iterator[Note]:
    for resumption in run.resumptions:
        text = f"interrupted and resumed at {moment(resumption.resumed_at)}"
        changed = resumption.fingerprint != run.header.fingerprint
        differs = "; machine, load or software were then not the same as before" if changed else ""
        after = f"after {count(resumption.after_samples, 'sample')}"
        yield Note("warning" if changed else "info", f"{text}, {after}{differs}")
    cached = max((s.cached_bytes or 0 for s in run.samples if s.phase == "cold"), default=0)
    if cached:
        text = f"up to {size(cached)} of the dataset stayed in the page cache when a cold run began"
        yield Note("warning", text)
    yield from surroundings.variables(run.header.fingerprint)
    if run.header.limits != Limits():
        yield Note("info", f"limits of one execution: {limits_in_words(run.header.limits)}")


def _readers(engine: EngineRecord) -> Iterator[Note]:
    """Tables that are read otherwise than by default: as asked for, or for want of better."""
    reader = engine.settings.get("delta_reader")
    if "delta_reader" in engine.options:
        text = f"{engine.name}: tables are read with delta_reader {reader}, as was asked for"
        yield Note("info", text)
    default = engine.settings.get("delta_reader_instead_of")
    if default is not None:
        text = f"{engine.name}: tables are read with delta_reader {reader}, for want of {default}"
        yield Note("warning", text)
    for other, tables in readers(engine).items():
        yield Note("info", f"{engine.name}: {other} reads {', '.join(tables)}")
