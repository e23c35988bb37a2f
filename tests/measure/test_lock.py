"""One measurement at a time: the lock names its holder and dies with it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from neuralake.measure.lock import HeldError, exclusive, machine_lock_path

HOLDER = """
import os, sys, pathlib
from neuralake.measure.lock import exclusive
os.setuid(int(sys.argv[2]) if len(sys.argv) > 2 else os.getuid())
with exclusive(pathlib.Path(sys.argv[1]), "a bench of another"):
    print(flush=True)
    sys.stdin.readline()
"""


@contextmanager
def held_by_another(path: Path) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        yield holder


def test_the_second_is_told_who_the_first_is(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with (
        held_by_another(path) as holder,
        pytest.raises(HeldError, match=rf"process {holder.pid} \(a bench of another, since 20"),
        exclusive(path, "mine"),
    ):
        pass


def test_it_is_free_when_the_holder_has_ended(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with held_by_another(path):
        pass
    with exclusive(path, "mine"):
        pass
    with exclusive(path, "mine again"):
        pass


def test_it_is_free_when_the_holder_was_killed(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with held_by_another(path) as holder:
        holder.send_signal(signal.SIGKILL)
    with exclusive(path, "mine"):
        pass


def test_it_is_free_after_an_exception(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), exclusive(tmp_path / "lock", "mine"):
        _ = 1 / 0
    with exclusive(tmp_path / "lock", "mine"):
        pass


@pytest.mark.parametrize("content", [b"", b"\xff", b"[]", b'{"pid": 1}'])
def test_a_holder_that_left_no_name_is_another_process(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "lock"
    with held_by_another(path):
        path.write_bytes(content)
        with pytest.raises(HeldError, match="another process"), exclusive(path, "mine"):
            pass


def test_a_child_does_not_inherit_it(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with exclusive(path, "mine"):
        child = subprocess.Popen(
            [sys.executable, "-c", "print(flush=True); input()"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            close_fds=False,
        )
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdout.readline()
    with child, exclusive(path, "mine again"):
        child.stdin.write(b"\n")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_all_users_of_the_machine_share_it(tmp_path: Path) -> None:
    directory = Path("/tmp") / f"neuralake-test-{os.getpid()}"
    directory.mkdir()
    directory.chmod(0o1777)
    try:
        path = directory / "lock"
        for user in (65534, 0, 65533):
            done = subprocess.run(
                [sys.executable, "-c", HOLDER, str(path), str(user)],
                input=b"\n",
                capture_output=True,
                check=False,
            )
            assert done.stderr == b""
            assert done.returncode == 0
    finally:
        path.unlink(missing_ok=True)
        directory.rmdir()


def test_the_machine_has_one_whatever_directory_is_for_temporary_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = machine_lock_path({})
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert machine_lock_path({"TMPDIR": str(tmp_path)}) == machine_lock_path({}) == before
    assert machine_lock_path({"NEURALAKE_LOCK_FILE": "/run/mine"}) == Path("/run/mine")


def test_a_link_in_its_place_is_not_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    (tmp_path / "lock").symlink_to(victim)
    with pytest.raises(OSError, match="symbolic links"), exclusive(tmp_path / "lock", "mine"):
        pass
    assert victim.read_text() == "precious"
