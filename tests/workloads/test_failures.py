"""Failures are results: each has a status and a reason, and nothing else suffers."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path

import pytest

from neuralake.catalog.tables import Table
from neuralake.config import Settings
from neuralake.engines.registry import EngineSpec
from neuralake.measure.memory import Limiter, memory_limiter
from neuralake.measure.worker import RemoteError, WorkerDiedError
from neuralake.queries.query import parse_query
from neuralake.queries.workload import Workload
from neuralake.results.records import Limits, Sample
from neuralake.results.store import load_run
from neuralake.tpch.dataset import open_workload
from neuralake.workloads.failures import judge, log_tail, without_secrets
from tests.conftest import Bench, carry_out, is_gone, make_plan, run_bench
from tests.more import few

MIB = 2**20


def faulty_bench(
    settings: Settings,
    dataset: Path,
    fault: str,
    limits: Limits | None = None,
    hot_runs: int = 1,
    others: Sequence[str] = (),
) -> Bench:
    """Q1, where the engine has its fault, and Q6; then the same on other engines."""
    faulty = EngineSpec("faulty", {"fault": fault})
    return run_bench(
        settings, dataset, faulty, *others, queries="1,6", hot_runs=hot_runs, limits=limits
    )


def samples(bench: Bench, engine: str = "faulty") -> list[tuple[str, str | None, str]]:
    return [(s.phase, s.query, s.status) for s in bench.run.samples if s.engine == engine]


def of_q01(bench: Bench) -> list[Sample]:
    return [s for s in bench.run.samples if (s.engine, s.query) == ("faulty", "q01")]


REPLACED = [
    *[("start", None, "ok"), ("open", None, "ok")],
    *[("first", "q06", "ok"), ("hot", "q06", "ok")],
]


def assert_only_q01_failed(bench: Bench, status: str, reason: str) -> None:
    """Q1 has the status; everything else is measured, whole, verified, and nothing is left."""
    assert [s.status for s in of_q01(bench)][-1] == status
    failed = of_q01(bench)[-1]
    assert failed.wall_ns is None
    assert re.search(reason, failed.message or ""), failed.message
    judged = bench.verdicts
    assert judged["faulty", "q01"].verdict == "failed"
    assert judged["faulty", "q01"].detail == failed.message
    others = [engine.name for engine in bench.run.engines if engine.name != "faulty"]
    for engine, query in (("faulty", "q06"), *product(others, ("q01", "q06"))):
        assert judged[engine, query].verdict == "verified"
    for engine in others:
        assert {status for *_, status in samples(bench, engine)} == {"ok"}
    assert load_run(bench.directory) == bench.run
    assert bench.run.finished_at is not None
    for pid in started_by(bench):
        assert is_gone(pid)


def started_by(bench: Bench) -> list[int]:
    log = (bench.directory / "logs" / "faulty.log").read_text(errors="replace")
    leaked = [int(pid) for pid in re.findall(r"^leaked (\d+)$", log, re.MULTILINE)]
    companions = [e.settings["companion"] for e in bench.run.engines if "companion" in e.settings]
    return leaked + companions


pytestmark = pytest.mark.usefixtures("third_party")


def test_a_query_that_hangs_is_ended_in_time(settings: Settings, dataset_sf001: Path) -> None:
    bench = faulty_bench(settings, dataset_sf001, "hang", Limits(timeout_s=2))
    assert_only_q01_failed(bench, "timeout", r"^no answer within 2 s$")
    assert samples(bench) == [*REPLACED[:2], ("first", "q01", "timeout"), *REPLACED]
    assert bench.run.header.limits == Limits(timeout_s=2)


@pytest.mark.parametrize("limiter", ["cgroup", "watched"])
def test_a_query_that_takes_memory_without_end_is_ended(
    settings: Settings, dataset_sf001: Path, limiter: Limiter
) -> None:
    limit_bytes = 700 * MIB
    if limiter == "cgroup" and memory_limiter(limit_bytes) != "cgroup":
        pytest.skip("control groups of one's own need root, or a delegated cgroup: sudo make test")
    limits = Limits(memory_bytes=limit_bytes, memory_limiter=limiter)
    bench = faulty_bench(settings, dataset_sf001, "allocate", limits)
    reason = {
        "cgroup": r"SIGKILL for want of memory \(limit 700 MiB\)",
        "watched": r"had \d+ MiB resident, the limit is 700 MiB",
    }
    assert_only_q01_failed(bench, "oom", reason[limiter])
    assert samples(bench) == [*REPLACED[:2], ("first", "q01", "oom"), *REPLACED]


@pytest.mark.parametrize(
    ("fault", "reason"),
    few(
        [
            ("abort", "the process was ended by SIGABRT"),
            ("segfault", "the process was ended by SIGSEGV"),
            ("exit", "the process ended with exit status 3"),
        ]
    ),
)
def test_a_crash_of_native_code_is_told_with_its_last_words(
    settings: Settings, dataset_sf001: Path, fault: str, reason: str
) -> None:
    bench = faulty_bench(settings, dataset_sf001, fault, others=["tiny"])
    assert_only_q01_failed(bench, "crashed", reason)
    assert samples(bench) == [*REPLACED[:2], ("first", "q01", "crashed"), *REPLACED]


def test_what_a_new_process_has_not_run_yet_is_first_and_not_hot_in_it(
    settings: Settings, dataset_sf001: Path
) -> None:
    bench = faulty_bench(settings, dataset_sf001, "abort later", hot_runs=2)
    assert_only_q01_failed(bench, "crashed", "SIGABRT")
    taken = [(s.phase, s.query, s.round, s.process) for s in bench.run.samples[:10]]
    assert taken == [
        ("start", None, 0, 0),
        ("open", None, 0, 0),
        ("first", "q01", 0, 0),
        ("first", "q06", 0, 0),
        ("hot", "q01", 1, 0),
        ("start", None, 1, 1),
        ("open", None, 1, 1),
        ("first", "q06", 1, 1),
        ("hot", "q06", 1, 1),
        ("hot", "q06", 2, 1),
    ]


def test_an_engine_whose_own_process_is_gone_is_started_again(
    settings: Settings, dataset_sf001: Path
) -> None:
    bench = faulty_bench(settings, dataset_sf001, "lose")
    reason = "^a process of the engine ended: RuntimeError: connection refused$"
    assert_only_q01_failed(bench, "crashed", reason)
    assert samples(bench) == [*REPLACED[:2], ("first", "q01", "crashed"), *REPLACED]


@pytest.mark.more
def test_a_full_disk_is_the_engines_error(settings: Settings, dataset_sf001: Path) -> None:
    bench = faulty_bench(settings, dataset_sf001, "full")
    assert_only_q01_failed(bench, "error", "No space left on device")


def test_a_process_that_nobody_owns_is_ended_with_the_engine(
    settings: Settings, dataset_sf001: Path
) -> None:
    bench = faulty_bench(settings, dataset_sf001, "leak")
    assert {status for *_, status in samples(bench)} == {"ok"}
    leaked = started_by(bench)
    assert len(leaked) == 3  # Q1 twice, and the companion
    for pid in leaked:
        assert is_gone(pid)


def test_a_secret_of_the_environment_is_in_no_file_of_the_run(
    settings: Settings, dataset_sf001: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hunter2-hunter2")
    bench = faulty_bench(settings, dataset_sf001, "secret")
    assert_only_q01_failed(bench, "error", r"^RuntimeError: denied to \*\*\*$")
    files = [file for file in bench.directory.rglob("*") if file.is_file()]
    assert len(files) > 5
    assert not [file for file in files if b"hunter2-hunter2" in file.read_bytes()]


def test_datafusion_without_memory_and_without_disk_to_spill_to_is_told(
    settings: Settings, dataset_sf001: Path
) -> None:
    bench = run_bench(
        settings, dataset_sf001, EngineSpec("datafusion", {"memory": "100k"}), queries="18,6"
    )
    first = {s.query: s for s in bench.run.samples if s.phase == "first"}
    assert first["q18"].status == "oom"
    assert "Resources exhausted" in (first["q18"].message or "")
    assert first["q06"].status == "ok"


@pytest.mark.more
def test_an_exhausted_jvm_is_told_and_replaced(settings: Settings, dataset_sf001: Path) -> None:
    tables: Mapping[str, Table] = open_workload(str(dataset_sf001), settings).tables
    # at once more than the heap, in a task: no name has less than four letters
    exhausting = parse_query(
        "exhausting", "SELECT length(repeat(n_name, 250000000)) AS n FROM nation"
    )
    modest = parse_query("modest", "SELECT COUNT(*) AS n FROM nation")
    workload = Workload(
        "jvm", str(dataset_sf001), None, (exhausting, modest), {"nation": tables["nation"]}
    )
    spark = EngineSpec("spark", {"memory": "512m", "delta_reader": "snapshot-files"})
    bench = carry_out(make_plan(workload, spark), settings)
    taken = [(s.phase, s.query, s.process, s.status) for s in bench.run.samples]
    assert taken == [
        ("start", None, 0, "ok"),
        ("open", None, 0, "ok"),
        ("first", "exhausting", 0, "oom"),
        ("start", None, 1, "ok"),
        ("open", None, 1, "ok"),
        ("first", "modest", 1, "ok"),
        ("hot", "modest", 1, "ok"),
    ]
    assert "OutOfMemoryError" in (bench.run.samples[2].message or "")


@pytest.mark.parametrize(
    "said",
    [
        "memory allocation of 1073741824 bytes failed",
        "OpenJDK: There is insufficient memory for the Java Runtime Environment to continue.",
    ],
)
def test_an_abort_for_want_of_memory_is_no_crash(said: str) -> None:
    died = WorkerDiedError("the process was ended by SIGABRT")
    verdict = judge(died, f"something\n{said}\n", limit_bytes=None)
    assert verdict.status == "oom"
    assert verdict.message == f"the process was ended by SIGABRT; its last words: {said}"
    assert verdict.replace


def test_an_ordinary_error_leaves_the_process_alone() -> None:
    verdict = judge(RemoteError("ValueError", "no", ""), "", limit_bytes=None)
    assert (verdict.status, verdict.message, verdict.replace) == ("error", "ValueError: no", False)


def test_an_engines_trace_is_recorded_by_what_tells_the_fault() -> None:
    trace = (
        "An error occurred while calling o1.getResult.\n"
        ": org.apache.spark.SparkException: Exception thrown in awaitResult:\n"
        "\tat org.apache.spark.Util.awaitResult(Util.scala:1)\n"
        "Caused by: java.io.IOException: bad footer\n\tat a.B.read(B.java:1)\n"
    )
    verdict = judge(RemoteError("Py4JJavaError", trace, ""), "", limit_bytes=None)
    assert verdict.message == "Py4JJavaError: IOException: bad footer"
    short = trace + "Caused by: java.lang.OutOfMemoryError\n\tat a.B.read(B.java:1)\n"
    assert judge(RemoteError("Py4JJavaError", short, ""), "", limit_bytes=None).status == "oom"


def test_a_message_is_cut(tmp_path: Path) -> None:
    verdict = judge(RemoteError("E", "x" * 10_000, ""), "", limit_bytes=None)
    assert len(verdict.message) == 2000
    log = tmp_path / "log"
    log.write_bytes(b"before\n" + b"y" * 100_000)
    assert log_tail(log, 7) == "y" * 16_384
    assert log_tail(log, 100_000) == "y" * 7
    assert log_tail(tmp_path / "none", 0) == ""


def test_only_secrets_are_hidden() -> None:
    environ = {"AWS_SECRET_ACCESS_KEY": "abcdef", "MY_TOKEN": "short", "PATH": "/usr/bin"}
    assert without_secrets("abcdef short /usr/bin", environ) == "*** short /usr/bin"
