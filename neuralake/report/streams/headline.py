"""What came out of a run of streams, in a sentence or two."""

from __future__ import annotations

from neuralake.report import numbers
from neuralake.report.facts import run_and_machine
from neuralake.report.streams import words
from neuralake.results.streams.records import StreamsRun
from neuralake.results.streams.summary import StreamsSummary


def title(run: StreamsRun) -> str:
    """What was run."""
    return f"Streams: TPC-H at SF {run.header.scale_factor:g}"


def headline(run: StreamsRun, summary: StreamsSummary) -> str:
    """Who gets through how much, and whether everything was right."""
    return " ".join(filter(None, (_composites(summary), _answers(run), _none(summary))))


def where(run: StreamsRun) -> tuple[str, ...]:
    """Run, time and machine, in a few words each."""
    return run_and_machine(run.header)


def _composites(summary: StreamsSummary) -> str:
    known = [(line.composite, line) for line in summary.lines if line.composite is not None]
    if not known:
        return ""
    ordered = sorted(known, key=lambda pair: -pair[0])
    several = len({line.streams for _, line in known}) > 1
    told = ", ".join(
        f"{line.engine} {numbers.per_second(value)}"
        + (f" ({numbers.count(line.streams, 'stream')})" if several else "")
        for value, line in ordered
    )
    return f"Composite queries an hour, {words.DERIVED}: {told}."


def _answers(run: StreamsRun) -> str:
    checks = [check for phase in run.phases for check in phase.answers]
    right = sum(check.verdict == "verified" for check in checks)
    if not checks:
        return ""
    if right == len(checks):
        return f"Another engine gave the same {right:,} answers at the same versions."
    return f"{right:,} of {numbers.count(len(checks), 'answer')} were found right."


def _none(summary: StreamsSummary) -> str:
    without = [line.engine for line in summary.lines if line.composite is None]
    names = ", ".join(dict.fromkeys(without))
    return f"No metric: {names}; the notes say why." if names else ""
