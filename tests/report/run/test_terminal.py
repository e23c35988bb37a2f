"""What a terminal shows of a run: every number that is valid, and every trouble in words."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from neuralake.report.footnote import DISCLAIMER
from neuralake.report.run.terminal import print_run
from neuralake.results.records import EngineRecord, MachineUse, Run
from tests.conftest import FAST_ENGINES, Bench
from tests.report.run.make import made_run
from tests.results.make import FINGERPRINT, judged, run, sample

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
    assert row(text, "q01") == ["2,000", "* 500.0"]
    assert row(text, "q02") == ["200,000", "wrong"]
    assert row(text, "total (ms)") == ["2,000", "500.0"]
    assert row(text, "geometric mean (ms)") == ["2,000", "500.0"]
    assert row(text, "verified") == ["1/2", "0/2"]
    assert row(text, "peak memory (MiB)") == ["1", "1"]
    assert row(text, "engine start (ms)") == ["–", "–"]
    text = " ".join(text.split())
    assert "over 1 of 2 queries" in text
    assert "left out: q02" in text
    assert "spark q02: wrong against official answer: row 1 differs" in text
    assert DISCLAIMER in text
    assert "tpch, scale factor 1: median of 3 hot runs, ms" in text
    assert "results: /results/here" in text


def test_troubles_are_said_in_words() -> None:
    engines: list[EngineRecord | str] = [
        "polars",
        EngineRecord("duckdb", settings={"delta_reader": "snapshot-files"}),
        EngineRecord("sail", {"delta_reader": "slow"}, {"delta_reader": "slow"}),
        EngineRecord(
            "other", settings={"delta_reader": "files", "delta_reader_instead_of": "delta"}
        ),
        EngineRecord("third", settings={"readers": {"orders": "arrow", "lines": "arrow"}}),
        EngineRecord("spark", unavailable="no JDK: pip install 'neuralake-bench[spark]'"),
    ]
    text = shown(run(TWO_ENGINES, [judged("polars", "q01", "unverified")], engines=engines))
    assert "spark: unavailable: no JDK: pip install 'neuralake-bench[spark]'" in text
    assert "duckdb:" not in text  # its default is worth no note
    assert "sail: tables are read with delta_reader slow, as was asked for" in text
    assert "other: tables are read with delta_reader files, for want of delta" in text
    assert "third: arrow reads lines, orders" in text
    assert "polars: 1 answer is unverified: there is no known answer" in text


def test_digits_and_headings_end_in_one_column() -> None:
    lines = [
        line
        for line in shown(run(TWO_ENGINES)).splitlines()
        if line[:1] in "┃│" and "q02" not in line
    ]
    cells = [line.replace("┃", "│").split("│")[3] for line in lines]
    assert any("*" in cell for cell in cells)
    assert {len(cell) - len(cell.rstrip()) for cell in cells if cell.strip()} == {1}


def test_cold_medians_stand_beside_the_hot_ones() -> None:
    cold = [sample("polars", "q01", s, phase="cold") for s in (4.0, 5.0, 6.0)]
    only = [s for s in TWO_ENGINES if s.query == "q01"]
    text = shown(run([*only, *cold], cold_runs=3))
    assert row(text, "q01") == ["2,000", "5,000", "* 500.0", "–"]
    assert row(text, "total (ms)") == ["2,000", "5,000", "500.0", "–"]
    assert "median of 3 hot runs and of 3 cold runs, ms" in text


@pytest.mark.parametrize("width", [80, 100, 140])
def test_no_number_is_cut(width: int) -> None:
    engines = ("polars", "datafusion", "spark")
    text = shown(made_run(engines, cold=2, speed=1e4), width)
    assert "…" not in text


QUIET = MachineUse(elapsed_s=100.0, processors=2, busy_s=101.0, own_s=100.0, stolen_s=0.5)


@pytest.mark.parametrize(
    ("load", "use", "said"),
    [
        (0.2, QUIET, []),
        (None, None, []),
        (1.8, None, ["the load was 1.80 on 2 cores when the run began"]),
        (1.8, QUIET, ["when the run began, but other programs took 0% of the processors"]),
        (0.2, replace(QUIET, busy_s=160.0), ["other programs took 30% of the machine's"]),
        (0.2, replace(QUIET, stolen_s=8.0), ["a hypervisor withheld 4.0% of the processor"]),
    ],
)
def test_a_busy_machine_is_mentioned(
    load: float | None, use: MachineUse | None, said: list[str]
) -> None:
    machine = replace(FINGERPRINT, load_1m=load, cores=2)
    text = shown(replace(run(TWO_ENGINES, fingerprint=machine), machine_use=use), 400)
    signs = ("the load was", "other programs took", "hypervisor")
    assert all(words in text for words in said)
    assert sum(any(sign in line for sign in signs) for line in text.splitlines()) == len(said)


def test_runs_that_differ_too_much_are_mentioned() -> None:
    calm = [sample("polars", "q01", s) for s in (1.0, 1.1, 1.2, 1.0)]
    assert "as on a machine that is not quiet" not in shown(run(calm))
    restless = [sample("polars", "q01", s) for s in (1.0, 1.9, 1.2, 1.0)]
    assert "(polars 1.90), as on a machine that is not quiet" in shown(run(restless), 400)


def test_a_run_that_is_not_finished_says_so() -> None:
    whole = run(TWO_ENGINES)
    text = shown(Run(whole.header, None, None, whole.engines, (), whole.samples))
    assert "(not finished)" in text


def test_a_real_run_is_shown_whole(official_bench: Bench) -> None:
    text = shown(official_bench.run)
    for query in official_bench.run.header.queries:
        cells = row(text, query)
        assert len(cells) == 3
        assert sum(cell.startswith("*") for cell in cells) <= 1
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
