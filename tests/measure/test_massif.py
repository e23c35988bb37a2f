"""Instructions that massif counts: in real processes that run under it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from neuralake.measure.callgrind import Callgrind
from neuralake.measure.massif import Massif, MassifCounter, read_time
from neuralake.measure.valgrind import (
    NotCountedError,
    complaint,
    find_valgrind,
    offered_features,
)
from neuralake.measure.worker import Worker, WorkerDiedError
from tests.measure.counting import TURNS, started, under_valgrind, warm

REPORT = b"""\
desc: --time-unit=i --pages-as-heap=yes
cmd: python -c time=7
time_unit: i
#-----------
snapshot=0
#-----------
time=8136190257
mem_heap_B=1090338816
mem_heap_extra_B=0
mem_stacks_B=0
heap_tree=empty
"""


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    directory = tmp_path_factory.mktemp("counted")
    worker = warm(Massif(directory / "valgrind"), directory / "log")
    yield worker
    worker.close()


@pytest.mark.more  # another Valgrind: each of them counts what it should by day
@under_valgrind
def test_it_tells_what_callgrind_tells(worker: Worker, tmp_path: Path) -> None:
    other = warm(Callgrind(tmp_path / "valgrind"), tmp_path / "log")
    try:
        expected, _ = other.call("loop", 50 * TURNS)
    finally:
        other.close()
    found, cycles = worker.call("loop", 50 * TURNS)
    assert found == pytest.approx(expected, rel=0.001)
    assert cycles is None


@under_valgrind
def test_a_percent_more_work_counts_a_percent_more(worker: Worker) -> None:
    base, _ = worker.call("loop", 100 * TURNS)
    more, _ = worker.call("loop", 101 * TURNS)
    assert more / base == pytest.approx(1.01, abs=0.001)


@under_valgrind
def test_what_a_thread_does_counts_though_it_has_ended(worker: Worker) -> None:
    own, _ = worker.call("loop", 10 * TURNS)
    threads = [worker.call("loop_in_a_thread_that_ends", 10 * TURNS)[0] for _ in range(3)]
    again, _ = worker.call("loop", 10 * TURNS)
    assert min(threads) > 0.99 * own
    assert max(threads) < 1.2 * own
    assert again == pytest.approx(own, rel=0.001)  # and counts no second time


@under_valgrind
def test_the_instrument_is_not_in_what_is_counted(worker: Worker) -> None:
    turns = 50 * TURNS  # as much as a query at scale factor 0.01
    bare = sorted(worker.call("bare_loop", turns, 3))[1]
    counted = sorted(worker.call("loop", turns)[0] for _ in range(3))[1]
    assert counted == pytest.approx(bare, rel=0.001)


@under_valgrind
def test_valgrind_offers_a_processor_of_its_own(worker: Worker) -> None:
    assert "avx512f" not in worker.call("features")


@pytest.mark.more  # another Valgrind, which ends as one that cannot begin
@under_valgrind
def test_a_process_that_dies_is_told_of_as_any_other(tmp_path: Path) -> None:
    worker = started(Massif(tmp_path / "valgrind"), tmp_path / "log")
    try:
        with pytest.raises(WorkerDiedError, match="ended by SIGABRT"):
            worker.call("abort")
    finally:
        worker.kill()


def test_what_may_be_chosen_at_run_time_is_what_the_kernel_says_of_the_processor() -> None:
    flags = Path("/proc/cpuinfo").read_text().partition("flags")[2].partition("\n")[0].split()
    for name in offered_features():
        assert name.replace("sse4.", "sse4_") in flags


def test_a_process_of_its_own_cannot_count() -> None:
    with pytest.raises(NotCountedError, match="does not run under Valgrind"):
        MassifCounter()


def test_without_valgrind_a_line_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(NotCountedError, match=r"not installed: apt-get install valgrind$"):
        find_valgrind()


def test_the_time_of_a_snapshot_is_read() -> None:
    assert read_time(REPORT) == 8_136_190_257


@pytest.mark.parametrize("report", [b"", b"time_unit: i\n", REPORT + REPORT])
def test_a_report_of_another_kind_is_a_mistake(report: bytes) -> None:
    with pytest.raises(NotCountedError, match="told no time"):
        read_time(report)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("events: Ir\nevents-1: 5\n", None),
        ("events: Ir\n==9== Unrecognised instruction\n==9== at 0\n", "Unrecognised instruction"),
        ("valgrind: the 'impossible' happened:\n", "the 'impossible' happened:"),
    ],
)
def test_what_valgrind_says_of_an_end_is_told(
    said: str, expected: str | None, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    assert complaint(log) is None
    log.write_text(said)
    assert complaint(log) == expected
