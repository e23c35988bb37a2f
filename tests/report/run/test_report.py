"""A report is whole or absent, is the same wherever it is made, and destroys nothing."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from neuralake.errors import ResultsError
from neuralake.report.run.report import write_run_report
from neuralake.report.runs.report import write_runs_report
from neuralake.results.records import Run
from neuralake.results.store import load_run
from tests.conftest import Bench, Cli
from tests.more import few
from tests.report.reading import files
from tests.report.run.make import made_run, nasty_run

SMALL: Mapping[str, Any] = {"engines": ("polars", "spark"), "queries": ("q01", "q02")}
FIGURES = ("latency", "totals", "ratios", "cold", "memory", "cpu")


def stored(directory: Path, run: Run) -> Path:
    """A run directory, as a bench leaves one."""
    directory.mkdir(parents=True)
    (directory / "run.json").write_bytes(msgspec.json.encode(run))
    return directory


def refused(done) -> str:  # type: ignore[no-untyped-def]
    """The one line in which a bad input is refused."""
    assert done.returncode == 2, (done.returncode, done.stdout, done.stderr)
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    return str(line)


def test_a_report_is_a_page_a_summary_and_figures(tmp_path: Path) -> None:
    report = write_run_report(made_run(**SMALL), tmp_path / "a" / "report")
    assert report.html.is_file()
    assert report.markdown.is_file()
    expected = {f"figures/{name}.{kind}" for name in FIGURES for kind in ("svg", "png")}
    assert set(files(tmp_path / "a" / "report")) == {"index.html", "summary.md", *expected}
    assert {str(f.relative_to(tmp_path / "a" / "report")) for f in report.figures} == expected
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["report"]


def test_a_copied_run_gives_the_same_report(official_bench: Bench, tmp_path: Path) -> None:
    shutil.copytree(official_bench.directory, tmp_path / "elsewhere")
    write_run_report(official_bench.run, tmp_path / "here")
    write_run_report(load_run(tmp_path / "elsewhere"), tmp_path / "there" / "deeper")
    here, there = files(tmp_path / "here"), files(tmp_path / "there" / "deeper")
    assert here == there
    assert not any(str(tmp_path).encode() in content for content in here.values())
    assert b"All 66 answers are verified." in here["index.html"]


def test_an_older_report_is_replaced_whole(tmp_path: Path) -> None:
    write_run_report(made_run(**SMALL, cold=1), tmp_path / "report")
    (tmp_path / "report" / "figures" / "older.svg").write_text("<svg/>")
    write_run_report(made_run(**SMALL), tmp_path / "report")
    fresh = tmp_path / "fresh"
    write_run_report(made_run(**SMALL), fresh)
    assert files(tmp_path / "report") == files(fresh)
    assert {path.name for path in tmp_path.iterdir()} == {"report", "fresh"}


@pytest.mark.parametrize(
    "name",
    few(
        ["figures/data.csv", "notes.txt", "index.html", "summary.md"],
        "figures/data.csv",
        "index.html",
    ),
)
def test_a_directory_that_is_no_report_is_left_alone(tmp_path: Path, name: str) -> None:
    target = tmp_path / "report"
    if name != "index.html":
        write_run_report(made_run(**SMALL), target)
    (target / name).parent.mkdir(parents=True, exist_ok=True)
    if name == "summary.md":
        (target / "index.html").unlink()
    else:
        (target / name).write_text("precious")
    before = files(target)
    with pytest.raises(ResultsError, match="no part of a report of Neuralake"):
        write_run_report(made_run(**SMALL), target)
    assert files(target) == before


def test_an_empty_directory_and_a_link_to_one_are_taken(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "empty")
    report = write_run_report(made_run(**SMALL), tmp_path / "link")
    assert report.html == tmp_path / "link" / "index.html"
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "empty" / "index.html").is_file()


def test_a_report_that_cannot_be_made_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ResultsError, match="named twice"):
        write_runs_report([made_run(**SMALL), made_run(**SMALL)], tmp_path / "report")
    (tmp_path / "file").write_text("precious")
    for target in (tmp_path / "file", tmp_path / "file" / "below", Path("/proc/report")):
        with pytest.raises(ResultsError, match=r"the report cannot be written to .*: .*"):
            write_run_report(made_run(**SMALL), target)
    assert {path.name for path in tmp_path.iterdir()} == {"file"}


# The command


def test_its_help_imports_nothing_heavy() -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "neuralake", "report", "--help"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "Usage: neuralake report [OPTIONS] [RUN]" in done.stdout
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert not loaded & {"pyarrow", "polars", "numpy", "matplotlib", "rich", "msgspec"}


def test_the_command_reports_the_latest_run_into_its_directory(typed: Cli, tmp_path: Path) -> None:
    for name in ("20260101-a", "20260102-b"):
        stored(tmp_path / "results" / "runs" / name, made_run(**SMALL, id=name))
        (tmp_path / "results" / "runs" / name / "journal.jsonl").touch()
    done = typed("report")
    assert (done.returncode, done.stderr) == (0, "")
    page = tmp_path / "results" / "runs" / "20260102-b" / "report" / "index.html"
    assert done.stdout == f"{page}\n"
    assert b"20260102-b" in page.read_bytes()
    done = typed("report", "20260101", "latest", "--json")
    told = json.loads(done.stdout)
    assert told["html"] == str(tmp_path / "results" / "report" / "index.html")
    assert told["markdown"] == str(tmp_path / "results" / "report" / "summary.md")
    assert all(Path(figure).is_file() for figure in told["figures"])


def test_the_command_takes_a_directory_and_a_destination(typed: Cli, tmp_path: Path) -> None:
    stored(tmp_path / "copied", made_run(**SMALL))
    done = typed("report", "copied", "--to", "out")
    assert done.stdout == "out/index.html\n"
    assert (tmp_path / "out" / "index.html").is_file()
    assert not (tmp_path / "results").exists()


def test_a_bad_input_is_one_line_and_status_2(typed: Cli, tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "run.json").write_text('{"header": {"schema_version": 99}}')
    stored(tmp_path / "a", made_run(**SMALL, id="a"))
    stored(tmp_path / "b", made_run(**SMALL, id="b", workload="shop"))
    (tmp_path / "file").write_text("precious")
    assert "no run in" in refused(typed("report"))
    assert "no run 'nothing'" in refused(typed("report", "nothing"))
    assert "schema version 99: this Neuralake reads 1" in refused(typed("report", "old"))
    assert "cannot be compared: their workloads are tpch and shop" in refused(
        typed("report", "a", "b")
    )
    assert "file: Not a directory" in refused(typed("report", "a", "--to", "file"))
    assert "/proc/nothing" in refused(typed("report", "a", "--to", "/proc/nothing/here"))
    assert "is the working directory" in refused(typed("report", "a", "--to", "."))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b", "file", "old", "tmp"]


def test_nothing_from_a_run_reaches_the_terminal_as_it_is(typed: Cli, tmp_path: Path) -> None:
    stored(tmp_path / "a", nasty_run())
    stored(tmp_path / "b", made_run(**SMALL, id="b"))
    evil = "out \x1b[31m"
    done = typed("report", "a", "--to", evil)
    assert done.returncode == 0
    assert done.stdout == "out \ufffd[31m/index.html\n"
    assert (tmp_path / evil / "index.html").is_file()
    for line in (refused(typed("report", "a", "b")), refused(typed("report", "x\x1b[0m"))):
        assert "\x1b" not in line
