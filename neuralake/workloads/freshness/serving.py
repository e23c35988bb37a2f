"""The server under measurement: ``neuralake serve`` itself, started as a user starts it.

Runs in a worker, whose supervisor ends it however the round ends.
"""

from __future__ import annotations

import queue
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from neuralake.workloads.freshness.readers.servers import FLIGHT_SQL, catalog_of, options_of
from neuralake.workloads.freshness.writing import COMMAND
from neuralake.workloads.places import Target

_START_S = 60.0
_STOP_S = 20.0
_SAID = {FLIGHT_SQL: "serving Flight SQL on "}
_SAID_OF_HTTP = "serving on "


class ServingProcessError(Exception):
    """The server has not started."""


@dataclass(frozen=True)
class ServerTask:
    """How the server is started.

    Attributes
    ----------
    reader
        Who will ask it.
    table
        Name of the table.
    target
        Where it lies.
    catalog
        File that is written for it.
    """

    reader: str
    table: str
    target: Target
    catalog: Path


class ServingProcess:
    """The object in the worker."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._lines: queue.Queue[str | None] = queue.Queue()

    def start(self, task: ServerTask) -> tuple[str, int]:
        """Start it, and wait until it listens.

        Returns
        -------
        tuple
            Where it is asked, and its process number.
        """
        task.catalog.write_text(catalog_of(task.table, task.target))
        process = subprocess.Popen(
            (*COMMAND, "serve", "--catalog", str(task.catalog), *options_of(task.reader)),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._process = process
        threading.Thread(target=self._listen, args=(process,), daemon=True).start()
        said, address = _SAID.get(task.reader, _SAID_OF_HTTP), None
        last = "it said nothing"
        while True:
            try:
                line = self._lines.get(timeout=_START_S)
            except queue.Empty:
                raise ServingProcessError(
                    f"the server does not listen within {_START_S:g} s"
                ) from None
            if line is None:
                raise ServingProcessError(
                    f"the server has ended with status {process.wait()}: {last}"
                )
            last = line.strip() or last
            if line.startswith(said):
                address = line.removeprefix(said).strip()
            if line.startswith(_SAID_OF_HTTP) and address is not None:  # which it says last
                return address, process.pid

    def close(self) -> None:
        """End it."""
        if self._process is None:
            return
        self._process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_STOP_S)
        self._process.kill()
        self._process.wait()

    def _listen(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None  # noqa: S101 - it is a pipe
        for line in process.stdout:
            sys.stderr.write(line)  # the log of the worker
            self._lines.put(line)
        self._lines.put(None)
