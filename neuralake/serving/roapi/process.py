"""ROAPI's process: on loopback alone, unable to write a file, and started again when it dies.

Its HTTP is reached through whoever started it, which passes on nothing but questions. A process of
the same machine that finds its port can ask it directly, and reads what the tables hold; whatever
it asks, nothing is written: the limit of the size of a file is 0.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from pathlib import Path

from neuralake.config import Settings
from neuralake.errors import EngineUnavailableError, ServingError
from neuralake.measure.scratch import Scratch
from neuralake.mortal import mortal

LISTEN = "127.0.0.1:0"  # a free port, which it tells
_LISTENING = re.compile(r"Listening on 127\.0\.0\.1:(\d+) for HTTP")
_FIRST_PAUSE_S = 0.05
_LONGEST_PAUSE_S = 5.0
_LIVED_S = 10.0  # after which a death is not the last one's repetition
_START_S = 120.0  # of tables that are read into memory
_LAST_LINES = 40
# Writes of files fail (EFBIG) where the signal is ignored, and do not end the process. What limits
# memory is RLIMIT_DATA, private memory that can be written: an allocation beyond it ends it.
_LIMITED = """\
trap '' XFSZ; ulimit -f 0 && ulimit -c 0 && ulimit -d "$1" && shift && exec "$@"
"""

Tell = Callable[[str], None]


def roapi_program() -> str:
    """Path of ROAPI, which its wheel puts beside Python.

    Raises
    ------
    EngineUnavailableError
        If it is not installed.
    """
    beside = Path(sys.executable).with_name("roapi")
    found = str(beside) if beside.exists() else shutil.which("roapi")
    if found is None:
        raise EngineUnavailableError(
            "ROAPI is not installed: pip install 'neuralake-bench[roapi]', "
            "or serve with --server datafusion"
        )
    return found


class RoapiProcess:
    """ROAPI with a configuration, until it is closed.

    Parameters
    ----------
    configure
        Makes its configuration at each start, as YAML with :data:`LISTEN` as its address.
    settings
        Whose object storage it reaches.
    memory_bytes
        Private memory beyond which it ends, and is started again.
    tell
        Is given each line for people: that it died, and why.

    Raises
    ------
    EngineUnavailableError
        If it is not installed.
    ServingError
        If it does not start, in its own words.
    """

    def __init__(
        self,
        configure: Callable[[], str],
        settings: Settings,
        memory_bytes: int,
        tell: Tell = lambda _line: None,
    ) -> None:
        self._program = roapi_program()
        self._memory_bytes = memory_bytes
        self._environment = _environment(settings)
        self._tell = tell
        self._scratch = Scratch()
        self._directory = self._scratch.directory
        self._place = self._directory / "roapi.yml"
        self._configure = configure
        self._changed = threading.Condition()
        self._process: subprocess.Popen[bytes] | None = None
        self._port: int | None = None
        self._first_failure: str | None = None
        self._is_closed = False
        self.starts = 0
        self._thread = threading.Thread(target=self._run, name="roapi", daemon=True)
        self._thread.start()
        self._wait_for_start()

    @property
    def port(self) -> int | None:
        """Of its HTTP on 127.0.0.1; None while it is down."""
        with self._changed:
            return self._port

    @property
    def process_id(self) -> int | None:
        """Of the process that runs."""
        with self._changed:
            return None if self._process is None else self._process.pid

    def restart(self, port: int) -> None:
        """End it, whatever it does, unless another has taken its place meanwhile.

        Parameters
        ----------
        port
            Of the one that is meant.
        """
        with self._changed:
            if self._port == port and self._process is not None:
                self._port = None
                self._process.kill()

    def close(self) -> None:
        """End it."""
        with self._changed:
            self._is_closed = True
            self._port = None
            if self._process is not None:
                self._process.kill()
            self._changed.notify_all()
        self._thread.join()
        self._scratch.remove()

    def _wait_for_start(self) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._port or self._first_failure, _START_S)
            failure = self._first_failure
            if self._port is None and failure is None:
                failure = f"it does not listen after {_START_S:g} s"
        if failure is not None:
            self.close()
            raise ServingError(f"ROAPI does not start: {failure}")

    def _run(self) -> None:
        pause_s = _FIRST_PAUSE_S
        while True:
            began_s = time.monotonic()
            reason = self._run_once()
            with self._changed:
                if self._is_closed:
                    return
                if self.starts == 0:
                    self._first_failure = reason
                    self._changed.notify_all()
                    return
                if time.monotonic() - began_s > _LIVED_S:
                    pause_s = _FIRST_PAUSE_S
                self._tell(f"ROAPI ended and is started again: {reason}")
                self._changed.wait_for(lambda: self._is_closed, pause_s)
                pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
                if self._is_closed:
                    return

    def _run_once(self) -> str:
        """Run it until it ends, and say why it did."""
        try:
            self._place.write_text(self._configure(), encoding="utf-8")
        except ServingError as error:
            return str(error)
        command = [
            *("/bin/sh", "-c", _LIMITED, "sh", str(self._memory_bytes // 1024)),
            *(self._program, "-c", str(self._place)),
        ]
        with self._changed:
            if self._is_closed:
                return ""
            self._process = process = subprocess.Popen(
                mortal(command),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                cwd=self._directory,
                env=self._environment,
                start_new_session=True,  # Ctrl-C is for us, who end it
            )
        assert process.stderr is not None  # noqa: S101 - a pipe
        with process.stderr as lines:
            said = self._listen_to(line.decode(errors="replace").rstrip() for line in lines)
        status = process.wait()
        with self._changed:
            self._port = None
            self._process = None
        return _reason(said, status)

    def _listen_to(self, lines: Iterable[str]) -> deque[str]:
        said: deque[str] = deque(maxlen=_LAST_LINES)
        for line in lines:
            if (found := _LISTENING.search(line)) is not None:
                with self._changed:
                    self._port = int(found[1])
                    self.starts += 1
                    self._changed.notify_all()
            elif line and not line.startswith("["):  # a line of its log
                said.append(line)
        return said


def _reason(said: Iterable[str], status: int) -> str:
    """Its own words for its end, or how it ended."""
    lines = list(said)
    for line in lines:
        if line.startswith("error: "):
            return line.removeprefix("error: ")
    if any("memory allocation" in line for line in lines):
        return "it had no memory left"
    return f"signal {-status}" if status < 0 else f"exit status {status}"


def _environment(settings: Settings) -> dict[str, str]:
    """What it finds in its environment: how to reach object storage, and no secret of ours."""
    s3 = settings.s3
    named = {
        "AWS_ENDPOINT_URL": s3.endpoint_url,
        "AWS_REGION": s3.region,
        "AWS_ACCESS_KEY_ID": s3.access_key_id,
        "AWS_SECRET_ACCESS_KEY": s3.secret_access_key,
        "AWS_SESSION_TOKEN": s3.session_token,
        "AWS_ALLOW_HTTP": "true" if s3.allow_http else "false",
        "RUST_LOG": "roapi::startup=info,error",
        "RUST_BACKTRACE": "0",
    }
    kept = {n: os.environ[n] for n in ("PATH", "HOME", "SSL_CERT_FILE") if n in os.environ}
    return kept | {name: value for name, value in named.items() if value is not None}
