"""Instructions that callgrind counts: in real processes that run under it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from neuralake.measure.callgrind import Callgrind, CallgrindCounter, read_answers, since
from neuralake.measure.counter import Counts
from neuralake.measure.valgrind import NotCountedError
from neuralake.measure.worker import RemoteError, Worker
from tests.conftest import is_gone
from tests.measure.counting import TURNS, started, under_valgrind, warm

BEFORE = b"""\
instrumentation: on
executed-bbs: 512049
events: Ir Dr Dw I1mr D1mr D1mw ILmr DLmr DLmw
part: 0
threads: 2 1
current-tid: 1
events-1: 900 400 200
frames-1: 1
function-1-1: main
events-1-1: 77 5 5
events-2: 100 50 20 1
frames-2: 0
"""
AFTER = b"""\
==7== a word of Valgrind's own
instrumentation: on
events: Ir Dr Dw I1mr D1mr D1mw ILmr DLmr DLmw
threads: 2 1
events-1: 1000 500 200 1 2 3 4 5 6
frames-1: 0
events-2: 200 50 20 1
frames-2: 0
"""


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    directory = tmp_path_factory.mktemp("counted")
    worker = warm(Callgrind(directory / "valgrind"), directory / "log")
    yield worker
    worker.close()


@under_valgrind
def test_the_same_work_counts_alike(worker: Worker) -> None:
    counts = [worker.call("loop", 10 * TURNS)[0] for _ in range(3)]
    assert max(counts) / min(counts) < 1.001


@under_valgrind
def test_a_profile_that_is_kept_holds_the_call_alone(worker: Worker, tmp_path: Path) -> None:
    profile = tmp_path / "profiles" / "callgrind.out.loop"
    counted, _ = worker.call("loop", TURNS, str(profile))
    lines = profile.read_text().splitlines()
    assert lines[0] == "# callgrind format"
    assert "events: Ir" in lines
    (total,) = (line for line in lines if line.startswith("totals:"))
    assert int(total.split()[1]) == pytest.approx(counted, rel=0.2)
    assert worker.call("loop", TURNS)[0] == pytest.approx(counted, rel=0.01)
    assert [path.name for path in profile.parent.iterdir()] == [profile.name]


@under_valgrind
def test_a_profile_is_of_the_call_that_it_was_asked_for_and_costs_no_count(
    worker: Worker, tmp_path: Path
) -> None:
    with pytest.raises(RemoteError, match="cannot be made"):
        worker.call("fail", str(tmp_path / "failed"))
    (tmp_path / "file").write_text("")
    counted, _ = worker.call("loop", TURNS, str(tmp_path / "file" / "profile"))
    assert worker.call("loop", TURNS)[0] == pytest.approx(counted, rel=0.01)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@under_valgrind
def test_only_the_worker_runs_under_valgrind_and_nothing_of_it_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setenv("TMPDIR", str(scratch))
    worker = started(Callgrind(tmp_path / "valgrind", cache_sim=True), tmp_path / "log")
    instructions, cycles = worker.call("loop", TURNS)
    assert cycles > instructions
    assert "callgrind" in Path(f"/proc/{worker.pid}/cmdline").read_text()
    supervisor = int(Path(f"/proc/{worker.pid}/stat").read_text().rpartition(")")[2].split()[1])
    assert "callgrind" not in Path(f"/proc/{supervisor}/exe").resolve().name
    assert supervisor != os.getpid()
    worker.kill()
    assert is_gone(worker.pid)
    assert is_gone(supervisor)
    assert list(scratch.iterdir()) == []


def test_a_process_of_its_own_cannot_count(tmp_path: Path) -> None:
    with pytest.raises(NotCountedError, match="does not run under Valgrind"):
        CallgrindCounter(tmp_path / "log")


def test_counts_of_all_threads_are_added_up_and_cycles_estimated() -> None:
    before, after = read_answers(BEFORE + b"\n" + AFTER)
    assert since(before, after) == Counts(200, 200 + 10 * (1 + 2 + 3) + 100 * (4 + 5 + 6))
    short = b"instrumentation: on\nevents: Ir\nevents-1: %d\nevents-2: \n"
    assert since(*read_answers(short % 5 + short % 7)) == Counts(2)


@pytest.mark.parametrize(
    "text",
    [b"", BEFORE, b"instrumentation: off\n" * 2, b"instrumentation: on\nevents: Dr\n" * 2],
)
def test_an_answer_without_counts_is_a_mistake(text: bytes) -> None:
    with pytest.raises(NotCountedError, match="told no counts"):
        read_answers(text)
