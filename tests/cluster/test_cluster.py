"""Spark on a real cluster of its own: what is measured, and what becomes of it when parts die.

The tests run in their order: those that kill come last.
"""

from __future__ import annotations

import base64
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import msgspec
import pytest

from neuralake.cluster.process import ClusterProcess
from neuralake.cluster.server import QUICK_OPTIONS, Cluster
from neuralake.config import Settings
from neuralake.engines.registry import EngineSpec
from neuralake.engines.spark import SparkEngine, SparkOptions, cluster, connect
from neuralake.engines.spark.masters import parse_master
from neuralake.engines.spark.options import DeltaReader
from neuralake.engines.spark.tasks import SparkTasks
from neuralake.errors import EngineEndedError, EngineError
from neuralake.queries.answers import Answer, compare
from neuralake.queries.workload import Workload, select_queries
from neuralake.results.records import Run
from neuralake.tpch.dataset import open_workload
from neuralake.tpch.existing import load_manifest
from neuralake.tpch.generate import generate
from neuralake.tpch.layout import Layout
from neuralake.tpch.part_job import Commission, PartJob, run_part
from neuralake.tpch.spread import Hands
from tests.conftest import SPARK_INTERPRETS, UNOFFICIAL, Cli, run_bench
from tests.more import is_by_day
from tests.s3.conftest import Place

pytestmark = pytest.mark.usefixtures("no_spark")
MEMORY = "512m"
SMALL = 0.001  # as in tpch/test_spread.py, whose parts are copied
TASKS = 16
# What a server is not told by its clients: a log is replayed by 50 tasks otherwise
ONE_TASK = dict.fromkeys(
    ("spark.databricks.delta.snapshotPartitions", "spark.sql.shuffle.partitions"), "1"
)
ENDLESS = 1_000  # tasks of a query that does not come to its end before what it needs is killed
# Each task holds its core for 0.3 s, so that there is time to kill what runs it; there is no
# condition beside it, which the optimizer would take for the whole
SLOW = (
    "SELECT count(*) AS n FROM range(0, {tasks}, 1, {tasks}) WHERE reflect("
    "'java.util.concurrent.locks.LockSupport', 'parkNanos', 300000000L) IS NOT NULL"
)


