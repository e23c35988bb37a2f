"""Runs of lifecycle: what is computed, what is wrong or cannot be done, and what a kill leaves."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest

from neuralake.config import Settings
from neuralake.engines.registry import EngineSpec
from neuralake.errors import ResultsError
from neuralake.queries.workload import Workload
from neuralake.report.lifecycle.tables import supports_table
from neuralake.results.journal import JournalWriter
from neuralake.results.kinds import RUN_OF_LIFECYCLE
from neuralake.results.lifecycle.degradation import degradation_rate
from neuralake.results.lifecycle.export import SCHEMA, lifecycle_table
from neuralake.results.lifecycle.journal import read_lifecycle
from neuralake.results.lifecycle.records import LifecycleRun, RepetitionEnd
from neuralake.results.lifecycle.summary import LifecycleSummary, summarise_lifecycle
from neuralake.results.phases.records import PhaseKey, PhaseRecord
from neuralake.results.records import Resumption
from neuralake.results.store import JOURNAL, RunStore
from neuralake.workloads.bench import ChosenEngines
from neuralake.workloads.lifecycle.lifecycle import lifecycle
from neuralake.workloads.lifecycle.opening import open_own
from neuralake.workloads.lifecycle.plan import make_plan
from neuralake.workloads.lifecycle.resume import plan_of
from neuralake.workloads.places import Target
from neuralake.workloads.recording import interrupted_run
from tests.conftest import cli_environment, make_settings, own_temporary_directory
from tests.more import few

PLAN = """
name = "small"
[[phases]]
name = "ask"
[[phases.sessions]]
name = "reader"
tasks = [{ kind = "query" }]
[[phases]]
name = "change"
[[phases.sessions]]
name = "writer"
tasks = [
  { kind = "append", table = "readings", rows = 20, batches = 2 },
  { kind = "merge", table = "sensors", percent = 5, columns = ["place"] },
]
[[loops]]
phases = ["ask", "change"]
times = 2
[[phases]]
name = "beside"
alone = "ask"
[[phases.sessions]]
name = "reader"
tasks = [{ kind = "query", times = 2 }]
[[phases.sessions]]
name = "writer"
tasks = [{ kind = "append", table = "readings", rows = 20, batches = 4 }]
[[phases]]
name = "before"
series = "ask"
[[phases.sessions]]
name = "reader"
tasks = [{ kind = "query" }]
[[phases]]
name = "compact"
[[phases.sessions]]
name = "keeper"
tasks = [{ kind = "compact", table = "readings" }]
[[phases]]
name = "after"
series = "ask"
[[phases.sessions]]
name = "reader"
tasks = [{ kind = "query" }]
[[phases]]
name = "past"
[[phases.sessions]]
name = "reader"
tasks = [{ kind = "query", queries = "readings_of_a_month", as_of = "earlier" }]
"""
# Without what is asked beside changes, around maintenance and of the past
SHORT = PLAN.split('[[phases]]\nname = "beside"', maxsplit=1)[0]
COMPACT = """
[[phases]]
name = "compact"
[[phases.sessions]]
name = "keeper"
tasks = [{ kind = "compact", table = "readings" }]
"""
PHASES = ["ask 1", "change 1", "ask 2", "change 2", "beside", "before", "compact", "after", "past"]
SHORT_PHASES = PHASES[:4]
ASKED = PLAN[: PLAN.index('[[phases]]\nname = "change"')]


class Silent:
    """An observer that is told everything, and says nothing."""

    def before(self, key: PhaseKey, number: int, of: int) -> None: ...

    def checking(self, key: PhaseKey, by: str) -> None: ...

    def after(self, phase: PhaseRecord) -> None: ...

    def ended(self, end: RepetitionEnd) -> None: ...


@pytest.fixture(autouse=True)
def own_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEURALAKE_LOCK_FILE", str(tmp_path / "lock"))


@pytest.fixture
def sloppy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine, installed for this process and its workers."""
    packages = tmp_path / "site-packages"
    metadata = packages / "sloppy-1.0.dist-info"
    metadata.mkdir(parents=True)
    (packages / "sloppy.py").write_text(Path(__file__).with_name("sloppy.py").read_text())
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: sloppy\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(
        "[neuralake.engines]\nsloppy = sloppy:SloppyEngine\n"
    )
    monkeypatch.syspath_prepend(packages)
    monkeypatch.delitem(sys.modules, "sloppy", raising=False)


