"""A bare loop in the harness's own process: the same session, and nothing around the call."""

from __future__ import annotations

import time

from benchmarks.fidelity.pairs import HarnessArm
from neuralake.workloads.executor import Executor


class BareExecutor(Executor):
    """The harness's executor, with a way past all that it does."""

    def execute_bare(self, sql: str) -> int:
        """Run once; returns nanoseconds."""
        execute = self._session.execute
        start = time.perf_counter_ns()
        execute(sql)
        return time.perf_counter_ns() - start


class BesideArm:
    """The bare loop beside a harness arm, whose end is its own."""

    def __init__(self, harness: HarnessArm) -> None:
        self._worker = harness.worker

    def execute(self, sql: str) -> int:
        """Run once without the harness; returns nanoseconds."""
        return int(self._worker.call("execute_bare", sql))

    def close(self) -> None:
        """Nothing: the harness arm ends the process."""
