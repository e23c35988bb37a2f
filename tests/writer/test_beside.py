"""Work that is done beside other work: while that goes on, and after it."""

from __future__ import annotations

import threading

import pytest

from neuralake.writer.beside import beside


def test_it_is_done_while_the_block_runs_and_after_it() -> None:
    done = threading.Semaphore(0)
    times = []

    def work() -> None:
        times.append(threading.current_thread())
        done.release()

    with beside(work, 0.001):
        for _ in range(3):
            assert done.acquire(timeout=300)
    assert threading.current_thread() not in times[:3]
    assert times[-1] is threading.current_thread()


def test_its_error_is_raised_at_the_end_of_the_block() -> None:
    tried = threading.Event()

    def work() -> None:
        tried.set()
        raise ValueError("no room")

    with pytest.raises(ValueError, match="no room"), beside(work, 0.001):
        assert tried.wait(300)


def test_the_error_of_the_block_comes_first() -> None:
    def work() -> None:
        raise ValueError("its own")

    with pytest.raises(KeyError, match="the block's"), beside(work, 0.001):
        raise KeyError("the block's")
