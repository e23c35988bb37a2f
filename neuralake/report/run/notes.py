"""What a reader must know before believing the numbers of a run, in words."""

from __future__ import annotations

from collections.abc import Iterator

from neuralake.report import surroundings
from neuralake.report.notes import Note, gravest_first
from neuralake.report.numbers import count, moment, size
from neuralake.report.run.facts import limits_in_words
from neuralake.results.records import Limits, Run, Verification
from neuralake.results.summary import Summary


def notes(run: Run, summary: Summary) -> tuple[Note, ...]:
    """All notes of a run, the gravest first."""
    found = [*_troubles(run, summary), *_circumstances(run)]
    return gravest_first(found)


def wrong_answers(run: Run) -> Iterator[Note]:
    """One note for each answer that is wrong or missing."""
    for result in run.verifications:
        if result.verdict in ("wrong", "failed"):
            against = f" against {result.against}" if result.against else ""
            head = f"{result.engine} {result.query}: {result.verdict}{against}: "
            yield Note("error", head + (result.detail or ""))


def engine_notes(run: Run) -> Iterator[Note]:
    """Engines that did not run, did not read through Delta, or whom nobody checked."""
    for engine in run.engines:
        if engine.unavailable is not None:
            yield Note("warning", f"{engine.name}: unavailable: {engine.unavailable}")
    direct = [e.name for e in run.engines if e.settings.get("delta_reader") == "snapshot-files"]
    if direct:
        who = "the engine reads" if len(direct) == 1 else "the engines read"
        text = f"{who} the data files of each snapshot (delta_reader: snapshot-files)"
        yield Note("warning", f"{', '.join(direct)}: {text}")
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
    yield from surroundings.throttled_run(run)
    yield from surroundings.variables(run.header.fingerprint)
    if run.header.limits != Limits():
        yield Note("info", f"limits of one execution: {limits_in_words(run.header.limits)}")
