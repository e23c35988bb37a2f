"""A worker that is cloned finds itself as one that was started, and ends as one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from neuralake.measure import worker as worker_module
from neuralake.measure.worker import Worker, WorkerDiedError
from tests.conftest import is_gone
from tests.workers import quick_workers

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
    with quick_workers():
        yield


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    workers: list[Worker] = []

    def start(*, cloned: bool = True) -> Worker:
        variables = {"NEURALAKE_TEST": "yes"}
        with monkeypatch.context() as patch:
            if not cloned:
                patch.setattr(worker_module, "subprocess", subprocess)
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


@pytest.mark.parametrize("name", ["PYTHONPATH", "AWS_ENDPOINT_URL", "TZ"])
def test_none_is_cloned_that_would_have_started_otherwise(
    start: Start, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "/nowhere")
    assert not start().call("was_cloned")
