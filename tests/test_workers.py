"""A process that is cloned finds itself as one that was started, and ends as one."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from neuralake.measure.worker import Worker, WorkerDiedError
from neuralake.serving.fence.pool import Pool
from tests.conftest import is_gone
from tests.popen import OWN_POPEN
from tests.workers import quick_processes

Start = Callable[..., Worker]


class Target:
    """What is asked of itself, in a worker."""

    def was_cloned(self) -> bool:
        return "tests.clones" in " ".join(sys.orig_argv)

    def facts(self) -> dict[str, Any]:
        supervisor = Path(f"/proc/{os.getppid()}/stat").read_text().rpartition(")")[2].split()
        return {
            "arguments": [word for word in sys.argv if not word.isdigit()],
            "path": sys.path,
            "environment": {k: v for k, v in os.environ.items() if k != "TMPDIR"},
            "directory": str(Path.cwd()),
            "temporary files": str(Path(tempfile.gettempdir()).parent),
            "session": os.getsid(0) == os.getppid(),
            "parent": int(supervisor[1]),
            "descriptors": len(list(Path("/proc/self/fd").iterdir())),
            "signals": [signal.getsignal(s) for s in (signal.SIGINT, signal.SIGPIPE)],
        }

    def say(self) -> None:
        os.write(1, b"out\n")
        os.write(2, b"err\n")

    def exit(self, status: int) -> None:
        os._exit(status)


@pytest.fixture(scope="module", autouse=True)
def quick() -> Iterator[None]:
    with quick_processes():
        yield


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    workers: list[Worker] = []

    def start(*, cloned: bool = True) -> Worker:
        variables = {"NEURALAKE_TEST": "yes"}
        with monkeypatch.context() as patch:
            if not cloned:
                patch.setattr(subprocess, "Popen", OWN_POPEN)
            workers.append(Worker("tests.test_workers:Target", tmp_path / "log", variables))
        return workers[-1]

    yield start
    for worker in workers:
        worker.kill()


def test_it_finds_itself_as_one_that_was_started(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    workers = [start(cloned=cloned) for cloned in (True, False)]
    clone, other = (worker.call("facts") for worker in workers)
    assert [worker.call("was_cloned") for worker in workers] == [True, False]
    assert clone == other
    assert clone["parent"] == os.getpid()
    assert clone["environment"]["NEURALAKE_TEST"] == "yes"
    for worker in workers:
        worker.close()
        assert is_gone(worker.pid)
    assert not list(tmp_path.glob("neuralake-scratch-*"))


def test_its_log_and_its_end_are_those_of_any(start: Start, tmp_path: Path) -> None:
    worker = start()
    worker.call("say")
    with pytest.raises(WorkerDiedError, match="the process ended with exit status 3"):
        worker.call("exit", 3)
    worker.kill()
    assert (tmp_path / "log").read_text() == "out\nerr\n"


@pytest.mark.parametrize("name", ["PYTHONPATH", "SSL_CERT_FILE", "TZ"])
def test_none_is_cloned_that_would_have_started_otherwise(
    start: Start, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "/nowhere")
    assert not start().call("was_cloned")


_CATALOG = """\
import json, os, random, signal, sys, threading
from pathlib import Path
import pyarrow as pa
from neuralake.catalog import Column, table

facts = {
    "arguments": sys.argv,
    "path": sys.path,
    "environment": dict(os.environ),
    "directory": os.getcwd(),
    "parent": os.getppid(),
    "is of a session of its own": os.getsid(0) == os.getpid(),
    "group": os.getpgid(0) == os.getpid(),
    "streams": [
        (stream.fileno(), stream.encoding, stream.errors, stream.line_buffering, stream.isatty())
        for stream in (sys.stdin, sys.stdout, sys.stderr)
    ],
    "signals": [str(signal.getsignal(s)) for s in (signal.SIGINT, signal.SIGPIPE, signal.SIGHUP)],
    "blocked": [*signal.pthread_sigmask(signal.SIG_BLOCK, [])],
    "threads": [thread.name for thread in threading.enumerate()],
    "thread": threading.get_native_id() == os.getpid(),
    "name": sys.modules["__main__"].__name__,
}
Path("facts").write_text(json.dumps(facts))
Path("drawn").write_text(str(random.random()))

@table(columns=(Column("a", pa.int64(), "A number."),))
def numbers():
    '''Some.'''
"""


@pytest.mark.parametrize("session", [False, True])
def test_a_command_finds_itself_as_one_that_was_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, session: bool
) -> None:
    (tmp_path / "own.py").write_text(_CATALOG)
    command = [sys.executable, "-m", "neuralake", "catalog", "list", "--catalog", "own.py"]

    def run() -> tuple[subprocess.CompletedProcess[str], dict[str, Any], str]:
        done = subprocess.run(
            command,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            env=os.environ | {"NEURALAKE_TEST": "yes"},
            start_new_session=session,
            check=False,
        )
        facts = json.loads((tmp_path / "facts").read_text())
        return done, facts, (tmp_path / "drawn").read_text()

    cloned, *others = [run(), run()]
    with monkeypatch.context() as patch:
        patch.setattr(subprocess, "Popen", OWN_POPEN)
        others.append(run())
    for other in others:
        assert vars(other[0]) == vars(cloned[0])
        assert other[1] == cloned[1]
        assert other[2] != cloned[2]  # each draws numbers of its own
    assert cloned[0].returncode == 0


def test_a_command_that_nobody_listens_to_ends_as_one_that_was_started(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    statuses = []
    for popen in (subprocess.Popen, OWN_POPEN):
        monkeypatch.setattr(subprocess, "Popen", popen)
        reading, writing = os.pipe()
        os.close(reading)
        command = [sys.executable, "-m", "neuralake", "catalog", "list"]
        with subprocess.Popen(command, stdout=writing, stderr=subprocess.PIPE) as process:
            os.close(writing)
            statuses.append((process.wait(), process.stderr.read() if process.stderr else b""))
    assert statuses[0] == statuses[1]


def test_a_fence_is_cloned_and_ends_when_it_is_to() -> None:
    pool = Pool(1 << 28)
    pool.warm_up()
    process = pool.take()
    pid = process._process.pid
    pool.give_back(process)
    assert b"tests.clones" in Path(f"/proc/{pid}/cmdline").read_bytes()
    pool.close()
    assert is_gone(pid)
