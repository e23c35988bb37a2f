"""What came out of a run of freshness, in a sentence or two."""

from __future__ import annotations

from neuralake.report import numbers
from neuralake.report.facts import run_and_machine
from neuralake.report.freshness import words
from neuralake.report.latency import in_ms
from neuralake.report.storage import storage_in_words
from neuralake.results.freshness.records import FreshnessRun
from neuralake.results.freshness.samples import VISIBLE_LEAST, VISIBLE_MOST
from neuralake.results.freshness.summary import FreshnessSummary


def title(run: FreshnessRun) -> str:
    """What was written."""
    return f"Freshness: records through {run.header.load.source}"


def headline(run: FreshnessRun, summary: FreshnessSummary) -> str:
    """How soon a record is seen, up to which rate, and whether every record was there once."""
    return " ".join(filter(None, (_visible(summary), _frontier(summary), _tables(run))))


def where(run: FreshnessRun) -> tuple[str, ...]:
    """Run, time, machine and disk, in a few words each."""
    return (*run_and_machine(run.header), storage_in_words(run.header.storage))


def _visible(summary: FreshnessSummary) -> str:
    told = []
    for line in summary.lines[:6]:
        if line.status != "ok":
            continue
        least, most = line.measures_ms[VISIBLE_LEAST], line.measures_ms[VISIBLE_MOST]
        level = next((v for v in ("99", "90", "50") if v in most), None)
        if level is not None:
            told.append(
                f"{words.name(line.case)} shows a record within "
                f"{words.between(least, most, level)} ms (p{level})"
            )
    return "; ".join(told) + "." if told else "No round has numbers."


def _frontier(summary: FreshnessSummary) -> str:
    if len({line.case.rate for line in summary.lines}) < 2:
        return ""
    told = [
        f"{words.reader_of(frontier)} keeps p99 within {in_ms(frontier.bound_ms)} ms up to "
        f"{numbers.per_second(frontier.rate)} rows/s"
        for frontier in summary.frontiers
        if frontier.rate is not None
    ]
    return "; ".join(told) + "." if told else ""


def _tables(run: FreshnessRun) -> str:
    judged = len(run.verifications)
    if not judged:
        return ""
    right = sum(v.verdict == "verified" for v in run.verifications)
    if right == judged and run.is_right:
        return "Every answer was possible, and every record is in its table once."
    return f"{right:,} of {judged:,} tables are verified to hold every record once."
