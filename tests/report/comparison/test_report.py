"""The report of a comparison is whole or absent, and the same wherever it is made."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from neuralake.errors import ResultsError
from neuralake.report.comparison import write_comparison_report
from neuralake.report.run.report import write_run_report
from neuralake.results.comparison import Comparison
from tests.report.comparison.make import (
    made_comparison,
    slower_engine,
    troubled_comparison,
    unchanged_engine,
)
from tests.report.reading import files
from tests.report.run.make import made_run


def test_a_report_is_a_page_a_summary_and_a_plot_an_engine(tmp_path: Path) -> None:
    comparison = made_comparison(slower_engine(), unchanged_engine())
    report = write_comparison_report(comparison, tmp_path / "a" / "report")
    assert report.html == tmp_path / "a" / "report" / "index.html"
    plots = {f"figures/forest-{n}.{kind}" for n in (1, 2) for kind in ("svg", "png")}
    assert set(files(tmp_path / "a" / "report")) == {"index.html", "summary.md", *plots}
    assert {str(f.relative_to(tmp_path / "a" / "report")) for f in report.figures} == plots
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["report"]


@pytest.mark.more
def test_a_document_read_again_gives_the_same_bytes(tmp_path: Path) -> None:
    comparison = troubled_comparison()
    again = msgspec.json.decode(msgspec.json.encode(comparison), type=Comparison)
    write_comparison_report(comparison, tmp_path / "here")
    write_comparison_report(again, tmp_path / "there" / "deeper")
    here, there = files(tmp_path / "here"), files(tmp_path / "there" / "deeper")
    assert here == there
    assert not any(str(tmp_path).encode() in content for content in here.values())


def test_reports_replace_one_another_and_nothing_else(tmp_path: Path) -> None:
    comparison = made_comparison(unchanged_engine())
    run = made_run(engines=("polars",), queries=("q01",))
    write_run_report(run, tmp_path / "report")
    write_comparison_report(comparison, tmp_path / "report")
    assert "figures/forest-1.svg" in files(tmp_path / "report")
    assert "figures/latency.svg" not in files(tmp_path / "report")
    (tmp_path / "report" / "notes.txt").write_text("precious")
    before = files(tmp_path / "report")
    with pytest.raises(ResultsError, match=r"notes\.txt, which is no part of a report"):
        write_comparison_report(comparison, tmp_path / "report")
    assert files(tmp_path / "report") == before


def test_a_report_that_cannot_be_put_there_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("precious")
    for target in (tmp_path / "file", tmp_path / "file" / "below", Path("/proc/report")):
        with pytest.raises(ResultsError, match=r"the report cannot be written to .*: .*"):
            write_comparison_report(made_comparison(unchanged_engine()), target)
    assert {path.name for path in tmp_path.iterdir()} == {"file"}