def run(
    workload: Workload, tmp_path: Path, *engines: str, text: str = PLAN, repetitions: int = 1
) -> tuple[LifecycleRun, Path]:
    plan = make_plan(
        text,
        "p.toml",
        workload,
        ChosenEngines(tuple(map(EngineSpec, engines))),
        place=Target(str(tmp_path / "tables")),
        repetitions=repetitions,
    )
    return lifecycle(plan, RunStore(tmp_path / "results"), lambda _: nullcontext(Silent()))


@pytest.fixture(scope="module")
def asked(sensors: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[LifecycleRun, Path]:
    """A run of one phase that came to its end; nobody changes its files."""
    place = tmp_path_factory.mktemp("asked")
    workload = open_own(sensors / "life", None, make_settings(sensors / "data", place / "results"))
    with own_temporary_directory(place):
        return run(workload, place, "polars", text=ASKED)


def copied(directory: Path, place: Path) -> Path:
    """A copy of a run that a test may change."""
    return shutil.copytree(directory, place / "results" / "runs" / directory.name)


def names(found: LifecycleRun) -> list[str]:
    return [phase.key.phase for phase in found.phases]


@pytest.mark.parametrize("repetitions", few([1, 2]))
def test_engines_take_turns_on_fresh_tables_and_everything_is_verified(
    workload: Workload, tmp_path: Path, repetitions: int
) -> None:
    found, directory = run(workload, tmp_path, "polars", "duckdb", repetitions=repetitions)
    summary = summarise_lifecycle(found, directory)
    assert summary.is_right(found)
    turns = [(end.engine, end.repetition) for end in found.repetitions]
    every = [("polars", 1), ("duckdb", 1), ("duckdb", 2), ("polars", 2)]
    assert turns == every[: 2 * repetitions]
    assert names(found) == PHASES * len(turns)
    answers = [check for phase in found.phases for check in phase.answers]
    assert len(answers) == len(turns) * (2 * 2 + 4 + 2 + 2 + 3)
    assert {check.verdict for check in answers} == {"verified"}
    assert {check.is_right for phase in found.phases for check in phase.end} == {True}
    assert list((tmp_path / "tables").iterdir()) == []
    assert list(tmp_path.joinpath("results").glob("staged-*")) == []
    assert_numbers(found, summary, repetitions)
    table = lifecycle_table(found, directory)
    assert table.schema == SCHEMA
    assert Counter(table["series"].to_pylist())["ask"] == len(turns) * 8
    assert set(table["status"].to_pylist()) == {"ok"}


def assert_numbers(found: LifecycleRun, summary: LifecycleSummary, repetitions: int) -> None:
    """Each number that can be computed another way is that."""
    polars = [series for series in summary.series if series.engine == "polars"]
    assert [series.name for series in polars] == ["ask", "beside", "past"]
    asked = polars[0]
    assert asked.phases == ("ask 1", "ask 2", "before", "after")
    assert asked.degradation is not None
    values = [[v for v in row if v is not None] for row in asked.by_repetition_s]
    assert asked.rates == tuple(map(degradation_rate, values))
    assert min(asked.rates) <= asked.degradation.median <= max(asked.rates)
    sizes = {size.phase: size for size in summary.sizes if size.engine == "duckdb"}
    assert list(sizes) == PHASES
    assert sizes["change 1"].live_files == sizes["ask 1"].live_files + 2
    assert sizes["compact"].live_files < sizes["before"].live_files
    assert sizes["compact"].stored_bytes > sizes["before"].stored_bytes
    assert sizes["after"].log_bytes == sizes["compact"].log_bytes
    appends = next(w for w in summary.writing if (w.engine, w.kind) == ("polars", "append"))
    assert appends.changes == repetitions * (2 + 2 + 4)
    assert appends.amplification == appends.written_bytes / appends.rows_bytes > 0.5
    (maintained,) = [m for m in summary.maintenance if m.engine == "polars"]
    assert (maintained.phase, maintained.before, maintained.after) == ("compact", "before", "after")
    assert maintained.value.low <= maintained.value.median <= maintained.value.high
    (interference,) = [i for i in summary.interference if i.engine == "polars"]
    assert interference.alone_samples == repetitions * 4 * 2
    assert 0 < interference.samples <= repetitions * 4
    supports = {s.kind: s for s in summary.supports if s.engine == "polars"}
    assert list(supports) == ["query", "append", "merge", "compact"]
    assert supports["append"].path == "polars sink_delta"
    assert {s.state for s in summary.supports} == {"ok"}
    assert found.header.kinds == tuple(supports)


@pytest.mark.usefixtures("sloppy")
@pytest.mark.parametrize("beside", few(["nobody", "polars"]))
def test_a_wrong_write_is_recorded_and_nothing_after_it_is_measured(
    workload: Workload, tmp_path: Path, beside: str
) -> None:
    others = [beside] if beside != "nobody" else []
    text = SHORT.replace(
        '{ kind = "merge", table = "sensors", percent = 5, columns = ["place"] },', ""
    )
    found, directory = run(workload, tmp_path, "sloppy", *others, text=text + COMPACT)
    sloppy = [phase for phase in found.phases if phase.key.engine == "sloppy"]
    assert [phase.key.phase for phase in sloppy] == ["ask 1", "change 1"]
    (check,) = sloppy[-1].end
    assert check.is_right is False
    assert check.detail == "50,038 rows: expected 50,040"
    ends = {end.engine: end.stopped for end in found.repetitions}
    reason = "change 1: rows of readings: 50,038 rows: expected 50,040"
    assert ends == {"sloppy": reason} | dict.fromkeys(others)
    summary = summarise_lifecycle(found, directory)
    assert not summary.is_right(found)
    assert {sample.status for _, sample in summary.faults} == {"wrong"}
    assert [w.engine for w in summary.writing] == others
    of_sloppy = next(series for series in summary.series if series.engine == "sloppy")
    assert of_sloppy.degradation is None
    states = {s.kind: s.state for s in summary.supports if s.engine == "sloppy"}
    assert states == {"query": "ok", "append": "wrong", "compact": "not reached"}
    told = {s.kind: (s.right, s.tried) for s in summary.supports if s.engine == "sloppy"}
    assert told == {"query": (2, 2), "append": (0, 2), "compact": (0, 0)}
    some = [replace(s, right=1) if s.state == "wrong" else s for s in summary.supports]
    rows = supports_table(found, replace(summary, supports=tuple(some))).rows
    assert [row[1].text for row in rows] == ["yes", "wrong, 1 of 2 right", "not reached"]


@pytest.mark.usefixtures("sloppy")
def test_what_an_engine_cannot_do_is_told_and_is_no_failure(
    workload: Workload, tmp_path: Path
) -> None:
    text = PLAN.replace('{ kind = "append", table = "readings", rows = 20, batches = 2 },', "")
    found, directory = run(workload, tmp_path, "sloppy", text=text)
    summary = summarise_lifecycle(found, directory)
    (end,) = found.repetitions
    assert end.stopped is not None
    assert "merge sensors: unsupported" in end.stopped
    assert summary.is_right(found)
    merge = next(s for s in summary.supports if s.kind == "merge")
    assert merge.state == "unsupported"
    assert merge.detail == "there is no merge by sloppy"
    assert names(found) == ["ask 1", "change 1"]


@pytest.mark.more  # as one of ingest goes on at the round, by the same
def test_a_run_goes_on_at_the_repetition_that_was_interrupted(
    asked: tuple[LifecycleRun, Path], settings: Settings, tmp_path: Path
) -> None:
    directory = copied(asked[1], tmp_path)
    lines = (directory / JOURNAL).read_bytes().splitlines(keepends=True)
    kept = [line for line in lines if b'{"repetition":' not in line and b'{"end":' not in line]
    (directory / JOURNAL).write_bytes(b"".join(kept))
    past = interrupted_run(RUN_OF_LIFECYCLE, directory)
    assert past.repetitions == ()
    found, _ = lifecycle(
        plan_of(past, settings),
        RunStore(tmp_path / "results"),
        lambda _: nullcontext(Silent()),
        resumed=(past, directory),
    )
    assert found.finished_at is not None
    assert names(found) == ["ask"]
    assert [end.repetition for end in found.repetitions] == [1]
    assert len(found.resumptions) == 1
    assert summarise_lifecycle(found, directory).is_right(found)
    assert read_lifecycle(directory / JOURNAL) == found


def test_a_finished_run_is_not_resumed_and_a_changed_table_is_refused(
    asked: tuple[LifecycleRun, Path], settings: Settings, tmp_path: Path
) -> None:
    directory = copied(asked[1], tmp_path)
    with pytest.raises(ResultsError, match="is finished: there is nothing to resume"):
        interrupted_run(RUN_OF_LIFECYCLE, directory)
    lines = (directory / JOURNAL).read_bytes().splitlines(keepends=True)
    (directory / JOURNAL).write_bytes(b"".join(lines[:2]))
    found = interrupted_run(RUN_OF_LIFECYCLE, directory)
    plan = plan_of(found, settings)
    other = {**found.header.tables, "sensors": {"version": 7}}
    past = replace(found, header=replace(found.header, tables=other))
    with pytest.raises(ResultsError, match="cannot be resumed: table sensors was"):
        lifecycle(
            plan,
            RunStore(tmp_path / "results"),
            lambda _: nullcontext(Silent()),
            resumed=(past, directory),
        )


@pytest.mark.more
def test_a_run_that_was_killed_goes_on_at_the_repetition_that_was_interrupted(
    workload: Workload, sensors: Path, tmp_path: Path
) -> None:
    plan = tmp_path / "plan.toml"
    plan.write_text(SHORT)
    environment = cli_environment(sensors / "data", tmp_path)
    words = ["lifecycle", "--plan", str(plan), "--workload", str(sensors / "life")]
    words += ["--engines", "polars", "--repetitions", "2", "--to", str(tmp_path / "tables")]
    command = [sys.executable, "-m", "neuralake"]
    with (
        (tmp_path / "said").open("wb") as said,
        subprocess.Popen(
            [*command, *words],
            env=environment,
            cwd=tmp_path,
            stdout=subprocess.DEVNULL,
            stderr=said,
            start_new_session=True,
        ) as process,
    ):
        journal = wait_for_phases(tmp_path, len(SHORT_PHASES) + 2, process)
        process.send_signal(signal.SIGKILL)
    directory = journal.parent
    half = read_lifecycle(journal)
    assert half.finished_at is None
    assert [end.repetition for end in half.repetitions] == [1]
    before = [phase for phase in half.phases if phase.key.repetition == 1]
    done = subprocess.run(
        [*command, "lifecycle", "--resume", "latest", "--json"],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["is_right"] is True
    whole = read_lifecycle(directory / JOURNAL)
    assert whole.finished_at is not None
    assert names(whole) == SHORT_PHASES * 2
    assert list(whole.phases[: len(before)]) == before
    assert len(whole.resumptions) == 1
    assert list((tmp_path / "tables").iterdir()) == []
    assert not list((tmp_path / "results").glob("staged-*"))


def wait_for_phases(place: Path, count: int, process: subprocess.Popen[bytes]) -> Path:
    """The journal of a run, once it has some phases."""
    while process.poll() is None:
        for journal in place.glob(f"results/runs/*/{JOURNAL}"):
            if journal.read_bytes().count(b'{"phase":') >= count:
                return journal
        time.sleep(0.01)
    raise AssertionError(f"it ended before: {(place / 'said').read_text()}")


def test_what_an_interrupted_repetition_had_is_left_out_when_it_is_done_again(
    asked: tuple[LifecycleRun, Path], tmp_path: Path
) -> None:
    found, directory = asked[0], copied(asked[1], tmp_path)
    lines = (directory / JOURNAL).read_bytes().splitlines(keepends=True)
    kept = [line for line in lines if b'{"repetition":' not in line and b'{"end":' not in line]
    (directory / JOURNAL).write_bytes(b"".join(kept))
    assert names(read_lifecycle(directory / JOURNAL)) == ["ask"]
    with JournalWriter(directory / JOURNAL, RUN_OF_LIFECYCLE.entry) as journal:
        journal.append(Resumption("2026-01-01T00:00:00Z", 0, found.header.fingerprint))
    assert names(read_lifecycle(directory / JOURNAL)) == []


def test_the_degradation_rate_is_the_mean_relative_change() -> None:
    assert degradation_rate([1.0, 2.0, 3.0]) == (1.0 + 0.5) / 2
    assert degradation_rate([2.0, 1.0]) == -0.5
    for values in ([1.0], [], [1.0, 0.0]):
        with pytest.raises(ValueError, match="two positive values"):
            degradation_rate(values)
