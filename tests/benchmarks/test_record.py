"""Processes that were counted one by one become a recording, if all answered alike."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.detection.record import Process, recorded


def process(instructions: float, answer: str = "a", cpu_s: float = 30.0) -> Process:
    return Process({"q02": answer, "q01": "b"}, np.full((3, 2), instructions), cpu_s, cpu_s / 10)


def test_processes_are_a_recording() -> None:
    found = recorded("polars", [process(1e6), process(2e6, cpu_s=50.0)])
    assert (found.name, found.queries, found.processes) == ("polars", ("q01", "q02"), 2)
    assert found.instructions.shape == (2, 3, 2)
    assert found.cpu_s.tolist() == [30.0, 50.0]
    assert found.round_cpu_s == 4.0


def test_processes_that_answer_differently_are_none() -> None:
    with pytest.raises(ValueError, match="two processes answer differently"):
        recorded("polars", [process(1e6), process(1e6, answer="c")])
