"""A PostgreSQL server of the tests' own: on loopback, with a password, gone with who started it."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from neuralake.errors import NeuralakeError
from neuralake.mortal import mortal
from neuralake.starting import free_ports

INSTALL = "make postgresql (apt-get install postgresql)"


@dataclass(frozen=True)
class Server:
    """A running server.

    Attributes
    ----------
    port
        At 127.0.0.1.
    password
        Of its only user, ``lake``; with characters that an address must escape.
    """

    port: int
    password: str = "s3cret /p@ss"

    @property
    def uri(self) -> str:
        return f"postgresql://lake:{quote(self.password, safe='')}@127.0.0.1:{self.port}/postgres"


def programs() -> Path | None:
    """Directory of PostgreSQL's programs, the newest; None where there is none."""
    found = shutil.which("initdb")
    debian = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    places = [Path(found).resolve()] if found else sorted(debian, key=lambda p: int(p.parts[4]))
    return places[-1].parent if places else None


@contextmanager
def running(directory: Path) -> Iterator[Server]:
    """A server with its data in a new directory, ended afterwards."""
    place = programs()
    assert place is not None
    user = _user()
    directory.mkdir(mode=0o755)
    if user is not None:
        shutil.chown(directory, user)
    (port,) = free_ports("127.0.0.1", [0], "PostgreSQL", NeuralakeError)
    server = Server(port)
    secret = directory / "password"
    secret.write_text(server.password)
    secret.chmod(0o644)
    data = str(directory / "data")
    initdb = [str(place / "initdb"), "-D", data, "-U", "lake", "-A", "scram-sha-256"]
    initdb += ["--pwfile", str(secret), "-E", "UTF8", "--locale", "C.UTF-8", "--no-sync"]
    subprocess.run(initdb, user=user, cwd=directory, check=True, capture_output=True)
    command = [str(place / "postgres"), "-D", data, "-h", "127.0.0.1", "-p", str(port)]
    command += ["-k", "", "-F"]
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen(
            _as(user, command), cwd=directory, stdout=log, stderr=subprocess.STDOUT
        )
    try:
        _wait(place, server, process, directory / "log")
        yield server
    finally:
        process.send_signal(2)  # a fast shutdown
        process.wait(60)


def _wait(place: Path, server: Server, process: subprocess.Popen[bytes], log: Path) -> None:
    ready = [str(place / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(server.port)]
    until = time.monotonic() + 120
    while subprocess.run(ready, check=False).returncode != 0:
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < until, log.read_text()
        time.sleep(0.05)


def _as(user: str | None, command: list[str]) -> list[str]:
    """The command as that user, killed as soon as whoever starts it has ended."""
    if user is None:
        return mortal(command)
    # Another user may not run this interpreter
    change = ["setpriv", f"--reuid={user}", f"--regid={pwd.getpwnam(user).pw_gid}"]
    return [*change, "--clear-groups", "--pdeathsig=SIGKILL", *command]


def _user() -> str | None:
    """Whose process it is: PostgreSQL does not run as root."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"
