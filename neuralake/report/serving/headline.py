"""What came out of a run of serving, in a sentence or two."""

from __future__ import annotations

import math

from neuralake.report import numbers
from neuralake.report.facts import run_and_machine
from neuralake.report.latency import in_ms
from neuralake.report.serving import words
from neuralake.results.serving.records import NULL, ServingRun
from neuralake.results.serving.summary import Line, ServingSummary

_LEVELS = ("99", "90", "50")


def title(run: ServingRun) -> str:
    """What was asked."""
    return f"Serving: {words.mix_in_words(run.header.load.mix)}"


def headline(run: ServingRun, summary: ServingSummary) -> str:
    """Who can answer how much, how soon, and whether every answer was right."""
    return " ".join(filter(None, (_capacities(run), _tail(summary), _answers(run))))


def where(run: ServingRun) -> tuple[str, ...]:
    """Run, time and machine, in a few words each."""
    return run_and_machine(run.header)


def _capacities(run: ServingRun) -> str:
    known = [(c.per_second, c.contestant) for c in run.capacities if c.per_second is not None]
    if not known:
        return "No contestant has a capacity."
    ordered = sorted(known, reverse=True)
    told = ", ".join(f"{name} {numbers.per_second(value)}" for value, name in ordered)
    return f"Answered at most, a second: {told}."


def _tail(summary: ServingSummary) -> str:
    """The tail at the highest rate that was carried, of each contestant but the floor."""
    told = []
    for contestant in dict.fromkeys(line.contestant for line in summary.lines):
        carried = [
            line
            for line in summary.lines
            if line.contestant == contestant and line.status == "ok" and not line.lags
        ]
        if contestant == NULL or not carried:
            continue
        best = max(carried, key=lambda line: line.offered or 0.0)
        level = _level(best)
        if level is not None:
            value = in_ms(best.percentiles_ms[level])
            told.append(f"{words.name(best)} p{level} {value} ms")
    return f"The highest rate that was carried: {'; '.join(told)}." if told else ""


def _level(line: Line) -> str | None:
    finite = (v for v in _LEVELS if math.isfinite(line.percentiles_ms.get(v, math.inf)))
    return next(finite, None)


def _answers(run: ServingRun) -> str:
    wrong = sum(c.wrong for c in run.capacities) + sum(r.wrong for r in run.rounds)
    answered = sum(r.answered for r in run.rounds)
    if wrong:
        return f"{numbers.count(wrong, 'answer')} were wrong."
    return f"All {answered:,} answers were right." if answered else ""
