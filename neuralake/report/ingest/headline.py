"""What came out of a run of ingest, in a sentence or two."""

from __future__ import annotations

import math

from neuralake.report import numbers
from neuralake.report.facts import run_and_machine
from neuralake.report.ingest import words
from neuralake.report.latency import in_ms
from neuralake.report.storage import storage_in_words
from neuralake.results.ingest.records import DISK, IngestRun
from neuralake.results.ingest.summary import IngestSummary, Line


def title(run: IngestRun) -> str:
    """What was written."""
    return f"Ingestion: batches of {numbers.count(run.header.load.batch_rows, 'row')}"


def headline(run: IngestRun, summary: IngestSummary) -> str:
    """Who is fastest, how near the disk's limit, and whether every row was there."""
    return " ".join(filter(None, (_fastest(summary), _tables(run))))


def where(run: IngestRun) -> tuple[str, ...]:
    """Run, time, machine and disk, in a few words each."""
    return (*run_and_machine(run.header), storage_in_words(run.header.storage))


def _fastest(summary: IngestSummary) -> str:
    known = [
        line
        for line in summary.lines
        if line.case.contestant != DISK
        and line.rate == summary.lines[0].rate
        and math.isfinite(line.percentiles_ms.get("50", math.inf))
    ]
    if not known:
        return "No contestant has a median latency."
    first, *others = sorted(known, key=_median)
    at = words.label(first, with_rate=first.rate is not None)
    near = first.to_limit.get("50")
    limit = "" if near is None else f", {words.ratio(near)} times the disk's own limit"
    said = f"{at} takes {in_ms(_median(first))} ms at the median{limit}"
    rest = [
        f"{words.label(line, with_rate=line.rate is not None)} "
        f"{numbers.times(_median(line) / _median(first))} times that"
        for line in others[:4]
    ]
    return "; ".join([said, ", ".join(rest)] if rest else [said]) + "."


def _tables(run: IngestRun) -> str:
    judged = len(run.verifications)
    if not judged:
        return ""
    right = sum(v.verdict == "verified" for v in run.verifications)
    if right == judged:
        return f"All {judged:,} tables hold just what was acknowledged."
    return f"{right:,} of {judged:,} tables are verified to hold just what was acknowledged."


def _median(line: Line) -> float:
    return line.percentiles_ms["50"]
