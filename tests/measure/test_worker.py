"""Workers: real processes that are called, die, and leave nothing behind."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from neuralake.measure import worker as worker_module
from neuralake.measure.worker import (
    Interpreter,
    RemoteError,
    Worker,
    WorkerDiedError,
    WorkerTimeoutError,
)
from tests.conftest import is_gone

TARGETS = "tests.measure.targets"


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "worker.log"


@pytest.fixture
def start(log: Path) -> Iterator[Callable[..., Worker]]:
    workers: list[Worker] = []

    def start(target: str = "Target", **environment: str) -> Worker:
        workers.append(Worker(f"{TARGETS}:{target}", log, environment))
        return workers[-1]

    yield start
    for worker in workers:
        worker.kill()


def test_a_call_returns_what_the_method_returns(start: Callable[..., Worker]) -> None:
    worker = start()
    assert worker.call("echo", {"a": [1, None, b"\x00"]}) == {"a": [1, None, b"\x00"]}
    assert worker.call("pid") == worker.pid != os.getpid()
    assert worker.call("pid") == worker.pid


def test_variables_are_set_in_the_child_alone(start: Callable[..., Worker]) -> None:
    worker = start(NEURALAKE_TEST="yes")
    assert worker.call("environ", "NEURALAKE_TEST") == "yes"
    assert worker.call("environ", "PATH") == os.environ["PATH"]
    assert "NEURALAKE_TEST" not in os.environ


def test_an_exception_comes_back_and_the_worker_lives_on(start: Callable[..., Worker]) -> None:
    worker = start()
    with pytest.raises(RemoteError, match="no\nsuch thing") as caught:
        worker.call("fail")
    assert caught.value.kind == "ValueError"
    assert "in fail" in caught.value.details
    with pytest.raises(RemoteError, match=r"KeyError\(\)"):
        worker.call("fail_silently")
    with pytest.raises(RemoteError, match=r"cannot tell its reason \(ConnectionRefusedError\)"):
        worker.call("fail_without_words")
    with pytest.raises(RemoteError, match="goodbye"):
        worker.call("exit_politely")
    with pytest.raises(RemoteError, match="has no attribute 'nothing'"):
        worker.call("nothing")
    assert worker.call("echo", 1) == 1


@pytest.mark.parametrize(
    ("method", "arguments", "epitaph"),
    [
        ("abort", (), "the process was ended by SIGABRT"),
        ("kill", (), "the process was ended by SIGKILL"),
        ("exit", (7,), "the process ended with exit status 7"),
        ("exit", (0,), "the process ended with exit status 0"),
        ("answer_with_what_cannot_be_sent", (), "the process ended with exit status 1"),
    ],
)
def test_a_death_is_told_and_stays_told(
    start: Callable[..., Worker], method: str, arguments: tuple[int, ...], epitaph: str
) -> None:
    worker = start()
    with pytest.raises(WorkerDiedError, match=epitaph):
        worker.call(method, *arguments)
    with pytest.raises(WorkerDiedError, match=epitaph):
        worker.call("echo", 1)


@pytest.mark.parametrize("target", ["broken", "nothing", "Target.nothing"])
def test_an_object_that_cannot_be_made_is_a_death(
    start: Callable[..., Worker], log: Path, target: str
) -> None:
    with pytest.raises(WorkerDiedError, match="exit status 1"):
        start(target).call("echo", 1)
    assert "Error" in log.read_text()


def test_a_late_answer_is_a_timeout_and_the_process_runs_on(start: Callable[..., Worker]) -> None:
    worker = start()
    worker.call("echo", 1)
    with pytest.raises(WorkerTimeoutError, match=r"no answer within 0\.05 s"):
        worker.call("hang", timeout_s=0.05)
    os.kill(worker.pid, 0)
    worker.kill()
    assert is_gone(worker.pid)


def test_what_the_child_says_goes_to_the_log(
    start: Callable[..., Worker], log: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    log.write_text("said before\n")
    start().call("say")
    said = log.read_text()
    assert said.startswith("said before\n")
    assert "said on standard output" in said
    assert "said on standard error" in said
    assert "written to descriptor 1" in said
    assert capfd.readouterr() == ("", "")


def test_close_closes_the_object(start: Callable[..., Worker], log: Path) -> None:
    worker = start("Closing")
    pid = worker.pid
    worker.close()
    assert log.read_text() == "closed\n"
    assert is_gone(pid)


@pytest.mark.parametrize("end", ["close", "kill"])
def test_nothing_is_left_of_a_worker_and_what_it_started(
    start: Callable[..., Worker], end: str
) -> None:
    worker = start()
    started = [worker.pid, worker.call("companion"), worker.call("forgotten")]
    getattr(worker, end)()
    for pid in started:
        assert is_gone(pid)
    getattr(worker, end)()


@pytest.mark.parametrize("end", ["close", "kill"])
def test_temporary_files_of_a_worker_go_with_it(start: Callable[..., Worker], end: str) -> None:
    worker = start()
    file = Path(worker.call("leave_a_file"))
    assert file.read_bytes() == b"spilled"
    directory = Path(worker.call("environ", "TMPDIR"))
    assert file.parent == directory
    assert directory.parent == Path(tempfile.gettempdir())
    getattr(worker, end)()
    assert not directory.exists()


def test_temporary_files_of_a_worker_that_died_go_as_well(start: Callable[..., Worker]) -> None:
    worker = start()
    directory = Path(worker.call("leave_a_file")).parent
    with pytest.raises(WorkerDiedError):
        worker.call("kill")
    assert not directory.exists()


def test_what_a_dead_worker_started_ends_with_it(start: Callable[..., Worker]) -> None:
    worker = start()
    started = [worker.call("companion"), worker.call("forgotten")]
    with pytest.raises(WorkerDiedError):
        worker.call("kill")
    for pid in started:
        assert is_gone(pid)


def test_a_worker_that_does_not_end_is_ended(
    start: Callable[..., Worker], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_module, "_STOP_GRACE_S", 0.2)
    worker = start("Stubborn")
    pid = worker.pid
    worker.call("echo", 1)
    worker.close()
    assert is_gone(pid)


PARENT = """
import sys, pathlib
from neuralake.measure.worker import Worker
worker = Worker("tests.measure.targets:Target", pathlib.Path(sys.argv[1]))
pids = [worker.call(method) for method in ("pid", "companion", "forgotten")]
print(*pids, worker.call("leave_a_file"), flush=True)
worker.call("hang")
"""


def test_a_worker_and_all_it_started_die_with_its_parent(log: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, str(log)], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        *pids, file = parent.stdout.readline().split()
        started = [int(pid) for pid in pids]
        for pid in started:
            os.kill(pid, 0)
        parent.send_signal(signal.SIGKILL)
    assert len(started) == 3
    for pid in started:
        assert is_gone(pid)
    deadline = time.monotonic() + 300
    while Path(file).parent.exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_worker_dies_with_its_supervisor(start: Callable[..., Worker], tmp_path: Path) -> None:
    worker = start(
        TMPDIR=str(tmp_path)
    )  # where its temporary files stay, with nobody to remove them
    pid = worker.pid
    supervisor = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    assert supervisor != os.getpid()
    os.kill(supervisor, signal.SIGKILL)
    assert is_gone(pid)


def test_a_supervisor_that_is_asked_to_end_takes_all_with_it(start: Callable[..., Worker]) -> None:
    worker = start()
    started = [worker.pid, worker.call("companion"), worker.call("forgotten")]
    supervisor = int(Path(f"/proc/{worker.pid}/stat").read_text().rpartition(")")[2].split()[1])
    os.kill(supervisor, signal.SIGTERM)
    for pid in started:
        assert is_gone(pid)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (["/site", "/more"], ["/site", "/more"]),
        (["", "/site", "/more"], ["/site", "/more", "/here"]),
        (["/here", "/site"], ["/site", "/here"]),
        (["/site", "/here"], ["/site", "/here"]),
    ],
)
def test_what_is_installed_goes_before_the_working_directory(
    path: list[str], expected: list[str]
) -> None:
    assert worker_module.safe_path(path, Path("/here"), Path("/site")) == expected


def test_a_checkout_that_runs_itself_stays_first() -> None:
    path = ["/here", "/site"]
    assert worker_module.safe_path(path, Path("/here"), Path("/here")) == path


def test_modules_that_another_python_alone_has_are_found_there(log: Path, tmp_path: Path) -> None:
    """An instrument of ours that is older than the code which it measures."""
    older = tmp_path / "measure"
    shutil.copytree(Path(worker_module.__file__).parent, older)
    (older / "page_cache.py").unlink()
    (older / "worker.py").write_text((older / "worker.py").read_text() + "\nOURS = dict\n")
    modules = {"neuralake.measure": older / "__init__.py"}
    interpreter = Interpreter(Path(sys.executable), tmp_path, modules)
    for target in ("neuralake.measure.worker:OURS", "neuralake.measure.page_cache:Path"):
        worker = Worker(target, log, interpreter=interpreter)
        try:
            assert worker.call("__repr__") in ("{}", "PosixPath('.')")
        finally:
            worker.kill()


@pytest.mark.parametrize("launcher", [(), (shutil.which("env") or "env",)])
def test_what_is_measured_is_loaded_in_the_worker_alone(
    launcher: tuple[str, ...], log: Path, tmp_path: Path
) -> None:
    """And not before, in the supervisor or for a launcher that starts it anew."""
    seen = tmp_path / "seen.py"
    note = f"with open({str(tmp_path / 'loaded')!r}, 'a') as file: print(os.getpid(), file=file)"
    seen.write_text(f"import os\n{note}\nmade = dict\n")
    modules = {
        "neuralake.measure": Path(worker_module.__file__).parent / "__init__.py",
        "neuralake.seen": seen,
    }
    interpreter = Interpreter(Path(sys.executable), tmp_path, modules)
    worker = Worker("neuralake.seen:made", log, interpreter=interpreter, launcher=launcher)
    try:
        assert worker.call("__len__") == 0
        assert (tmp_path / "loaded").read_text() == f"{worker.pid}\n"
    finally:
        worker.kill()
