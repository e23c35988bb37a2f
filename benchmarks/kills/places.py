"""Where runs are killed: a lake, results and temporary files of their own, and their processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from neuralake.results.store import RunStore

# Until the kernel has ended whoever was to end with its parent, on a busy machine
ORPHANS_END_S: Final = 30.0
_LOOK_S = 0.05


@dataclass(frozen=True)
class Ended:
    """How a command ended.

    Attributes
    ----------
    status
        Exit status, or the negative number of the signal.
    output, said
        Its standard output, and its standard error.
    """

    status: int
    output: str
    said: str

    @property
    def last_words(self) -> str:
        """The last line that it said."""
        return self.said.strip().rpartition("\n")[2]


@dataclass(frozen=True)
class Site:
    """A directory in which nobody else runs anything.

    Attributes
    ----------
    root
        Its path.
    """

    root: Path

    @property
    def lake(self) -> Path:
        """Where datasets and copies of their tables lie."""
        return self.root / "lake"

    @property
    def store(self) -> RunStore:
        """Of the results."""
        return RunStore(self.root / "results")

    @property
    def temporary(self) -> Path:
        """Directory for temporary files."""
        return self.root / "tmp"

    @property
    def environment(self) -> dict[str, str]:
        """Of every command that runs here."""
        foreign = ("NEURALAKE_", "AWS_")
        return {k: v for k, v in os.environ.items() if not k.startswith(foreign)} | {
            "NEURALAKE_STORAGE_ROOT": str(self.lake),
            "NEURALAKE_RESULTS_ROOT": str(self.store.root),
            "NEURALAKE_LOCK_FILE": str(self.root / "lock"),
            "TMPDIR": str(self.temporary),
        }

    def make(self) -> None:
        """Make what must be there before the first command."""
        self.temporary.mkdir(parents=True, exist_ok=True)

    def run(self, *words: object) -> Ended:
        """Let a command come to its end."""
        done = subprocess.run(
            self._command(words),
            env=self.environment,
            cwd=self.root,
            capture_output=True,
            text=True,
            check=False,
        )
        return Ended(done.returncode, done.stdout, done.stderr)

    def kill(self, words: Iterable[object], after_s: float, *, everything: bool) -> Ended | None:
        """Start a command, and kill it after a time.

        Parameters
        ----------
        words
            Its arguments.
        after_s
            Seconds.
        everything
            Whether all its processes are killed at once, as by a machine that fails; else the one
            that was started, whose others must then end by themselves.

        Returns
        -------
        Ended or None
            How it ended before it could be killed; None if it was killed.
        """
        log = self.root / "killed.log"
        with (
            log.open("wb") as said,
            subprocess.Popen(
                self._command(words),
                env=self.environment,
                cwd=self.root,
                stdout=subprocess.DEVNULL,
                stderr=said,
                start_new_session=True,
            ) as process,
        ):
            try:
                status = process.wait(after_s)
            except subprocess.TimeoutExpired:
                # its own environment is not to be seen for a moment, when it has just begun
                for pid in {process.pid, *(self.processes() if everything else ())}:
                    with suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
                status = process.wait()
        if status == -signal.SIGKILL:
            return None
        return Ended(status, "", log.read_text(errors="replace"))

    def processes(self) -> list[int]:
        """All that have the environment of this place, whoever started them."""
        mark = f"NEURALAKE_RESULTS_ROOT={self.store.root}".encode()
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                with suppress(OSError):
                    if mark in (entry / "environ").read_bytes().split(b"\0"):
                        found.append(int(entry.name))
        return found

    def left_processes(self) -> list[int]:
        """Those that have not ended some time after a kill."""
        deadline = time.monotonic() + ORPHANS_END_S
        while (found := self.processes()) and time.monotonic() < deadline:
            time.sleep(_LOOK_S)
        return found

    def left_files(self, dataset: Path) -> Iterator[str]:
        """What lies here beside a dataset and the runs, when nothing runs any more."""
        for path in self.temporary.iterdir():
            yield str(path.relative_to(self.root))
        for path in self.store.root.iterdir():
            if path != self.store.runs:
                yield str(path.relative_to(self.root))
        for path in self.lake.glob("*/*"):
            if path != dataset:
                yield str(path.relative_to(self.root))

    def _command(self, words: Iterable[object]) -> Sequence[str]:
        return [sys.executable, "-m", "neuralake", *map(str, words)]
