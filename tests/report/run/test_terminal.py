"""What a terminal shows of a run: every number that is valid, and every trouble in words."""

from __future__ import annotations

import io
from pathlib import Path

from rich.console import Console

from neuralake.report.footnote import DISCLAIMER
from neuralake.report.run.terminal import print_run
from neuralake.results.records import EngineRecord, Run
from tests.conftest import FAST_ENGINES, Bench
from tests.results.make import judged, run, sample

NASTY = "no \x1b[2J\x1b]0;title\x07\nway [red]at all[/red] \x9b"


def shown(run: Run, width: int = 140) -> str:
    console = Console(file=io.StringIO(), width=width, highlight=False)
    print_run(run, console, Path("/results/here"))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def row(text: str, label: str) -> list[str]:
    (line,) = (line for line in text.splitlines() if line.strip("│ ").startswith(label))
    return [cell.strip() for cell in line.strip().strip("│").split("│")][1:]


TWO_ENGINES = [
    *[sample("polars", "q01", s) for s in (1.0, 2.0, 3.0)],
    *[sample("spark", "q01", s) for s in (0.5, 0.5, 0.5)],
    *[sample("polars", "q02", s) for s in (100.0, 200.0, 300.0)],
]


def test_a_query_is_a_row_and_an_engine_a_column_and_the_fastest_is_marked() -> None:
    wrong = sample("spark", "q02", status="wrong")
    text = shown(
        run(
            [*TWO_ENGINES, wrong],
            [judged("polars", "q01"), judged("spark", "q02", "wrong", "row 1 differs")],
        )
    )
    assert row(text, "q01") == ["2.000", "0.500 *"]
    assert row(text, "q02") == ["200.0", "wrong"]
    assert row(text, "total (s)") == ["2.000", "0.500"]
    assert row(text, "geometric mean (s)") == ["2.000", "0.500"]
    assert row(text, "verified") == ["1/2", "0/2"]
    assert row(text, "peak memory (MiB)") == ["1", "1"]
    assert row(text, "engine start (s)") == ["–", "–"]
    text = " ".join(text.split())
    assert "over 1 of 2 queries" in text
    assert "left out: q02" in text
    assert "spark q02: wrong against official answer: row 1 differs" in text
    assert DISCLAIMER in text
    assert "tpch, scale factor 1: median of 3 hot runs, seconds" in text
    assert "results: /results/here" in text


def test_troubles_are_said_in_words() -> None:
    engines: list[EngineRecord | str] = [
        "polars",
        EngineRecord("duckdb", settings={"delta_reader": "snapshot-files"}),
        EngineRecord("spark", unavailable="no JDK: pip install 'neuralake-bench[spark]'"),
    ]
    text = shown(run(TWO_ENGINES, [judged("polars", "q01", "unverified")], engines=engines))
    assert "spark: unavailable: no JDK: pip install 'neuralake-bench[spark]'" in text
    assert "duckdb: the engine reads the data files of each snapshot" in text
    assert "polars: 1 answer is unverified: there is no known answer" in text


def test_a_run_that_is_not_finished_says_so() -> None:
    whole = run(TWO_ENGINES)
    text = shown(Run(whole.header, None, None, whole.engines, (), whole.samples))
    assert "(not finished)" in text


def test_a_real_run_is_shown_whole(official_bench: Bench) -> None:
    text = shown(official_bench.run)
    for query in official_bench.run.header.queries:
        cells = row(text, query)
        assert len(cells) == 3
        assert sum(cell.endswith("*") for cell in cells) == 1
    assert row(text, "verified") == ["22/22"] * len(FAST_ENGINES)
    assert "left out" not in text


def test_text_from_elsewhere_is_harmless() -> None:
    engines: list[EngineRecord | str] = ["polars", EngineRecord(NASTY, unavailable=NASTY)]
    text = shown(
        run(
            TWO_ENGINES,
            [judged("polars", "q01", "failed", NASTY), judged(NASTY, NASTY, "failed", NASTY)],
            engines=engines,
            workload=NASTY,
        )
    )
    assert not [c for c in text if not c.isprintable() and c != "\n"]
    assert "[red]at all[/red]" in text
