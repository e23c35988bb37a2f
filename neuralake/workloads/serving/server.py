"""A contestant's server, as a user starts it: a child of a worker, and gone with it."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from neuralake.catalog.tables import DeltaTable, Table
from neuralake.errors import LoadError
from neuralake.measure.process import (
    peak_memory_bytes,
    process_tree,
    reset_peak_memory,
    shows_descendants,
    tree_usage,
)
from neuralake.storage import one_line
from neuralake.workloads.schedule import MonotonicClock
from neuralake.workloads.serving.contestants.protocol import Site
from neuralake.workloads.serving.contestants.registry import contestant_type
from neuralake.workloads.serving.events import EVENTS

_ASK_EVERY_S = 0.02
_STOP_GRACE_S = 10.0
_QUESTION = f"SELECT COUNT(*) AS n FROM {EVENTS}"  # noqa: S608 (our own)


@dataclass(frozen=True)
class Used:
    """What a server used."""

    cpu_ns: int | None
    peak_rss_bytes: int | None


class ServerProcess:
    """The object in the worker."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, contestant: str, site: Site, patience_s: float) -> int | None:
        """Start the server, and wait until it answers a query.

        Parameters
        ----------
        contestant
            Its name.
        site
            Where it serves.
        patience_s
            How long that may take.

        Returns
        -------
        int | None
            Nanoseconds until it answered; None of a contestant without a server.

        Raises
        ------
        LoadError
            If it ends, or does not answer in time.
        """
        own = contestant_type(contestant)(site)
        command = own.command()
        if command is None:
            return None
        began_ns = time.monotonic_ns()
        self._process = subprocess.Popen(
            command, cwd=site.directory, stdin=subprocess.DEVNULL, stdout=sys.stderr
        )
        said = "nothing"
        while time.monotonic_ns() - began_ns < patience_s * 1e9:
            if (status := self._process.poll()) is not None:
                raise LoadError(f"the server of {contestant} ended with exit status {status}")
            try:
                own.ask(_QUESTION)
            except Exception as error:  # noqa: BLE001 (whatever a server says that starts)
                said = one_line(error, {})
                time.sleep(_ASK_EVERY_S)
            else:
                return time.monotonic_ns() - began_ns
        raise LoadError(
            f"the server of {contestant} did not answer within {patience_s:g} s: {said}"
        )

    def use_between(self, start_ns: int, end_ns: int) -> Used:
        """Processor time and peak memory of the server's process tree.

        Parameters
        ----------
        start_ns, end_ns
            Readings of the monotonic clock.
        """
        if self._process is None or not shows_descendants(self._process.pid):
            return Used(None, None)
        clock = MonotonicClock()
        clock.sleep_until(start_ns)
        tree = process_tree(self._process.pid)
        reset_peak_memory(tree)
        before = tree_usage(tree)
        clock.sleep_until(end_ns)
        tree = process_tree(self._process.pid)
        return Used(tree_usage(tree).since(before).cpu_ns, peak_memory_bytes(tree))

    def close(self) -> None:
        """End the server."""
        if self._process is not None:
            self._process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(_STOP_GRACE_S)
            self._process.kill()
            self._process.wait()


def catalog_of(tables: Mapping[str, Table]) -> str:
    """A catalog as a user writes it: names and places, and no credential."""
    lines = ["from neuralake.catalog import DeltaTable", ""]
    for name, table in tables.items():
        if not isinstance(table, DeltaTable):
            raise TypeError(f"table {name} is no Delta table")
        lines.append(f"{name} = DeltaTable(name={name!r}, location={table.location!r})")
    return "\n".join(lines) + "\n"
