"""Pipes that a test fills, for sources that read them."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from neuralake.sources.pipe import Pipe

Feed = Callable[[bytes], Pipe]


@pytest.fixture
def feed() -> Iterator[Feed]:
    """A pipe that holds some bytes and then ends, as a shell makes it."""
    threads: list[threading.Thread] = []
    opened: list[int] = []

    def fill(content: bytes) -> Pipe:
        reading, writing = os.pipe()
        opened.append(reading)

        def write() -> None:
            # a source that has seen enough closes its end
            with suppress(BrokenPipeError), open(writing, "wb") as file:  # noqa: PTH123
                file.write(content)

        threads.append(threading.Thread(target=write))
        threads[-1].start()
        return Pipe(reading)

    yield fill
    for descriptor in opened:
        os.close(descriptor)
    for thread in threads:
        thread.join()
