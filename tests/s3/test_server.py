"""The server of the tests: shared, and gone after its last user, however that ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchmarks.s3.server import Server, ServerError, is_listening, serving
from benchmarks.s3.shared import shared
from neuralake.delta.place import open_store
from tests.conftest import is_gone
from tests.s3.conftest import Place

ROOT = Path(__file__).parents[2]
USER = """
import sys, time
from pathlib import Path
from benchmarks.s3.shared import shared
with shared(Path(sys.argv[1])) as server:
    print(server.endpoint_url, flush=True)
    sys.stdin.read()
"""


def user_of(directory: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", USER, str(directory)],
        cwd=ROOT,
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )


def keepers(directory: Path) -> list[int]:
    """Processes that keep a server for the users of a directory."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                words = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if str(directory).encode() in words and b"--keep" in words:
                found.append(int(entry.name))
    return found


def test_it_ends_after_its_last_user_or_with_its_keeper_however_these_are_killed(
    tmp_path: Path,
) -> None:
    first, second = user_of(tmp_path), user_of(tmp_path)
    assert first.stdout is not None
    assert second.stdout is not None
    addresses = {first.stdout.readline().strip(), second.stdout.readline().strip()}
    assert len(addresses) == 1  # whoever comes second finds it
    server = Server(addresses.pop(), "lake", "", "")
    (keeper,) = keepers(tmp_path)
    first.kill()
    first.communicate()
    assert is_listening(server)
    second.kill()
    second.communicate()
    assert is_gone(keeper)
    assert not is_listening(server)
    assert not (tmp_path / "server.json").exists()

    with shared(tmp_path) as another:
        assert is_listening(another)
        (keeper,) = keepers(tmp_path)
        os.kill(keeper, signal.SIGKILL)
        assert is_gone(keeper)
        for _ in range(6000):
            if not is_listening(another):
                break
            time.sleep(0.05)
        assert not is_listening(another)


def test_a_port_that_is_taken_is_told(s3_server: Server) -> None:
    port = int(s3_server.endpoint_url.rpartition(":")[2])
    with (
        pytest.raises(ServerError, match=rf"cannot listen on 127\.0\.0\.1:{port}: Address already"),
        serving(port=port),
    ):
        pass


@pytest.mark.more
def test_make_s3_prints_what_reaches_it_and_ends_cleanly_at_ctrl_c(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.s3"],
        cwd=ROOT,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )
    try:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(6)]
        environ = dict(line.removeprefix("export ").strip().split("=", 1) for line in lines[:5])
        server = Server(
            environ["AWS_ENDPOINT_URL"],
            "lake",
            environ["AWS_ACCESS_KEY_ID"],
            environ["AWS_SECRET_ACCESS_KEY"],
        )
        place = Place(server, "play")
        open_store(place.uri, place.options).create("a", b"1")
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=300)
    finally:
        process.kill()
        process.wait()
    assert (process.returncode, said) == (0, "")
    assert not is_listening(server)
    assert list(tmp_path.iterdir()) == []
