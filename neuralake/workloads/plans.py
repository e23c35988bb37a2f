"""Each engine's plan for each query, taken when nothing of the engine is timed any more."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path

from neuralake.measure.worker import RemoteError, Worker
from neuralake.results.store import write_whole
from neuralake.results.texts import PLANS, plan_path
from neuralake.workloads.failures import FAILURES, without_secrets

# Explaining is no measurement: a slow or a hanging plan costs a run no more than this.
_LONGEST_S = 60.0
_LONGEST_IN_ALL_S = 180.0


def take_plans(worker: Worker, engine: str, queries: Mapping[str, str], directory: Path) -> bool:
    """Ask an engine for its plans and keep them; what it does not tell is no failure of the run.

    Parameters
    ----------
    worker
        With the engine's tables open.
    engine
        Its name.
    queries
        SQL by query; a plan that is there already is not asked for again.
    directory
        Of the run.

    Returns
    -------
    bool
        Whether the worker still answers.
    """
    end = time.monotonic() + _LONGEST_IN_ALL_S
    for query, sql in queries.items():
        path = plan_path(directory, engine, query)
        left_s = min(end - time.monotonic(), _LONGEST_S)
        if path.exists() or left_s <= 0:
            continue
        try:
            text = str(worker.call("explain", sql, timeout_s=left_s))
        except RemoteError as error:
            text = f"{engine} gives no plan: {error}"
        except FAILURES:
            return False
        try:
            (directory / PLANS).mkdir(exist_ok=True)
            write_whole(path, without_secrets(text, os.environ).encode("utf-8", "replace"))
        except OSError:
            return True  # the disk is full, say: times are worth more than plans
    return True
