"""The pairs of benchmarks/fidelity: how they are measured, kept and summed up."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.fidelity.pairs import Pairs, Terms, interleave, read, report
from neuralake.queries.query import Query

QUERIES = [Query(name, name, f"SELECT '{name}'") for name in ("x", "y", "z")]


class FakeArm:
    """Takes as long as it is told, and notes in which order the arms were called."""

    def __init__(self, name: str, took_ns: int, calls: list[tuple[str, str]]) -> None:
        self._name = name
        self._took_ns = took_ns
        self._calls = calls

    def execute(self, sql: str) -> int:
        self._calls.append((self._name, sql))
        return self._took_ns

    def close(self) -> None:
        self._calls.append((self._name, "closed"))


def made(one_process: bool, shift: float = 0.1, between: float = 0.0) -> Pairs:
    """Three processes of twenty rounds, the first arm slower by ``shift`` in logarithms."""
    rng = np.random.default_rng(1)
    processes = []
    for _ in range(3):
        second = np.exp(rng.normal(16, 0.2, (20, 3)))
        own = shift + rng.normal(0, between) if between else shift
        first = second * np.exp(rng.normal(own, 0.05, (20, 3)))
        processes.append(np.stack([first, second], axis=2).astype(np.int64))
    return Pairs("ours", "bare", one_process, ["x", "y", "z"], processes)


def test_every_pair_is_adjacent_and_kept_as_it_is_measured(tmp_path: Path) -> None:
    calls: list[tuple[str, str]] = []
    arms = FakeArm("ours", 3, calls), FakeArm("bare", 2, calls)
    terms = Terms(processes=2, rounds=5, warm_rounds=2, out=tmp_path / "pairs.jsonl")
    pairs = interleave(
        lambda: arms, QUERIES, names=("ours", "bare"), one_process=False, terms=terms
    )
    executions = [call for call in calls if call[1] != "closed"]
    assert len(executions) == 2 * (5 + 2) * 3 * 2
    orders = set()
    for (one, sql), (other, same) in zip(executions[::2], executions[1::2], strict=True):
        assert sql == same
        assert {one, other} == {"ours", "bare"}
        orders.add(one)
    assert orders == {"ours", "bare"}
    assert calls.count(("ours", "closed")) == calls.count(("bare", "closed")) == 2
    kept = read([tmp_path / "pairs.jsonl"])
    assert (kept.first, kept.second, kept.one_process) == ("ours", "bare", False)
    assert kept.queries == ["x", "y", "z"]
    assert [process.shape for process in kept.processes] == [(5, 3, 2)] * 2
    for mine, read_back in zip(pairs.processes, kept.processes, strict=True):
        assert (mine == read_back).all()
        assert (mine == [3, 2]).all()


def test_the_arms_end_when_one_of_them_fails(tmp_path: Path) -> None:
    calls: list[tuple[str, str]] = []

    class Failing(FakeArm):
        def execute(self, sql: str) -> int:
            raise RuntimeError("lost")

    with pytest.raises(RuntimeError, match="lost"):
        interleave(
            lambda: (FakeArm("ours", 1, calls), Failing("bare", 1, calls)),
            QUERIES,
            names=("ours", "bare"),
            one_process=False,
            terms=Terms(1, 1, 1, None),
        )
    assert ("ours", "closed") in calls
    assert ("bare", "closed") in calls


def interval(text: str) -> tuple[float, float, float]:
    """Ratio and interval of the last line of a report."""
    words = text.split("pairs each: ")[1].replace("[", "").replace("]", "").replace(",", "")
    ratio, low, high = words.split(";")[0].split()
    return float(ratio), float(low), float(high)


def test_the_report_finds_the_ratio(capsys: pytest.CaptureFixture[str]) -> None:
    report(made(one_process=True))
    text = capsys.readouterr().out
    ratio, low, high = interval(text)
    assert ratio == pytest.approx(np.exp(0.1), rel=0.01)
    assert low < np.exp(0.1) < high
    assert "60 pairs each" in text
    assert text.count("from 20 rounds") == 3


def test_what_differs_between_processes_widens_the_interval(
    capsys: pytest.CaptureFixture[str],
) -> None:
    widths = []
    for one_process in (True, False):
        report(made(one_process, between=0.1))
        _, low, high = interval(capsys.readouterr().out)
        widths.append(high - low)
    assert widths[1] > 2 * widths[0]
