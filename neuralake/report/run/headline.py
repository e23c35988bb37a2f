"""What came out of a run, in a sentence or two."""

from __future__ import annotations

from neuralake.report import numbers
from neuralake.report.facts import run_and_machine
from neuralake.report.text import short
from neuralake.results.records import Run
from neuralake.results.summary import Summary

_MOST_NAMED = 4


def headline(run: Run, summary: Summary) -> str:
    """Who is fastest, by how much, and how many answers were right."""
    return " ".join(filter(None, (_fastest(summary), _answers(run))))


def title(run: Run) -> str:
    """Workload and scale factor."""
    factor = run.header.scale_factor
    return run.header.workload + ("" if factor is None else f", scale factor {factor:g}")


def where(run: Run) -> tuple[str, ...]:
    """Run, time and machine, in a few words each."""
    system = run.header.fingerprint.os
    return (*run_and_machine(run.header), *([system] if system else []))


def _fastest(summary: Summary) -> str:
    totals = {
        name: engine.total_s
        for name, engine in summary.by_engine.items()
        if engine.total_s is not None
    }
    if not totals:
        return "No query has a valid latency on every engine, so that nothing is added up."
    ordered = sorted(totals, key=totals.__getitem__)
    first, *others = ordered
    of = f"{len(summary.compared)} of {numbers.count(len(summary.queries), 'query', 'queries')}"
    least = f"{short(first)} takes {numbers.time_in_words(totals[first])} over {of}"
    if not others:
        return f"{least}."
    factors = {name: numbers.times(totals[name] / totals[first]) for name in others}
    rest = [f"{short(name)} {factor} times that" for name, factor in factors.items()]
    if len(rest) > _MOST_NAMED:
        more = f"{len(rest) - _MOST_NAMED} more up to {factors[others[-1]]} times that"
        rest = [*rest[:_MOST_NAMED], more]
    return f"{least}; {', '.join(rest)}."


def _answers(run: Run) -> str:
    judged = len(run.verifications)
    right = sum(v.verdict == "verified" for v in run.verifications)
    if judged == 0:
        return "No answer was judged."
    if right == judged:
        return f"All {judged:,} answers are verified." if judged > 1 else "Its answer is verified."
    bad = sum(v.verdict in ("wrong", "failed") for v in run.verifications)
    wrong = f"; {bad:,} wrong or missing" if bad else ""
    return f"{right:,} of {judged:,} answers are verified{wrong}."
