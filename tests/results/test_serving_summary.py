"""The numbers of a run of serving, from samples that are known."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from neuralake.results.serving.summary import Line, summarise_serving
from tests.report.serving.make import made_run


def line_of(lines: tuple[Line, ...], contestant: str, rate: str) -> Line:
    (found,) = (s for s in lines if (s.contestant, s.rate) == (contestant, rate))
    return found


def test_percentiles_are_of_all_requests_that_were_due(tmp_path: Path) -> None:
    """A third is refused: the 90th percentile lies among them, the median does not."""
    line = line_of(summarise_serving(made_run(tmp_path), tmp_path).lines, "http", "150%")
    assert line.refused / line.requests == pytest.approx(1 / 3, abs=0.03)
    assert line.answered + line.refused == line.requests == 3000
    assert math.isfinite(line.percentiles_ms["50"])
    assert math.isinf(line.percentiles_ms["90"])
    assert math.isfinite(line.answered_ms["99"])
    assert line.refused_ms["50"] == pytest.approx(0.2)
    assert line.lags


def test_percentiles_end_where_samples_do(tmp_path: Path) -> None:
    lines = summarise_serving(made_run(tmp_path, rates="50%"), tmp_path).lines
    assert list(line_of(lines, "http", "50%").percentiles_ms) == ["50", "75", "90", "95", "99"]
    assert "99.9" not in line_of(lines, "null", "50%").percentiles_ms
    few = summarise_serving(made_run(tmp_path, rates="50%", duration_s=0.1), tmp_path).lines
    assert list(line_of(few, "http", "50%").percentiles_ms) == ["50", "75"]


def test_processor_time_is_by_request_and_by_time(tmp_path: Path) -> None:
    line = line_of(summarise_serving(made_run(tmp_path), tmp_path).lines, "http", "50%")
    assert line.cores == pytest.approx(0.5)
    assert line.cpu_us == pytest.approx(1000)  # half a core at 500 requests a second
    assert line.driver_cpu_us == pytest.approx(100)


def test_rounds_are_pooled_and_kept_apart(tmp_path: Path) -> None:
    lines = summarise_serving(made_run(tmp_path, rounds=2), tmp_path).lines
    line = line_of(lines, "http", "50%")
    assert (line.rounds, line.requests) == (2, 2000)
    assert len(line.by_round_ms["50"]) == 2
    assert line.lags is False


def test_recovery_is_the_longest_of_the_rounds(tmp_path: Path) -> None:
    lines = summarise_serving(made_run(tmp_path), tmp_path).lines
    assert line_of(lines, "http", "150%").recovery_s == pytest.approx(0.3)
    assert line_of(lines, "http", "50%").recovery_s is None
    never = summarise_serving(made_run(tmp_path, recovery_ns=None), tmp_path).lines
    assert line_of(never, "http", "150%").recovery_s == math.inf


def test_a_wrong_answer_has_no_latency(tmp_path: Path) -> None:
    run = made_run(tmp_path, wrong=True)
    summary = summarise_serving(run, tmp_path)
    line = line_of(summary.lines, "in-process", "50%")
    assert (line.status, line.percentiles_ms) == ("wrong", {})
    assert line_of(summary.lines, "http", "50%").status == "ok"
    assert not run.is_right


def test_the_document_has_no_infinity(tmp_path: Path) -> None:
    run = made_run(tmp_path)
    lines = summarise_serving(run, tmp_path).document(run)["lines"]
    assert isinstance(lines, list)
    found = next(v for v in lines if (v["contestant"], v["rate"]) == ("http", "150%"))
    assert found["percentiles_ms"]["99"] == "never"