@pytest.fixture(scope="module")
def event_log(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Settings by which all of it keeps event logs that can be read."""
    directory = tmp_path_factory.mktemp("events").as_uri()
    names = {"enabled": "true", "dir": directory, "compress": "false"}
    return {f"spark.eventLog.{name}": value for name, value in names.items()}


@pytest.fixture(scope="module")
def interprets(pytestconfig: pytest.Config) -> dict[str, str]:
    """Settings by which no code is written for plans, by default."""
    return SPARK_INTERPRETS if is_by_day(pytestconfig) else {}


@pytest.fixture(scope="module")
def reader(pytestconfig: pytest.Config) -> DeltaReader:
    """Delta's, which a new JVM has to get going; by default tables are read without it."""
    return "snapshot-files" if is_by_day(pytestconfig) else "delta"


@pytest.fixture(scope="module")
def sparks(
    event_log: dict[str, str], interprets: dict[str, str], pytestconfig: pytest.Config
) -> Iterator[Cluster]:
    """A master and workers, and beside them a Spark Connect server that works alone.

    There are two workers, whose executors send each other rows and outlive each other. By default
    there is one, and no server, as each of these is a JVM that has to get going.
    """
    is_some = is_by_day(pytestconfig)
    with Cluster(
        workers=1 if is_some else 2,
        settings=event_log | ONE_TASK | interprets,
        memory=MEMORY,
        connect_port=None if is_some else 0,
        connect_locally=True,
        connect_cores=1,
        connect_memory=MEMORY,
        java_options=QUICK_OPTIONS,
    ) as cluster:
        yield cluster


@contextmanager
def started(options: SparkOptions) -> Iterator[SparkEngine]:
    engine = SparkEngine(options)
    try:
        yield engine
    finally:
        engine.close()


def benched(dataset: Path, settings: Settings, queries: str, **options: str) -> Run:
    """A run of Spark alone."""
    spec = EngineSpec("spark", options)
    return run_bench(settings, dataset, spec, queries=queries, hot_runs=1).run


def check(run: Run) -> None:
    """Answers are the official ones, and of resources nothing is told that was not measured."""
    assert {judged.verdict for judged in run.verifications} == {"verified"}
    assert {sample.status for sample in run.samples} == {"ok"}
    for sample in run.samples:
        assert sample.wall_ns
        assert (sample.cpu_ns, sample.peak_rss_bytes, sample.bytes_read) == (None, None, None)


def workers_of(sparks: Cluster) -> int:
    return sum(name.startswith("worker-") for name in sparks.processes)


def told(sparks: Cluster, executors: int) -> dict[str, object]:
    """What is recorded of the cluster, whose executors have a core each."""
    workers = workers_of(sparks)
    return {
        "master": sparks.address,
        "workers": workers,
        "cluster_cores": workers,
        "cluster_memory": f"{512 * workers}m",
        "executors": executors,
        "executor_cores": executors,
        "executor_memory": MEMORY,
        "shuffle_partitions": executors,
    }


@pytest.mark.more  # a run behind Spark Connect is one elsewhere, too; an engine is on it below
def test_a_run_on_a_cluster(sparks: Cluster, dataset_sf001: Path, settings: Settings) -> None:
    """On one of its cores: all of them join tables below, and each takes a JVM to get going."""
    run = benched(dataset_sf001, settings, "6", master=sparks.address, memory=MEMORY, cores="1")
    check(run)
    (record,) = run.engines
    assert record.settings is not None
    assert told(sparks, executors=1).items() <= record.settings.items()
    assert sparks.state()["activeapps"] == [], "the application has ended with the run"


def told_by_server(sparks: Cluster) -> dict[str, object]:
    """What is recorded of a Spark Connect server."""
    return {
        "master": sparks.connect_address,
        "server_master": "local[1]",
        "server_parallelism": 1,
        "delta_reader": "delta",
    }


@pytest.mark.more  # clients are behind it below, and runs elsewhere tell no resources at night
def test_a_run_behind_spark_connect(
    sparks: Cluster, dataset_sf001: Path, settings: Settings
) -> None:
    run = benched(dataset_sf001, settings, "6", master=sparks.connect_address)
    check(run)
    (record,) = run.engines
    assert record.settings is not None
    assert told_by_server(sparks).items() <= record.settings.items()


@pytest.mark.more  # a server is a JVM: by default it is Sail's (test_connect.py)
def test_clients_of_spark_connect_do_not_see_each_other(
    sparks: Cluster, dataset_sf001: Path, settings: Settings
) -> None:
    tables = open_workload(str(dataset_sf001), settings).tables
    with started(SparkOptions(master=sparks.connect_address)) as engine:
        assert engine.works_elsewhere
        assert told_by_server(sparks).items() <= engine.settings.items()
        versions = engine.versions()
        assert versions["spark-server"] == versions["pyspark"]
        one = engine.open({"region": tables["region"]})
        other = engine.open({"nation": tables["nation"]})
        assert one.execute("SELECT count(*) AS n FROM region").to_pylist() == [{"n": 5}]
        assert other.execute("SELECT count(*) AS n FROM nation").to_pylist() == [{"n": 25}]
        with pytest.raises(Exception, match="TABLE_OR_VIEW_NOT_FOUND"):
            other.execute("SELECT * FROM region")
        assert "Physical Plan" in one.explain("SELECT * FROM region")
        one.close()
        other.close()


@pytest.mark.more
def test_a_setting_of_the_server_is_not_the_clients(sparks: Cluster) -> None:
    config = {"spark.sql.extensions": "x"}
    with pytest.raises(EngineError, match=r"does not take spark\.sql\.extensions: .*CONFIG"):
        SparkEngine(SparkOptions(master=sparks.connect_address, config=config))


@pytest.mark.more  # the client tries for half a minute
def test_what_speaks_otherwise_is_no_server_of_spark_connect(sparks: Cluster) -> None:
    address = sparks.address.replace("spark://", "sc://")  # a master's
    with pytest.raises(EngineError, match="does not answer as one"):
        SparkEngine(SparkOptions(master=address))


@pytest.mark.more  # by the functions that executors are given below, on S3 as well
def test_clients_of_spark_connect_make_the_same_dataset_on_s3(
    sparks: Cluster, event_log: dict[str, str], s3: Place, cli: Cli, dataset_sf0003: Path
) -> None:
    words = ("generate", "-s", UNOFFICIAL, "--to", s3.uri, "--on", sparks.connect_address)
    done = cli(*words, environment=s3.environ)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{s3.uri}\n", "")
    made = load_manifest(s3.uri, storage_options=s3.options, verify=True)
    assert made.digest == load_manifest(str(dataset_sf0003)).digest
    assert_no_key(s3, sparks, event_log)


def assert_no_key(place: Place, sparks: Cluster, event_log: dict[str, str]) -> None:
    """What tasks were sent to reach S3 is in no event log, and in no file of the cluster's."""
    logs = Path(event_log["spark.eventLog.dir"].removeprefix("file://"))
    (is_there,) = {b"MapInArrow" in log.read_bytes() for log in logs.rglob("events*")} - {False}
    assert is_there, "the log has what was done"
    key = place.server.secret_access_key.encode()
    forms = [base64.b64encode(b" " * skip + key)[4:-4] for skip in range(3)]
    forms += [key, key.hex().encode()]
    for path in (*logs.rglob("*"), *sparks.configuration.parent.rglob("*")):
        content = path.read_bytes() if path.is_file() else b""
        assert not any(form in content for form in forms), path


@pytest.mark.more  # an application of its own
def test_executors_of_another_version_are_told(sparks: Cluster) -> None:
    """A worker's executors say so of themselves, by what comes first on their class path."""
    claim = sparks.configuration / "spark-version-info.properties"
    claim.write_text("version=4.1.9\nuser=\nrevision=\nbranch=\ndate=\nurl=\ndocroot=\n")
    try:
        with pytest.raises(EngineError, match=r"executors are of Spark 4\.1\.9, and pyspark 4\.2"):
            SparkEngine(SparkOptions(master=sparks.address, memory=MEMORY, cores=1))
    finally:
        claim.unlink()


def test_executors_join_and_make_the_same_dataset_and_parts_die(
    sparks: Cluster,
    event_log: dict[str, str],
    interprets: dict[str, str],
    reader: DeltaReader,
    s3: Place,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    settings: Settings,
    dataset_sf001: Path,
    pytestconfig: pytest.Config,
) -> None:
    """One application asks, generates, sees a busy cluster, loses worker, master, last worker."""
    number = workers_of(sparks)
    monkeypatch.setattr(cluster, "LOST_TIMEOUT_S", 2.0)
    options = SparkOptions(
        master=sparks.address, memory=MEMORY, delta_reader=reader, config=event_log | interprets
    )
    with started(options) as engine:
        assert told(sparks, number).items() <= engine.settings.items()
        assert engine.works_elsewhere
        assert_joined(engine, open_workload(str(dataset_sf001), settings))
        # on a disk others make it, too (tpch/test_spread.py)
        hands = first_of(SparkTasks(engine)) if is_by_day(pytestconfig) else SparkTasks(engine)
        made = generate(SMALL, s3.uri, storage_options=s3.options, hands=hands)
        assert made.digest == generate(SMALL, str(tmp_path / "alone")).digest
        assert_no_key(s3, sparks, event_log)
        other = Commission(0.01, Layout().at(0.01), "tpchgen-cli 0.1", str(tmp_path))
        function = partial(run_part, msgspec.json.encode(other))
        with pytest.raises(EngineError, match=r"^spark: tpchgen-cli .* install the same"):
            list(SparkTasks(engine)(function, [msgspec.json.encode(PartJob(("region",), 1))]))
        session = engine.open({})
        jvm = engine._jvm._gateway.jvm

        def ask(address: str) -> cluster.Workers:
            return cluster.ask_workers(jvm, parse_master(address), "4.2", "127.0.0.1")

        workers = ask(sparks.address)
        assert (workers.count, workers.cores, workers.smallest_mib) == (number, number, 512)
        assert workers.applications == ("neuralake",)
        with (
            monkeypatch.context() as hasty,
            socket.create_server(("127.0.0.1", 0)) as silent,
            pytest.raises(EngineError, match="speaks as no master does"),
        ):
            hasty.setattr(cluster, "ANSWER_TIMEOUT_S", 2)
            ask(f"spark://127.0.0.1:{silent.getsockname()[1]}")

        *others, last = (f"worker-{n + 1}" for n in range(number))
        for lost in others:
            assert ran(session, killing=sparks.processes[lost]) == [{"n": TASKS}]
        assert ran(session, killing=sparks.processes["master"]) == [{"n": TASKS}]
        with pytest.raises(EngineEndedError, match="the cluster had no executor for 2 s"):
            ran(session, killing=sparks.processes[last], tasks=ENDLESS)
        session.close()
        process = engine._jvm._gateway.proc
    assert process.poll() is not None, "the driver has ended with its engine"


def first_of(hands: Hands) -> Hands:
    """Whoever has the first job made by others, and does those after it here."""

    def some(function: Callable[[bytes], bytes], jobs: Sequence[bytes]) -> Iterator[bytes]:
        yield from hands(function, jobs[:1])
        yield from map(function, jobs[1:])

    return some


def assert_joined(engine: SparkEngine, workload: Workload) -> None:
    """For a join executors send each other rows."""
    (query,) = select_queries(workload.queries, "12")
    session = engine.open({name: workload.tables[name] for name in ("orders", "lineitem")})
    answer = Answer.of(session.execute(query.sql()))
    session.close()
    official = workload.reference(query, answer.schema.empty_table())
    assert official is not None
    assert compare(answer, official, query) is None


@pytest.mark.more
def test_a_server_that_dies(sparks: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connect, "_MOST_RETRIES", 4)  # some seconds, and not half a minute
    engine = SparkEngine(SparkOptions(master=sparks.connect_address))
    session = engine.open({})
    with pytest.raises(EngineEndedError, match=f"{sparks.connect_address} is gone"):
        ran(session, killing=sparks.processes["connect"], tasks=ENDLESS)
    session.close()
    engine.close()


def ran(session: object, killing: ClusterProcess, tasks: int = TASKS) -> object:
    """What the slow query answers while a process is killed."""
    killer = threading.Timer(0.5, killing.kill, kwargs={"group": False})
    killer.start()
    try:
        return session.execute(SLOW.format(tasks=tasks)).to_pylist()  # type: ignore[attr-defined]
    finally:
        killer.join()


SCRIPT = """
import sys
from neuralake.cluster.server import QUICK_OPTIONS, Cluster
with Cluster(workers=1, memory="512m", java_options=QUICK_OPTIONS) as cluster:
    print(cluster.address, flush=True)
    sys.stdin.read()
"""


@pytest.mark.more  # nothing of a broker does, which is started by the same
def test_nothing_stays_behind_when_whoever_started_it_is_killed(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )
    assert process.stdout is not None
    assert process.stdout.readline().startswith(b"spark://")
    assert of_place(tmp_path)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    while of_place(tmp_path):
        time.sleep(0.05)


@pytest.mark.more
def test_the_command(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "neuralake.cluster", "--workers", "1", "--memory", MEMORY],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )
    assert process.stdout is not None
    assert "a master is at spark://127.0.0.1:" in process.stdout.readline()
    assert "neuralake bench --engines spark --engine spark:master=" in process.stdout.readline()
    process.send_signal(signal.SIGINT)
    process.communicate()
    assert process.returncode == 0
    assert not list(tmp_path.iterdir())
    assert not of_place(tmp_path)


def of_place(directory: Path) -> list[int]:
    """Processes that name a directory on their command line."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                command = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if os.fsencode(directory) in command:
                found.append(int(entry.name))
    return found
