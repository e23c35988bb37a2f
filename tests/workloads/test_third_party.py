"""An engine of somebody else's: it joins by its entry point, and its faults stay its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from neuralake.config import Settings
from neuralake.engines.registry import EngineSpec, describe_engines, engine_type
from neuralake.errors import EngineError
from neuralake.results.store import load_run
from neuralake.results.summary import summarise
from tests.conftest import Bench, Cli, is_gone, run_bench
from tests.more import few

QUERIES = "1,6"


def faulty_bench(
    settings: Settings, dataset: Path, fault: str, *others: str, hot_runs: int = 1
) -> Bench:
    faulty = EngineSpec("faulty", {"fault": fault})
    return run_bench(settings, dataset, faulty, *others, queries=QUERIES, hot_runs=hot_runs)


def assert_others_are_intact(bench: Bench) -> None:
    """The run is whole, other engines verified, and no process of the faulty one is left."""
    assert bench.run.finished_at is not None
    assert load_run(bench.directory) == bench.run
    judged = bench.verdicts
    for other in {engine.name for engine in bench.run.engines} - {"faulty"}:
        assert judged[other, "q01"].verdict == judged[other, "q06"].verdict == "verified"
        assert sum(s.engine == other and s.status == "ok" for s in bench.run.samples) == 6
    for engine in bench.run.engines:
        if "companion" in engine.settings:
            assert is_gone(engine.settings["companion"])


def test_an_adapter_is_under_40_lines(third_party: Path) -> None:
    assert len((third_party / "tiny.py").read_text().splitlines()) < 40
    (tiny,) = (engine for engine in describe_engines() if engine.name == "tiny")
    assert tiny.available
    assert tiny.package == "tiny"
    assert tiny.options == {"threads": "1"}
    assert set(tiny.versions) == {"duckdb"}


def test_it_is_verified_like_any_other(
    third_party: Path, settings: Settings, dataset_sf001: Path
) -> None:
    tiny = EngineSpec("tiny", {"threads": "2"})
    bench = run_bench(settings, dataset_sf001, tiny)
    assert [v.verdict for v in bench.run.verifications] == ["verified"] * 22
    assert bench.run.engines[0].settings == {"threads": 2}
    assert bench.run.engines[0].options == {"threads": "2"}


def test_an_adapter_that_cannot_be_imported_is_listed_with_the_reason(third_party: Path) -> None:
    (broken,) = (engine for engine in describe_engines() if engine.name == "broken")
    assert not broken.available
    assert broken.reason is not None
    assert "No module named 'nowhere'" in broken.reason
    with pytest.raises(EngineError, match="cannot be loaded"):
        engine_type("broken")


def test_a_wrong_answer_has_no_time_anywhere(
    third_party: Path, settings: Settings, dataset_sf001: Path
) -> None:
    bench = faulty_bench(settings, dataset_sf001, "wrong", "tiny")
    assert_others_are_intact(bench)
    wrong = bench.verdicts["faulty", "q01"]
    assert wrong.verdict == "wrong"
    assert wrong.against == "official answer"
    assert wrong.detail is not None
    assert "got (A, F, " in wrong.detail
    assert "expected (A, F, " in wrong.detail
    of_q01 = [s for s in bench.run.samples if (s.engine, s.query) == ("faulty", "q01")]
    assert [s.status for s in of_q01] == ["wrong"]
    assert bench.verdicts["faulty", "q06"].verdict == "verified"
    summary = summarise(bench.run)
    assert summary.cells["q01", "faulty"].status == "wrong"
    assert summary.cells["q01", "faulty"].latency_s is None
    assert summary.compared == ("q06",)


@pytest.mark.more
@pytest.mark.parametrize("fault", ["swapped"])
def test_columns_in_another_order_are_a_wrong_answer(
    third_party: Path, settings: Settings, dataset_sf001: Path, fault: str
) -> None:
    bench = faulty_bench(settings, dataset_sf001, fault)
    assert_others_are_intact(bench)
    assert bench.verdicts["faulty", "q01"].verdict == "wrong"


@pytest.mark.more
def test_the_names_of_columns_are_the_engines_choice(
    third_party: Path, settings: Settings, dataset_sf001: Path
) -> None:
    bench = faulty_bench(settings, dataset_sf001, "renamed")
    assert_others_are_intact(bench)
    assert bench.verdicts["faulty", "q01"].verdict == "verified"


def test_an_exception_fails_its_query_alone(
    third_party: Path, settings: Settings, dataset_sf001: Path
) -> None:
    bench = faulty_bench(settings, dataset_sf001, "error")
    assert_others_are_intact(bench)
    failed = bench.verdicts["faulty", "q01"]
    assert failed.verdict == "failed"
    assert failed.detail == "RuntimeError: cannot compute this"
    (sample,) = (s for s in bench.run.samples if (s.engine, s.query) == ("faulty", "q01"))
    assert (sample.status, sample.wall_ns) == ("error", None)
    assert bench.verdicts["faulty", "q06"].verdict == "verified"


@pytest.mark.more
@pytest.mark.parametrize(
    ("fault", "epitaph"),
    [
        ("abort", "the process was ended by SIGABRT"),
        ("exit", "the process ended with exit status 3"),
    ],
)
def test_a_crash_is_recorded_and_a_new_process_goes_on(
    third_party: Path, settings: Settings, dataset_sf001: Path, fault: str, epitaph: str
) -> None:
    bench = faulty_bench(settings, dataset_sf001, fault)
    assert_others_are_intact(bench)
    assert (bench.verdicts["faulty", "q01"].detail or "").startswith(epitaph)
    assert bench.verdicts["faulty", "q06"].verdict == "verified"
    taken = [(s.phase, s.query, s.round, s.status) for s in bench.run.samples[:7]]
    assert taken == [
        ("start", None, 0, "ok"),
        ("open", None, 0, "ok"),
        ("first", "q01", 0, "crashed"),
        ("start", None, 1, "ok"),
        ("open", None, 1, "ok"),
        ("first", "q06", 1, "ok"),
        ("hot", "q06", 1, "ok"),
    ]


@pytest.mark.parametrize(
    ("fault", "reason"),
    few(
        [
            ("start", "faulty did not start: RuntimeError: no licence"),
            ("open", "faulty could not open the tables: RuntimeError: no tables today"),
        ]
    ),
)
def test_an_engine_that_does_not_get_going_fails_every_query(
    third_party: Path, settings: Settings, dataset_sf001: Path, fault: str, reason: str
) -> None:
    bench = faulty_bench(settings, dataset_sf001, fault, "tiny")
    assert_others_are_intact(bench)
    for query in ("q01", "q06"):
        assert bench.verdicts["faulty", query].verdict == "failed"
        assert bench.verdicts["faulty", query].detail == reason
    assert "faulty" in [engine.name for engine in bench.run.engines]
    assert summarise(bench.run).compared == ("q01", "q06")  # the totals are those of the others


def test_an_answer_that_changes_in_a_later_run_is_wrong(
    third_party: Path, settings: Settings, dataset_sf001: Path
) -> None:
    bench = faulty_bench(settings, dataset_sf001, "later", hot_runs=3)
    assert bench.run.finished_at is not None
    changed = bench.verdicts["faulty", "q01"]
    assert changed.verdict == "wrong"
    assert changed.against == "faulty's own first run"
    assert changed.detail is not None
    assert changed.detail.startswith("hot run 1 differs: row 1, column count_order")
    of_q01 = [s for s in bench.run.samples if (s.engine, s.query) == ("faulty", "q01")]
    assert [s.status for s in of_q01] == ["wrong", "wrong"]


def test_rubbish_on_standard_output_goes_to_the_log(
    third_party: Path, settings: Settings, dataset_sf001: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    bench = faulty_bench(settings, dataset_sf001, "noise")
    assert_others_are_intact(bench)
    assert bench.verdicts["faulty", "q01"].verdict == "verified"
    assert "rubbish" in (bench.directory / "logs" / "faulty.log").read_text(errors="replace")
    assert capfd.readouterr() == ("", "")


def test_the_command_line_reports_a_wrong_answer_and_exits_1(third_party: Path, typed: Cli) -> None:
    done = typed(
        *("bench", "-s", 0.01, "--engines", "faulty", "--queries", QUERIES, "--runs", 1),
        *("--engine", "faulty:fault=wrong"),
    )
    assert done.returncode == 1, done.stderr
    assert "faulty q01: wrong" in done.stderr
    assert "faulty q01: wrong against official answer: row 1, column count_order" in done.stdout
    assert "left out: q01" in done.stdout


@pytest.mark.more
def test_the_command_line_shows_a_message_without_its_escape_sequences(
    third_party: Path, typed: Cli
) -> None:
    done = typed(
        *("bench", "-s", 0.01, "--engines", "faulty,tiny", "--queries", QUERIES, "--runs", 1),
        *("--engine", "faulty:fault=error"),
    )
    assert done.returncode == 1, done.stderr
    assert "cannot compute this" in done.stdout
    assert "\x1b" not in done.stdout + done.stderr
