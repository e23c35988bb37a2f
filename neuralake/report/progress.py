"""Progress on a terminal, drawn between executions and never during one."""

from __future__ import annotations

from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn

from neuralake.report.text import one_line
from neuralake.results.records import Phase, Sample, Verification
from neuralake.workloads.power import Plan


class BenchProgress:
    """An observer that shows engine, query, round and time left.

    There is no refreshing thread: it would take processor time from what is measured.

    Parameters
    ----------
    console
        Standard error; nothing is drawn unless it is a terminal, but wrong answers are told.
    plan
        What will run.
    """

    def __init__(self, console: Console, plan: Plan) -> None:
        self._console = console
        self._rounds = plan.hot_runs + 1
        self._per_engine = len(plan.queries) * self._rounds
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[left]}"),
            console=console,
            auto_refresh=False,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task: TaskID | None = None
        self._engine = ""
        self._latency_s: dict[str, float] = {}
        self._done = 0

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._progress.stop()

    def before(self, engine: str, phase: Phase, query: str | None, round: int) -> None:
        """Show what is about to be measured."""
        if engine != self._engine:
            if self._task is not None:
                self._progress.remove_task(self._task)
            self._task = self._progress.add_task(engine, total=self._per_engine, left="")
            self._engine, self._done, self._latency_s = engine, 0, {}
        if self._task is not None:
            what = f"{query}, run {round + 1} of {self._rounds}" if query else phase
            self._progress.update(
                self._task, description=f"{engine} {what}", completed=self._done, left=self._left()
            )
            self._progress.refresh()

    def after(self, sample: Sample) -> None:
        """Count one execution."""
        if sample.query is not None:
            self._done += 1
            self._latency_s[sample.query] = (sample.wall_ns or 0) / 1e9

    def verified(self, result: Verification) -> None:
        """Tell of an answer that is not right, at once."""
        if result.verdict in ("wrong", "failed"):
            line = one_line(f"{result.engine} {result.query}: {result.verdict}: {result.detail}")
            self._progress.console.print(line, style="red", markup=False, highlight=False)

    def _left(self) -> str:
        """Time left for this engine, from the latest latency of each query."""
        known = len(self._latency_s)
        if known == 0:
            return ""
        mean_s = sum(self._latency_s.values()) / known
        return f"{mean_s * (self._per_engine - self._done):.0f} s left"
