"""The numbers of a run of ingest, from samples that are known."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from neuralake.results.ingest.records import Case
from neuralake.results.ingest.summary import Line, summarise_ingest
from tests.report.ingest.make import made_run


def line_of(lines: tuple[Line, ...], contestant: str, rate: float | None = None) -> Line:
    (found,) = (s for s in lines if (s.case, s.rate) == (Case(contestant), rate))
    return found


def test_the_ratio_to_the_limit_is_paired_by_rounds(tmp_path: Path) -> None:
    """In its second round the disk takes twice as long: the ratio does not move."""
    summary = summarise_ingest(made_run(tmp_path), tmp_path)
    ours = line_of(summary.lines, "neuralake")
    assert ours.to_limit["50"].median == pytest.approx(1.3, rel=0.05)
    assert ours.to_limit["50"].high < 1.5
    assert ours.by_round_ms["50"][1] > 1.8 * ours.by_round_ms["50"][0]
    assert line_of(summary.lines, "disk").to_limit == {}


def test_percentiles_end_where_samples_do(tmp_path: Path) -> None:
    summary = summarise_ingest(made_run(tmp_path, rounds=1, commits=1200), tmp_path)
    assert list(line_of(summary.lines, "disk").percentiles_ms) == ["50", "75", "90", "95", "99"]


def test_latency_that_grows_is_seen_as_a_drift(tmp_path: Path) -> None:
    summary = summarise_ingest(made_run(tmp_path), tmp_path)
    grows, flat = (line_of(summary.lines, n).drift for n in ("deltalake-handle", "neuralake"))
    assert grows is not None
    assert grows.is_clear
    assert grows.ratio == pytest.approx(2, abs=0.2)
    assert flat is not None
    assert flat.ratio == pytest.approx(1, abs=0.1)


def test_what_was_never_begun_makes_the_tail_infinite(tmp_path: Path) -> None:
    run = made_run(tmp_path, rates=(1000.0, 50_000.0), rounds=1, unstarted=100)
    summary = summarise_ingest(run, tmp_path)
    line = line_of(summary.lines, "neuralake", 1000.0)
    assert math.isinf(line.percentiles_ms["99"])
    assert math.isfinite(line.percentiles_ms["90"])
    assert "99" not in line.to_limit
    document = summary.document(run)
    lines = document["lines"]
    assert isinstance(lines, list)
    assert lines[0]["percentiles_ms"]["99"] == "never"


def test_a_wrong_table_has_no_latency(tmp_path: Path) -> None:
    summary = summarise_ingest(made_run(tmp_path, wrong=True), tmp_path)
    line = line_of(summary.lines, "neuralake")
    assert (line.status, line.percentiles_ms, line.to_limit) == ("wrong", {}, {})
    assert line_of(summary.lines, "disk").status == "ok"


def test_freshness_is_an_interval_and_the_unseen_are_infinite(tmp_path: Path) -> None:
    run = made_run(tmp_path, rounds=1, readers=("polars",), commits=100)
    fresh = summarise_ingest(run, tmp_path).fresh
    assert [(line.case.contestant, line.reader) for line in fresh] == [
        ("neuralake", "polars"),
        ("deltalake-handle", "polars"),
    ]
    line = fresh[0]
    assert (line.batches, line.unseen) == (100, 3)
    assert line.most_ms["50"] - line.least_ms["50"] == pytest.approx(20)
    assert set(line.most_ms) == {"50", "75", "90"}
