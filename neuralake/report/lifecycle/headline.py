"""What came out of a run of lifecycle, in a sentence or two."""

from __future__ import annotations

from neuralake.report import numbers
from neuralake.report.facts import run_and_machine
from neuralake.report.lifecycle import words
from neuralake.results.lifecycle.records import LifecycleRun
from neuralake.results.lifecycle.summary import LifecycleSummary


def title(run: LifecycleRun) -> str:
    """What was run."""
    return f"Life cycle: {run.header.plan}"


def headline(run: LifecycleRun, summary: LifecycleSummary) -> str:
    """How much slower queries become, and whether everything was right."""
    return " ".join(filter(None, (_rates(summary), _right(run), _stopped(run))))


def where(run: LifecycleRun) -> tuple[str, ...]:
    """Run, time and machine, in a few words each."""
    return run_and_machine(run.header)


def _rates(summary: LifecycleSummary) -> str:
    first = next((s.name for s in summary.series if s.degradation is not None), None)
    own = [s for s in summary.series if s.name == first and s.degradation is not None]
    if not own:
        return ""
    told = "; ".join(
        f"{s.engine} {words.rate(s.degradation)}"
        + (
            f" ({words.rate_ends(s.degradation, len(s.rates))})"
            if len(s.rates) > 1
            else " (one repetition: no interval)"
        )
        for s in own
    )
    return f"From one phase of {first} to the next (S_DR): {told}."


def _right(run: LifecycleRun) -> str:
    answers = [check for phase in run.phases for check in phase.answers]
    tables = [check for phase in run.phases for check in phase.end]
    right = sum(check.verdict == "verified" for check in answers)
    held = sum(check.is_right is True for check in tables)
    if right == len(answers) and held == len(tables):
        return (
            f"Another engine gave the same {numbers.count(right, 'answer')}, and all "
            f"{numbers.count(held, 'table')} held what they must after each phase."
        )
    return (
        f"{right:,} of {numbers.count(len(answers), 'answer')} and {held:,} of "
        f"{numbers.count(len(tables), 'table')} were found right."
    )


def _stopped(run: LifecycleRun) -> str:
    names = dict.fromkeys(end.engine for end in run.repetitions if end.stopped)
    return f"Not all phases were run by {', '.join(names)}; the notes say why." if names else ""
