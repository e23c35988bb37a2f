"""Work that is done beside other work, and beside the pauses of that."""

from __future__ import annotations

import threading

import pytest

from neuralake.writer.beside import Beside


def test_it_is_done_again_and_again_while_the_block_runs_and_not_after_it() -> None:
    done = threading.Semaphore(0)
    threads = []

    def work() -> None:
        threads.append(threading.current_thread())
        done.release()

    with Beside(work, 0.001):
        for _ in range(3):
            assert done.acquire(timeout=300)
    assert threading.current_thread() not in threads
    assert not any(thread.is_alive() for thread in threads)


def test_it_is_done_here_when_it_is_asked_for_and_never_twice_at_once() -> None:
    at_work = threading.Lock()
    threads = []

    def work() -> None:
        assert at_work.acquire(blocking=False)
        threads.append(threading.current_thread())
        at_work.release()

    with Beside(work, 0.0001) as keeping:
        for _ in range(1000):
            keeping.now()
    assert threads.count(threading.current_thread()) == 1000


def test_an_error_of_its_thread_is_told_once_and_it_goes_on() -> None:
    tries = threading.Semaphore(0)
    failing = threading.Event()
    failing.set()

    def work() -> None:
        tries.release()
        if failing.is_set():
            raise ValueError("no room")

    with Beside(work, 0.001) as keeping:
        assert tries.acquire(timeout=300)
        failing.clear()
        with pytest.raises(ValueError, match="no room"):
            keeping.now()
        keeping.now()
        for _ in range(3):
            assert tries.acquire(timeout=300)
        keeping.now()


def test_what_fails_is_not_tried_again_before_it_is_told() -> None:
    tried: list[None] = []
    failed = threading.Event()

    def work() -> None:
        tried.append(None)
        failed.set()
        raise ValueError("no room")

    with Beside(work, 0.0001) as keeping:
        assert failed.wait(300)
        failed.wait(0.05)  # many a pause
        with pytest.raises(ValueError, match="no room"):
            keeping.now()
    assert 1 <= len(tried) <= 2
