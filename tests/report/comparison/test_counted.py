"""A comparison that was timed and counted: a scatter plot, and the functions that grew."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import msgspec

from neuralake.report.comparison.grown import grown_tables
from neuralake.report.comparison.report import write_comparison_report
from neuralake.results.comparison import Comparison
from neuralake.results.profiles import Growth
from tests.report.comparison.make import change, made_comparison, made_engine, unchanged_engine
from tests.report.reading import files
from tests.report.run.make import NASTY, TPCH

GROWN = (
    Growth("hash::grow", 1_000_000, 1_600_000, 0.06),
    Growth(NASTY, 500_000, 450_000, -0.005),
)
AMOUNTS = {"base_ns": None, "candidate_ns": None, "base_instructions": 1e7}


def counted() -> Comparison:
    """One query is more work, and its profile says where."""
    queries = [
        change(q, "more work", 6.0, 0.2, **AMOUNTS, candidate_instructions=1.06e7)
        if q == "q09"
        else change(q, "same work", 0.1, 0.2, **AMOUNTS, candidate_instructions=1.001e7)
        for q in TPCH
    ]
    suite = change(None, "same work", 0.3, 0.1, **AMOUNTS, candidate_instructions=1e7)
    engine = made_engine("polars", suite, queries)
    grown = {"polars": {"q09": GROWN, "q01": GROWN}}
    return made_comparison(engine, by="instructions", scale_factor=0.01, grown=grown)


def test_functions_are_named_of_queries_whose_work_changed() -> None:
    (table,) = grown_tables(counted())
    assert [row[1].text for row in table.rows] == ["q09", "q09"]
    assert [cell.text for cell in table.rows[0]][2:] == ["hash::grow", "1.00", "1.60", "+6.00"]
    assert grown_tables(made_comparison(unchanged_engine())) == ()
    assert grown_tables(replace(counted(), grown={})) == ()


def test_the_report_has_the_plot_and_the_functions(tmp_path: Path) -> None:
    timed = made_comparison(unchanged_engine("polars"), unchanged_engine("datafusion"))
    both = replace(timed, counted=counted())
    again = msgspec.json.decode(msgspec.json.encode(both), type=Comparison)
    assert again == both
    write_comparison_report(both, tmp_path / "report")
    found = files(tmp_path / "report")
    plots = [name for name in found if "scatter" in name]
    assert sorted(plots) == ["figures/scatter-1.png", "figures/scatter-1.svg"]  # one was counted
    page, summary = found["index.html"].decode(), found["summary.md"].decode()
    assert "scatter-1" in page
    for text in (page, summary):
        assert "hash::grow" in text
        assert "CPU time agrees with the clock" in text  # of q09: more work, and no more time
    assert "<script>alert" not in page


def test_without_a_count_there_is_no_plot(tmp_path: Path) -> None:
    write_comparison_report(counted(), tmp_path / "report")
    assert not any("scatter" in name for name in files(tmp_path / "report"))
    assert "hash::grow" in (tmp_path / "report" / "index.html").read_text()
