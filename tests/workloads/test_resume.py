"""A run that was killed goes on: nothing is lost, and nothing is measured twice."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from itertools import product
from pathlib import Path

import msgspec
import pytest

from neuralake.config import Settings
from neuralake.engines.registry import EngineSpec
from neuralake.errors import NeuralakeError, ResultsError
from neuralake.results.journal import Entry, read_journal
from neuralake.results.records import Run, Sample
from neuralake.results.store import DOCUMENT, JOURNAL, load_run
from neuralake.tpch.dataset import open_workload
from neuralake.workloads import bench as benches
from neuralake.workloads.answers import answer_path
from neuralake.workloads.resume import interrupted_run
from tests.conftest import (
    Bench,
    Cli,
    carry_out,
    cli_environment,
    is_gone,
    make_plan,
    make_settings,
    run_bench,
)
from tests.more import few

ENGINES = ("polars", "duckdb")
QUERIES = ("q01", "q06")
PARTS = (0.45, 0.02, 0.95, 0.2, 0.7)
TORN = b'{"sample":{"engine":"pol'
KILLS = [int(os.environ.get("NEURALAKE_TEST_KILLS", "1")), 3]


@pytest.fixture(scope="module")
def whole(dataset_sf001: Path, storage: Path, tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """A run that came to its end."""
    settings = Settings.from_environ(
        {
            "NEURALAKE_STORAGE_ROOT": str(storage),
            "NEURALAKE_RESULTS_ROOT": str(tmp_path_factory.mktemp("whole")),
        }
    )
    return run_bench(settings, dataset_sf001, *ENGINES, queries="1,6", hot_runs=2, cold_runs=1)


def cut(bench: Bench, directory: Path, lines: int, torn: bytes = b"") -> Path:
    """A copy of a run as it was after so many lines of its journal."""
    copy = directory / bench.directory.name
    (copy / "answers").mkdir(parents=True)
    (copy / "logs").mkdir()
    journal = (bench.directory / JOURNAL).read_bytes().splitlines(keepends=True)
    (copy / JOURNAL).write_bytes(b"".join(journal[:lines]) + torn)
    taken = [msgspec.json.decode(line, type=Entry).sample for line in journal[:lines]]
    for sample in taken:
        if sample is not None and sample.phase == "first":
            name = answer_path(copy, sample.engine, sample.query or "").name
            (copy / "answers" / name).write_bytes((bench.directory / "answers" / name).read_bytes())
    return copy


def resume(directory: Path, settings: Settings) -> Bench:
    run = interrupted_run(directory)
    plan = benches.plan_of(run, open_workload(run.header.dataset_uri, settings))
    return carry_out(plan, settings, (run, directory))


def executions(run: Run) -> Counter[tuple[str, str, str | None, int]]:
    """Executions of queries that count: each hot and cold run, and the first runs as one."""
    return Counter(
        (s.engine, s.phase, s.query, s.round) for s in run.samples if s.phase in ("hot", "cold")
    )


def assert_whole(run: Run) -> None:
    """Every execution once, every answer verified, and every process told apart."""
    assert run.finished_at is not None
    assert executions(run) == {
        (engine, phase, query, number): 1
        for engine in ENGINES
        for phase, number in (("hot", 1), ("hot", 2), ("cold", 1))
        for query in QUERIES
    }
    judged = Counter((v.engine, v.query, v.verdict) for v in run.verifications)
    assert judged == {(e, q, "verified"): 1 for e in ENGINES for q in QUERIES}
    for engine in ENGINES:
        starts = [s.process for s in run.samples if (s.engine, s.phase) == (engine, "start")]
        assert starts == list(range(len(starts)))
        warmed = {(s.query, s.process) for s in samples_of(run, engine, "first")}
        assert {(s.query, s.process) for s in samples_of(run, engine, "hot")} <= warmed
        assert {q for q, _ in warmed} == set(QUERIES)


def samples_of(run: Run, engine: str, phase: str) -> list[Sample]:
    return [s for s in run.samples if (s.engine, s.phase) == (engine, phase)]


@pytest.mark.parametrize(("part", "torn"), few(product(PARTS, (TORN, b""))))
def test_a_run_goes_on_from_any_line_of_its_journal(
    whole: Bench, settings: Settings, tmp_path: Path, part: float, torn: bytes
) -> None:
    journal = (whole.directory / JOURNAL).read_bytes().splitlines()
    directory = cut(whole, tmp_path, max(1, round(part * (len(journal) - 1))), torn)
    before = read_journal(directory / JOURNAL)
    resumed = resume(directory, settings)
    assert resumed.directory == directory
    assert_whole(resumed.run)
    assert resumed.run.samples[: len(before.samples)] == before.samples
    (resumption,) = resumed.run.resumptions
    assert resumption.after_samples == len(before.samples)
    assert load_run(directory) == resumed.run


@pytest.mark.more  # a wrong one is found below
def test_an_answer_that_was_not_judged_is_judged(
    whole: Bench, settings: Settings, tmp_path: Path
) -> None:
    journal = (whole.directory / JOURNAL).read_bytes().splitlines()
    firsts = [i for i, line in enumerate(journal) if b'"phase":"first"' in line]
    last = max(i for i in firsts if b"verification" in journal[i + 1])  # little is left to be run
    directory = cut(whole, tmp_path, last + 1)
    assert_whole(resume(directory, settings).run)


def test_a_wrong_answer_that_was_not_judged_is_found(
    whole: Bench, settings: Settings, tmp_path: Path
) -> None:
    journal = (whole.directory / JOURNAL).read_bytes().splitlines()
    firsts = [i for i, line in enumerate(journal) if b'"phase":"first"' in line]
    last = max(i for i in firsts if b"verification" in journal[i + 1])  # little is left to be run
    wrong = msgspec.json.decode(journal[last], type=Entry).sample
    assert wrong is not None
    directory = cut(whole, tmp_path, last + 1)
    name, query = wrong.engine, wrong.query or ""
    other = answer_path(whole.directory, name, "q06" if query == "q01" else "q01")
    answer_path(directory, name, query).write_bytes(other.read_bytes())
    run = resume(directory, settings).run
    judged = {(v.engine, v.query): v.verdict for v in run.verifications}
    assert judged[name, query] == "wrong"
    assert [s.status for s in run.samples if (s.engine, s.query) == (name, query)] == ["wrong"]


@pytest.fixture(scope="module")
def agreed(dataset_sf0003: Path, storage: Path, tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """A run that came to its end, without official answers."""
    settings = make_settings(storage, tmp_path_factory.mktemp("agreed"))
    return run_bench(settings, dataset_sf0003, *ENGINES, queries="1,6")


@pytest.mark.parametrize("number", few(range(4), 2))
def test_agreement_is_found_again_from_any_line(
    agreed: Bench, settings: Settings, tmp_path: Path, number: int
) -> None:
    journal = (agreed.directory / JOURNAL).read_bytes().splitlines()
    verdicts = [i for i, line in enumerate(journal) if b'{"verification"' in line]
    assert len(verdicts) == 4
    resumed = resume(cut(agreed, tmp_path, verdicts[number]), settings)
    assert set(resumed.run.verifications) == set(agreed.run.verifications)
    assert len(resumed.run.verifications) == 4


# What has changed meanwhile


def changed_header(directory: Path, **changes: object) -> None:
    lines = (directory / JOURNAL).read_bytes().splitlines(keepends=True)
    header = json.loads(lines[0])
    header["header"].update(changes)
    (directory / JOURNAL).write_bytes(json.dumps(header).encode() + b"\n" + b"".join(lines[1:]))


@pytest.fixture
def half(whole: Bench, tmp_path: Path) -> Path:
    return cut(whole, tmp_path, 9)


def assert_refused(directory: Path, settings: Settings, reason: str) -> None:
    before = (directory / JOURNAL).read_bytes()
    with pytest.raises(NeuralakeError, match=reason):
        resume(directory, settings)
    assert (directory / JOURNAL).read_bytes() == before


def test_another_dataset_is_refused(half: Path, settings: Settings) -> None:
    dataset = dict(read_journal(half / JOURNAL).header.dataset)
    changed_header(half, dataset=dataset | {"sha256": "0" * 64})
    assert_refused(half, settings, "sha256 of the dataset was 0+, and is [0-9a-f]{64}")


def test_another_query_text_is_refused(half: Path, settings: Settings) -> None:
    texts = dict(read_journal(half / JOURNAL).header.query_sha256)
    changed_header(half, query_sha256=texts | {"q06": "0" * 64})
    assert_refused(half, settings, r"the text of q06 \(sha256\) was 0+")


def test_a_query_that_is_gone_is_refused(half: Path, settings: Settings) -> None:
    changed_header(half, queries=["q01", "q99"])
    assert_refused(half, settings, "query q99 is there no more")


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("packages", {"polars": "1.0"}, "package datafusion was None, and is"),
        ("cpu", "An abacus", "the processor was An abacus, and is"),
        ("cores", 999, "the number of cores was 999"),
        ("cpu_quota", 0.5, "the quota of CPU time was 0.5, and is"),
        ("memory_limit_bytes", 1, "the limit on memory was 1, and is"),
        ("environment", {"LD_PRELOAD": "/x.so"}, "the variable LD_PRELOAD was /x.so, and is None"),
        ("python", "CPython 2.7", "Python was CPython 2.7"),
        ("neuralake", "0.0", "Neuralake was 0.0"),
    ],
)
def test_another_machine_or_software_is_refused(
    half: Path, settings: Settings, field: str, value: object, reason: str
) -> None:
    fingerprint = msgspec.to_builtins(read_journal(half / JOURNAL).header.fingerprint)
    changed_header(half, fingerprint=fingerprint | {field: value})
    assert_refused(half, settings, reason)


def test_an_engine_that_is_gone_is_refused(half: Path, settings: Settings) -> None:
    changed_header(half, engines=[{"name": "abacus", "options": {}}])
    assert_refused(half, settings, "unknown engine 'abacus'")


@pytest.mark.parametrize(
    ("field", "value"),
    few([("settings", {"engine": "in-memory", "threads": 2}), ("versions", {"polars": "1.0"})]),
)
def test_other_settings_or_versions_are_refused_when_the_engine_has_started(
    half: Path, settings: Settings, field: str, value: object
) -> None:
    lines = (half / JOURNAL).read_bytes().splitlines(keepends=True)
    number = next(i for i, line in enumerate(lines) if line.startswith(b'{"engine":{"name"'))
    engine = json.loads(lines[number])
    engine["engine"][field] = value
    lines[number] = json.dumps(engine).encode() + b"\n"
    (half / JOURNAL).write_bytes(b"".join(lines))
    with pytest.raises(ResultsError, match=f"polars has other {field} than before"):
        resume(half, settings)
    assert read_journal(half / JOURNAL).samples == read_journal(half / JOURNAL).samples


def test_a_lost_answer_is_said(half: Path, settings: Settings) -> None:
    changed = (half / JOURNAL).read_bytes().splitlines(keepends=True)
    (half / JOURNAL).write_bytes(b"".join(li for li in changed if b"verification" not in li))
    answer_path(half, "polars", "q01").unlink()
    with pytest.raises(ResultsError, match=r"polars-q01\.arrow cannot be read"):
        resume(half, settings)


def test_a_finished_run_is_not_resumed(whole: Bench) -> None:
    with pytest.raises(ResultsError, match="is finished: there is nothing to resume"):
        interrupted_run(whole.directory)


def test_every_process_of_a_run_has_the_same_heap(settings: Settings, dataset_sf001: Path) -> None:
    plan = make_plan(open_workload(str(dataset_sf001), settings), "spark", "polars")
    spark, polars = plan.engines
    assert spark.options["memory"].endswith(("g", "m"))
    assert polars == EngineSpec("polars")


# Real kills


@contextmanager
def running_bench(
    storage: Path, directory: Path, *arguments: str
) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(
        [sys.executable, "-m", "neuralake", "bench", *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=cli_environment(storage, directory),
        cwd=directory,
    ) as process:
        yield process


def wait_for(condition: Callable[[], bool]) -> bool:
    for _ in range(2400):
        if condition():
            return True
        time.sleep(0.025)
    return False


def wait_for_lines(bench: subprocess.Popen[bytes], directory: Path, count: int) -> None:
    """Wait until the journal has so many lines, or the bench has ended."""
    wait_for(lambda: bench.poll() is not None or journal_lines(directory) >= count)


def descendants(pid: int) -> list[int]:
    found = [pid]
    for parent in found:
        with suppress(OSError):  # it may have ended meanwhile
            for task in Path(f"/proc/{parent}/task").glob("*/children"):
                found += [int(child) for child in task.read_text().split()]
    return found[1:]


def journal_lines(directory: Path) -> int:
    journals = list((directory / "results" / "runs").glob("*/journal.jsonl"))
    return journals[0].read_bytes().count(b"\n") if journals else 0


@pytest.mark.more  # at which its journal may be cut, from which each goes on above
@pytest.mark.parametrize("kills", KILLS)
def test_a_run_that_is_killed_at_random_moments_loses_and_doubles_nothing(
    cli: Cli, storage: Path, tmp_path: Path, kills: int
) -> None:
    begun = ("-s", "0.01", "--engines", ",".join(ENGINES), "--queries", "1,6", "--runs", "2")
    arguments: tuple[str, ...] = (*begun, "--cold")
    rng = random.Random(kills)
    kept: list[Sample] = []
    cli_environment(storage, tmp_path)
    for _ in range(kills):
        lines = journal_lines(tmp_path)
        more = rng.randint(1, max(1, 60 // kills))
        with running_bench(storage, tmp_path, *arguments) as bench:
            wait_for_lines(bench, tmp_path, lines + more)
            time.sleep(rng.uniform(0, 0.1))
            processes = descendants(bench.pid)
            bench.send_signal(signal.SIGKILL)
            bench.wait()
        for pid in processes:
            assert is_gone(pid)
        (directory,) = (tmp_path / "results" / "runs").iterdir()
        samples = read_journal(directory / JOURNAL).samples
        assert list(samples[: len(kept)]) == kept
        kept = list(samples)
        if (directory / DOCUMENT).exists():
            break
        arguments = ("--resume", "latest")
    if not (directory / DOCUMENT).exists():
        done = cli("bench", "--resume", "latest")
        assert done.returncode == 0, done.stderr
    assert_whole(load_run(directory))


@pytest.mark.more
@pytest.mark.parametrize("kills", KILLS[-1:])
def test_a_worker_that_is_killed_is_replaced_and_only_its_query_fails(
    storage: Path, tmp_path: Path, kills: int
) -> None:
    begun = ("-s", "0.01", "--engines", ",".join(ENGINES), "--queries", "1-6", "--runs", "20")
    killed, rng = 0, random.Random(kills)
    cli_environment(storage, tmp_path)
    with running_bench(storage, tmp_path, *begun, "--json") as bench:
        while killed < kills and bench.poll() is None:
            wait_for_lines(bench, tmp_path, journal_lines(tmp_path) + 4)
            time.sleep(rng.uniform(0, 0.05))
            for pid in descendants(bench.pid)[1:2]:  # the supervisor's child
                with suppress(ProcessLookupError):  # it may have come to its end meanwhile
                    os.kill(pid, signal.SIGKILL)
                    killed += 1
        bench.communicate()
    assert killed == kills
    assert bench.returncode == 1
    (directory,) = (tmp_path / "results" / "runs").iterdir()
    run = load_run(directory)
    assert run.finished_at is not None
    crashed = [s for s in run.samples if s.status != "ok"]
    assert 1 <= len(crashed) <= kills
    assert {(s.status, s.message) for s in crashed} == {
        ("crashed", "the process was ended by SIGKILL")
    }
    lost = {(s.engine, s.query) for s in crashed}
    counted = Counter((s.engine, s.query) for s in run.samples if s.phase == "hot")
    for engine in ENGINES:
        for query in run.header.queries:
            if (engine, query) not in lost and (engine, None) not in lost:
                assert counted[engine, query] == 20
    verdicts = Counter((v.engine, v.query) for v in run.verifications)
    assert set(verdicts.values()) == {1}
    assert len(verdicts) == 12


# The command line


def test_a_resumed_run_says_so(whole: Bench, typed: Cli, tmp_path: Path) -> None:
    lines = (whole.directory / JOURNAL).read_bytes().count(b"\n")
    directory = cut(whole, tmp_path / "results" / "runs", round(PARTS[2] * lines))
    done = typed("bench", "--resume", directory.name[:15])
    assert done.returncode == 0, done.stderr
    assert "resumed" in done.stdout
    again = typed("bench", "--resume", "latest")
    assert again.returncode == 2
    assert again.stderr == (
        f"neuralake: run {directory.name} is finished: there is nothing to resume\n"
    )


@pytest.mark.parametrize(
    "option",
    [("--runs", "5"), ("--engines", "polars"), ("--cold",), ("-s", "1"), ("--timeout", "5")],
)
def test_a_run_is_resumed_with_its_own_options(typed: Cli, option: tuple[str, ...]) -> None:
    done = typed("bench", "--resume", "latest", *option)
    assert done.returncode == 2
    assert "does not go with --resume: the run goes on with the options that it began with" in (
        done.stderr
    )


def test_a_run_that_is_not_there_is_not_resumed(typed: Cli) -> None:
    done = typed("bench", "--resume", "nothing")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "no run 'nothing'" in done.stderr


def test_a_run_is_resumed_by_one_at_a_time(half: Path, settings: Settings) -> None:
    run = interrupted_run(half)
    plan = benches.plan_of(run, open_workload(run.header.dataset_uri, settings))
    fewer = replace(run, samples=run.samples[:-1])
    with pytest.raises(ResultsError, match="went on meanwhile"):
        carry_out(plan, settings, (fewer, half))
