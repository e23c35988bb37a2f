"""``neuralake serve`` as a process of its own, started again when it dies."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress

from neuralake.errors import PipelineError
from neuralake.mortal import mortal
from neuralake.sources.address import Address

_READY_S = 60.0
_STOP_S = 20.0
_PAUSE_S = 0.1
_DEATHS = 5
_WITHIN_S = 60.0
_TELLS = "serving on "


class ServerProcess:
    """The API of a catalog.

    Parameters
    ----------
    catalog
        File or module.
    listen
        Where it listens; a free port stays the same when it is started again.
    tell
        Told in a line of what becomes of it.
    options
        More of ``neuralake serve``.
    """

    def __init__(
        self,
        catalog: str,
        listen: Address,
        tell: Callable[[str], None],
        options: Sequence[str] = (),
    ) -> None:
        self._catalog = catalog
        self._listen = str(listen)
        self._tell = tell
        self._options = tuple(options)
        self._process: subprocess.Popen[str] | None = None
        self._is_over = threading.Event()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._keep, daemon=True)
        self.url = ""
        self.restarts = 0
        self.failure = ""

    @property
    def pid(self) -> int | None:
        """Of the process that serves now."""
        return None if self._process is None else self._process.pid

    def start(self) -> None:
        """Start it, and return when it answers.

        Raises
        ------
        PipelineError
            If it does not.
        """
        self._thread.start()  # which its processes live and die with
        if not self._ready.wait(_READY_S):
            self.stop()
            raise PipelineError(f"the API does not answer after {_READY_S:g} s")
        if self.failure:
            raise PipelineError(self.failure)

    def stop(self) -> None:
        """Let it end what it has begun to answer, and end."""
        self._is_over.set()
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.terminate()
        self._thread.join(_STOP_S)
        if self._thread.is_alive() and self._process is not None:
            self._process.kill()
            self._thread.join()

    def _keep(self) -> None:
        deaths: deque[float] = deque(maxlen=_DEATHS)
        try:
            while not self._is_over.is_set():
                words = self._serve()
                if self._is_over.is_set():
                    return
                deaths.append(time.monotonic())
                is_hopeless = len(deaths) == _DEATHS and deaths[-1] - deaths[0] < _WITHIN_S
                if not self.url or is_hopeless:
                    self.failure = f"the API {words}"
                    return
                self._tell(f"the API {words}; it is started again")
                self._is_over.wait(_PAUSE_S)
                self.restarts += 1
        finally:
            self._ready.set()

    def _serve(self) -> str:
        """Run one process to its end; how it came to that."""
        command = [sys.executable, "-P", "-m", "neuralake", "serve", "--catalog", self._catalog]
        last: deque[str] = deque(maxlen=1)
        with subprocess.Popen(
            mortal([*command, "--listen", self._listen, *self._options]),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,  # Ctrl-C is for us, who then stop it
        ) as process:
            self._process = process
            hearing = threading.Thread(target=_keep_last, args=(process.stderr, last), daemon=True)
            hearing.start()
            if self._is_over.is_set():  # it was told so while the process was made
                process.terminate()
            for line in process.stdout or ():
                if line.startswith(_TELLS):
                    self.url = line.removeprefix(_TELLS).strip()
                    self._listen = self.url.partition("://")[2]
                    self._ready.set()
            hearing.join()
        status = process.returncode
        if last:
            return f"failed: {last[0].strip().removeprefix('neuralake: ')}"
        return f"ended with status {status}" if status >= 0 else f"was killed by signal {-status}"


def _keep_last(lines: Iterable[str] | None, last: deque[str]) -> None:
    last.extend(lines or ())
