"""What the surroundings of a measurement did to it, in words."""

from __future__ import annotations

from collections.abc import Iterator

from neuralake.report.notes import Note
from neuralake.report.numbers import count
from neuralake.results.comparison import EngineComparison
from neuralake.results.records import Fingerprint, MachineUse, Run

_BUSY_SHARE = 0.1
_BUSY_LOAD = 0.5
_STOLEN_SHARE = 0.01


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


def occupied(machine: Fingerprint, use: MachineUse | None) -> Iterator[Note]:
    """What others did on the machine: load before a run, other programs, steal.

    Parameters
    ----------
    machine
        Before the run.
    use
        What the machine did meanwhile, if that is known.
    """
    load = machine.load_1m
    processors = machine.processors or machine.cores  # the load is of all, whatever the quota
    is_loaded = load is not None and load >= _BUSY_LOAD * processors
    others = None if use is None else use.others
    if others is not None and others >= _BUSY_SHARE:
        text = f"other programs took {others:.0%} of the machine's processors during the run"
        yield Note("warning", f"{text}: latencies may be too long")
    if load is not None and is_loaded:
        text = f"the load was {load:.2f} on {count(processors, 'core')} when the run began"
        calm = others is not None and others < _BUSY_SHARE
        if calm:
            text += f", but other programs took {others:.0%} of the processors during it"
        yield Note("info" if calm else "warning", text)
    if use is not None and use.stolen >= _STOLEN_SHARE:
        text = f"a hypervisor withheld {use.stolen:.1%} of the processor time (steal)"
        yield Note("warning", f"{text}: latencies may be too long")
