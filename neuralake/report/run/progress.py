"""Progress of a bench, told between executions and never during one."""

from __future__ import annotations

import time
from collections import deque
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn

from neuralake.report.line import Line
from neuralake.report.text import one_line
from neuralake.results.records import Phase, Sample, Verification
from neuralake.workloads.plan import Plan, steps


class BenchProgress:
    """An observer that shows engine, query, round and time left.

    There is no refreshing thread: it would take processor time from what is measured.

    Parameters
    ----------
    console
        Standard error; a bar is drawn there.
    plan
        What will run.
    line
        Where progress is told in place of the bar, which wants a terminal.
    """

    def __init__(self, console: Console, plan: Plan, line: Line | None = None) -> None:
        self._line = line
        self._per_engine = len(steps(plan))
        self._rounds = {"hot": plan.hot_runs, "cold": plan.cold_runs}
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[left]}"),
            console=console,
            auto_refresh=False,
            transient=True,
            disable=line is not None or not console.is_terminal,
        )
        self._task: TaskID | None = None
        self._engine = ""
        self._took_s: deque[float] = deque(maxlen=len(plan.queries))
        self._last_s = 0.0
        self._done = 0

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._progress.stop()
        if self._line is not None:
            self._line.close(has_failed=exc[0] is not None)

    def before(self, engine: str, phase: Phase, query: str | None, round: int) -> None:
        """Show what is about to be measured."""
        if engine != self._engine:
            if self._task is not None:
                self._progress.remove_task(self._task)
            self._task = self._progress.add_task(engine, total=self._per_engine, left="")
            self._engine, self._done, self._last_s = engine, 0, time.monotonic()
            self._took_s.clear()
        if self._task is not None:
            of = f" {round} of {self._rounds[phase]}" if phase in self._rounds else ""
            what = f"{query}, {phase} run{of}" if query else phase
            description, left = one_line(f"{engine} {what}"), self._left()
            self._progress.update(
                self._task, description=description, completed=self._done, left=left
            )
            self._progress.refresh()
            if self._line is not None:
                counted = f"{self._done}/{self._per_engine}"
                self._line.show(" · ".join(filter(None, (description, counted, left))))

    def after(self, sample: Sample) -> None:
        """Count one execution."""
        if sample.query is not None:
            self._done += 1
            now_s = time.monotonic()
            self._took_s.append(now_s - self._last_s)
            self._last_s = now_s

    def verified(self, result: Verification) -> None:
        """Tell of an answer that is not right, at once."""
        if result.verdict in ("wrong", "failed"):
            line = one_line(f"{result.engine} {result.query}: {result.verdict}: {result.detail}")
            if self._line is None:
                self._progress.console.print(line, style="red", markup=False, highlight=False)
            else:
                self._line.say(line, "red")

    def _left(self) -> str:
        """Time left for this engine, by what its last executions took with all around them."""
        if not self._took_s:
            return ""
        mean_s = sum(self._took_s) / len(self._took_s)
        return f"{mean_s * max(self._per_engine - self._done, 0):.0f} s left"
