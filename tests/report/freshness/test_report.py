"""The report of a run of freshness, of samples whose figures are known."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from rich.console import Console

from neuralake.report.freshness.headline import headline
from neuralake.report.freshness.notes import notes
from neuralake.report.freshness.tables import stages_table
from neuralake.report.freshness.terminal import print_freshness
from neuralake.report.freshness.words import apart
from neuralake.report.kinds import write_report
from neuralake.results.freshness.records import Case, FreshnessRun
from neuralake.results.freshness.stages import STAGES
from neuralake.results.freshness.summary import FreshnessSummary, summarise_freshness
from tests.report.freshness.make import LOAD, made_run


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("made")


@pytest.fixture(scope="module")
def run(home: Path) -> FreshnessRun:
    return made_run(home, slow_ms=40)


@pytest.fixture(scope="module")
def summary(run: FreshnessRun, home: Path) -> FreshnessSummary:
    return summarise_freshness(run, home)


def test_figures_are_those_of_the_samples(summary: FreshnessSummary) -> None:
    """A version each 20 ms is named 8 ms after its end, and polled each 10 ms, in 2 ms."""
    slow, fast = summary.lines[1], summary.lines[0]
    assert (fast.status, fast.rounds, fast.records) == ("ok", 2, 2 * 12_000)
    of = fast.measures_ms
    assert of["durable"]["50"] == pytest.approx(19, abs=0.1)  # 9 ms, and half of the 20
    assert of["durable"]["99"] == pytest.approx(29, abs=1)
    assert of["table_least"]["50"] == pytest.approx(18, abs=0.1)
    assert of["table_most"]["50"] == pytest.approx(22, abs=0.1)  # a tick of 4 ms
    assert of["visible_most"]["50"] == pytest.approx(22, abs=0.1)  # polled 10 ms after the end
    assert of["visible_least"]["50"] == pytest.approx(12, abs=0.1)
    assert fast.by_round_ms["99"] == pytest.approx((31, 31), abs=1.1)
    assert of["query_freshness"]["95"] == 0.0  # what was in the log is in the answer
    assert 0 < of["answer_age"]["50"] <= 32
    assert fast.beside_ms["99"] == pytest.approx(2)
    assert fast.alone_ms["50"] == pytest.approx(1)
    assert fast.interference["50"] == pytest.approx(2)
    assert fast.flatness["90"] == pytest.approx(1)
    assert len(fast.slices_ms) == 6
    assert fast.cores == {"server": pytest.approx(0.25), "writer: append": pytest.approx(0.5)}
    assert fast.delayed == {"server": pytest.approx(0.125)}
    assert slow.measures_ms["visible_most"]["50"] == pytest.approx(62, abs=0.1)
    (frontier,) = summary.frontiers
    assert (frontier.rate, frontier.beyond, frontier.bound_ms) == (1000.0, 4000.0, 60.0)


def test_stages_say_where_the_time_goes_and_what_makes_the_latest_late(
    run: FreshnessRun, summary: FreshnessSummary, home: Path
) -> None:
    """One data file of 150 takes 31 ms in place of 1."""
    found = summary.lines[0].stages
    assert list(found) == [*STAGES, "delayed", "blocked"]
    means = {name: stage.mean_ms for name, stage in found.items()}
    assert means["send"] == pytest.approx(10)
    assert sum(means[name] for name in STAGES) == pytest.approx(20 + 1 + 30 / 150, abs=0.1)
    assert found["write"].percentiles_ms == {"50": 1.0, "99": 1.0}
    assert found["write"].late_ms == pytest.approx(31)
    assert found["delayed"].late_ms == pytest.approx(1)
    assert means["blocked"] == pytest.approx(2.2, abs=0.1)
    assert found["blocked"].late_ms == pytest.approx(32)
    table = stages_table(summary)
    assert table is not None
    told = {row[3].text: row[-1].text for row in table.rows[: len(found)]}
    assert (told["data file and entry, durable"], told["encoding"]) == ("100%", "0%")
    parts = [replace(r, parts=replace(r.parts, ways=None)) for r in run.rounds if r.parts]
    earlier = summarise_freshness(replace(run, rounds=tuple(parts)), home)
    assert stages_table(earlier) is None


def test_the_report_has_every_figure_and_the_same_run_gives_the_same_bytes(
    run: FreshnessRun, home: Path, tmp_path: Path
) -> None:
    first = write_report(run, home, tmp_path / "a")
    second = write_report(run, home, tmp_path / "b")
    names = {figure.stem for figure in first.figures}
    assert names == {"visibility", "rates", "queries", "timeline"}
    for one, other in zip(first.figures, second.figures, strict=True):
        assert one.read_bytes() == other.read_bytes()
    page = first.html.read_text()
    assert page == second.html.read_text()
    for text in (
        "Throughput frontier",
        "HATtrick",
        "f(q) p95 (ms)",
        "writer: append",
        "of the lateness",
    ):
        assert text in page
    summary = first.markdown.read_text()
    assert "### Freshness: records through flight" in summary
    assert "visible p99 (ms)" in summary


def test_the_headline_tells_the_frontier_and_that_all_is_right(
    run: FreshnessRun, summary: FreshnessSummary
) -> None:
    said = headline(run, summary)
    assert "http+compaction at 1,000 rows/s shows a record within 2" in said
    assert "keeps p99 within 60.0 ms up to 1,000 rows/s" in said
    assert said.endswith("Every answer was possible, and every record is in its table once.")
    assert run.is_right


def test_numbers_survive_json(run: FreshnessRun, summary: FreshnessSummary) -> None:
    document = msgspec.json.decode(msgspec.json.encode(summary.document(run)))
    assert document["lines"][0]["sustained_ms"] == summary.lines[0].sustained_ms
    assert document["frontiers"][0]["rate"] == 1000.0
    assert document["run"]["header"]["kind"] == "freshness"


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        ({"violation": "producer 0: records are double"}, "1 answer wrong: producer 0: records"),
        ({"unseen": 3}, "3 records were never seen"),
        ({"wrong": True}, "wrong: producer 0: 7 records are missing"),
    ],
)
def test_what_is_wrong_has_no_numbers_and_says_so(
    tmp_path: Path, harm: dict[str, object], said: str
) -> None:
    load = replace(LOAD, rates=(1000.0,), duration_s=3.0, pieces=1)
    run = made_run(tmp_path, load=load, rounds=1, **harm)  # type: ignore[arg-type]
    summary = summarise_freshness(run, tmp_path)
    assert not run.is_right
    assert [(line.status, line.measures_ms) for line in summary.lines] == [("wrong", {})]
    (frontier,) = summary.frontiers
    assert frontier.rate is None
    assert any(said in note.text and note.level == "error" for note in notes(run, summary))
    out = io.StringIO()
    print_freshness(run, summary, Console(file=out, width=200), tmp_path)
    assert said in out.getvalue()
    report = write_report(run, tmp_path, tmp_path / "report")
    assert not report.figures
    assert "No round has numbers." in report.markdown.read_text()


def test_an_interrupted_run_is_printed_as_far_as_it_came(tmp_path: Path) -> None:
    load = replace(LOAD, rates=(1000.0,), duration_s=3.0, pieces=1, pause_s=0.0)
    run = made_run(tmp_path, load=load, rounds=1, finished=False)
    summary = summarise_freshness(run, tmp_path)
    assert summary.lines[0].alone_ms == {}  # there was no pause
    out = io.StringIO()
    print_freshness(run, summary, Console(file=out, width=200), tmp_path)
    assert "(not finished)" in out.getvalue()


def test_cases_are_told_apart_by_what_differs() -> None:
    cases = [Case(rate, packed, "http") for rate in (1e3, 1e4) for packed in (False, True)]
    assert list(apart(cases).values()) == [
        *("1,000/s, as it is", "1,000/s, compacted"),
        *("10,000/s, as it is", "10,000/s, compacted"),
    ]
    assert list(apart(cases[:1]).values()) == ["http"]
