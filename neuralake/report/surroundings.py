"""What the surroundings of a measurement did to it, in words."""

from __future__ import annotations

from collections.abc import Iterator

from neuralake.report.notes import Note
from neuralake.report.numbers import count
from neuralake.results.comparison import EngineComparison
from neuralake.results.records import Fingerprint, Run


def throttled_run(run: Run) -> Iterator[Note]:
    """That a quota of CPU time stopped executions, if it did."""
    stopped = [sample for sample in run.samples if sample.throttled_periods]
    if stopped:
        quota = run.header.fingerprint.cpu_quota
        share = "" if quota is None else f" of {quota:g} processors"
        seconds = sum(sample.throttled_ns or 0 for sample in stopped) / 1e9
        yield Note(
            "warning",
            f"throttled: the control group's quota{share} stopped {len(stopped):,} of "
            f"{count(len(run.samples), 'execution')}, for {seconds:,.1f} s of processor time: "
            "latencies are those of the quota",
        )


def throttled_engine(engine: EngineComparison) -> Iterator[Note]:
    """That a quota of CPU time stopped an engine while it was compared, if it did."""
    if engine.throttled_periods:
        seconds = (engine.throttled_ns or 0) / 1e9
        yield Note(
            "warning",
            f"{engine.engine}: throttled: the control group's quota stopped it in "
            f"{count(engine.throttled_periods, 'period')}, for {seconds:,.1f} s of processor time, "
            "over both arms",
        )


def variables(machine: Fingerprint) -> Iterator[Note]:
    """That variables were set which change how fast engines are."""
    if machine.environment:
        names = ", ".join(machine.environment)
        yield Note("info", f"set in the environment, and able to change speed: {names}")
