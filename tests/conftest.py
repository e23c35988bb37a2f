"""What several rooms' tests share: datasets, one finished run, and the command line."""

from __future__ import annotations

import atexit
import gc
import importlib
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

import hypothesis
import pytest
from hypothesis.internal.constants_ast import constants_from_module

from neuralake import cli as command_line
from neuralake.config import Settings
from neuralake.engines import registry
from neuralake.engines.protocol import Engine
from neuralake.engines.registry import EngineSpec
from neuralake.engines.spark import SparkEngine, SparkOptions
from neuralake.queries.workload import Workload
from neuralake.report.figures import render
from neuralake.results.records import Limits, Phase, Run, Sample, Verification
from neuralake.results.store import RunStore
from neuralake.tpch.dataset import dataset_uri, open_workload
from neuralake.tpch.generate import generate
from neuralake.tpch.tpchgen import Tpchgen
from neuralake.workloads import bench as benches
from neuralake.workloads.plan import Plan
from tests.generator import OWN_COMMAND, generated_once
from tests.java import write_quick_java
from tests.lent import ALL_LENT, Lent
from tests.more import is_by_day
from tests.popen import OWN_POPEN
from tests.workers import quick_processes

pytest_plugins = ["tests.performance.plugin"]  # its options must be known before it is collected

# no assertion on elapsed time: a busy machine fails no test
# A quarter of the examples by default; all in `make test-all`, and where a test is asked for alone
hypothesis.settings.register_profile("some", deadline=None, max_examples=25)
hypothesis.settings.register_profile("all", deadline=None, max_examples=100)

# numpy's linear algebra is nobody's matter, and starts threads that spin in each process of a test
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# Tests that share one Spark go to one worker: a JVM takes a quarter of a minute to get going
SHARE_SPARK = (
    "engines/test_spark_process.py",  # the first: it starts the one that all others share
    "engines/test_spark.py",
    "engines/test_tables_of_others.py",
    "engines/test_nan.py",
    "engines/test_sessions_at_once.py",
    "engines/test_time_travel.py",
    "engines/test_views.py",
    "engines/test_write_conflicts.py",
    "engines/test_unsupported_writes.py",
    "engines/test_writing.py",
    "engines/test_files_that_differ.py",
    "engines/test_hive_partitions.py",
    "engines/test_view_pushdown.py",
    "engines/test_adbc.py",
    "s3/test_spark.py",
    "site/test_snippets.py",
    "verify/test_views_on_spark.py",
    "writer/test_read_by_others.py",
    "writer/test_upkept_for_others.py",
    "workloads/test_verdicts_on_spark.py",
)
# And those that share one finished run on three engines
SHARE_BENCH = (
    "workloads/test_power.py",
    "workloads/test_plans.py",
    "report/run/test_report.py",
    "report/run/test_terminal.py",
    "test_cli.py",
)
# Those that share one finished run of streams
SHARE_STREAMS = ("workloads/streams/test_runs.py", "workloads/streams/test_commands.py")
# And those that share a broker which they kill
SHARE_BROKER = ("kafka/test_kill.py", "kafka/test_trouble.py", "kafka/test_broker.py")
SHARING = {
    "spark": SHARE_SPARK,
    "bench": SHARE_BENCH,
    "streams": SHARE_STREAMS,
    "broker": SHARE_BROKER,
}
# What takes longest goes first, so that no worker still has it when the others are done
LONGEST = (
    *SHARE_SPARK,
    "cluster/test_cluster.py",
    "arms/test_command.py",
    *SHARE_BENCH,
    "workloads/test_resume.py",
    "install/test_own_project.py",
    "workloads/test_verdicts.py",
    "arms/test_counted.py",
    "arms/test_pairs.py",
    "test_docs_commands.py",
    "cli/test_writer.py",
    "workloads/lifecycle/test_runs.py",
    *SHARE_STREAMS,
    "workloads/freshness/test_runs.py",
    "asv_suite/test_measuring.py",
    "workloads/serving/test_runs.py",
    "workloads/ingest/test_runs.py",
    "workloads/phases/test_runner.py",
    "asv_suite/test_counting.py",
    "tpch/test_spread.py",
    "writer/test_kill.py",
    *SHARE_BROKER,
    "workloads/test_failures.py",
    "arms/test_build.py",
    "arms/test_streams.py",
    "engines/test_time_zone.py",
    "workloads/test_out_of_core.py",
)
OFFICIAL = 0.01
UNOFFICIAL = 0.003
FAST_ENGINES = ("polars", "datafusion", "duckdb")
# A task costs some hundredths of a second however few rows it has: a log is replayed, and files are
# looked for, by one, and by several on the cluster (cluster/test_cluster.py).
SPARK_CONFIG = {
    "spark.databricks.delta.snapshotPartitions": "1",
    "spark.sql.sources.parallelPartitionDiscovery.parallelism": "1",
    "spark.sql.autoBroadcastJoinThreshold": "-1",
    "spark.hadoop.fs.s3a.secret.key": "hunter2",
    "spark.executorEnv.PLAIN": "a \\ b=c",
    "spark.neuralake.note": "spring.datasource.password=hunter2",
}
# Nor is it worth the compiler to write code for a plan that runs once, on rows that can be counted,
# nor a plan worth being made again while it runs: runs on TPC-H have both, and all in
# `make test-all`.
SPARK_INTERPRETS = {
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.adaptive.enabled": "false",
}
SPARK_ZONE = "Europe/Budapest"  # no answer of Spark's depends on where it stands
PNG = b"\x89PNG\r\n\x1a\n"  # how one begins
DrawPng = Callable[..., bytes]
Lend = Callable[..., Lent[Any]]
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def pytest_configure(config: pytest.Config) -> None:
    """Before any test is imported, which says how many examples it has."""
    gc.disable()  # what is imported and collected stays: it need not be looked through meanwhile
    is_some = is_by_day(config)
    hypothesis.settings.load_profile("some" if is_some else "all")
    if is_some:
        SPARK_CONFIG.update(SPARK_INTERPRETS)


def pytest_collection(session: pytest.Session) -> None:
    """Of all tests each worker imports another part first, and looks for constants in another.

    What one has rewritten the others find; in a new clone each would rewrite all of them. Nor would
    each parse all modules for the constants that hypothesis tries.
    """
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    config = session.config
    if not worker or sys.dont_write_bytecode or config.args != config.getini("testpaths"):
        return
    count = int(os.environ["PYTEST_XDIST_WORKER_COUNT"])
    root = Path(__file__).parent
    files = sorted(root.rglob("test_*.py"))
    begin = len(files) * int(worker.removeprefix("gw")) // count
    for file in files[begin:] + files[:begin]:
        if file.is_relative_to(root / "performance"):
            continue
        with suppress(Exception, pytest.skip.Exception):  # it is imported again, and told then
            importlib.import_module(".".join(file.with_suffix("").relative_to(root.parent).parts))
    modules = [module for name, module in sys.modules.items() if name.startswith("neuralake.")]
    begin = len(modules) * int(worker.removeprefix("gw")) // count
    for module in modules[begin:] + modules[:begin]:
        constants_from_module(module)


@pytest.hookimpl(tryfirst=True)  # before those that are marked are left out
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first; and what is asked of an engine in ``make test-all`` alone.

    ``more_of("spark", but=FEW)`` marks a test's combinations of that engine as ``more``, but those
    of which another parameter is one of a few.
    """
    for item in items:
        if " at 0x" in item.nodeid:  # workers must agree on the names of tests
            raise pytest.UsageError(f"{item.nodeid} has an address in its name: give it ids")
        params = {**getattr(getattr(item, "callspec", None), "params", {})}
        engine = params.pop("engine", None)
        for mark in item.iter_markers("more_of"):
            kept = mark.kwargs.get("but", ())
            if engine in mark.args and not any(value in kept for value in params.values()):
                item.add_marker(pytest.mark.more)
    places = {Path(__file__).parent / name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path, len(places)))


def pytest_collection_finish() -> None:
    """Hardly anything of all that was collected goes away: no collection need look at it."""
    gc.freeze()
    gc.enable()


def pytest_unconfigure() -> None:
    """What counts its objects as the interpreter ends finds none left, and pytest looks before."""
    atexit.register(gc.unfreeze)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(
    item: pytest.Item, nextitem: pytest.Item | None
) -> Generator[None, object, object]:
    """What the next test does not ask for is ended, after the fixtures that have used it."""
    try:
        return (yield)
    finally:
        for each in item.config.stash.get(ALL_LENT, []):
            each.end_between(item, nextitem)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """A file goes to one worker, and so do all that share Spark, a broker, or a run."""
    if config.getoption("dist") != "loadfile":
        return None
    from xdist.scheduler import LoadFileScheduling

    scheduling = LoadFileScheduling(config, log)
    file_of = scheduling._split_scope

    def place(nodeid: str) -> str:
        file = str(file_of(nodeid)).removeprefix("tests/")
        return next((what for what, files in SHARING.items() if file in files), file)

    scheduling._split_scope = place
    return scheduling


def make_settings(storage: Path, results: Path) -> Settings:
    return Settings.from_environ(
        {"NEURALAKE_STORAGE_ROOT": str(storage), "NEURALAKE_RESULTS_ROOT": str(results)}
    )


@pytest.fixture(scope="session")
def directories_by_name() -> Counter[str]:
    """How many tests of each name have a directory in this process."""
    return Counter()


@pytest.fixture
def tmp_path(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    directories_by_name: Counter[str],
) -> Path:
    """As pytest's, which for each looks through those of all tests before it."""
    name = re.sub(r"\W", "_", request.node.name)[:29]
    path = tmp_path_factory.getbasetemp() / f"{name}_{directories_by_name[name]}"
    directories_by_name[name] += 1
    path.mkdir(mode=0o700)
    return path


@pytest.fixture(scope="session", autouse=True)
def quick_java(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Spark on a Java that starts quickly, in this process and all its own, unless it is timed."""
    home = tmp_path_factory.mktemp("java")
    if request.config.getoption("benchmark_disable") and write_quick_java(home):
        os.environ["JAVA_HOME"] = str(home)


@pytest.fixture(scope="session", autouse=True)
def processes_of_tests(request: pytest.FixtureRequest) -> Iterator[None]:
    """Processes of ours that tests start have imported everything before they start."""
    with quick_processes() if is_by_day(request.config) else nullcontext():
        yield


@pytest.fixture
def own_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each process starts as for users, and shows what it was started with and as."""
    monkeypatch.setattr(subprocess, "Popen", OWN_POPEN)


@pytest.fixture(scope="session", autouse=True)
def quick_generator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Datasets of the same arguments are generated once, and copied from then on."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    with generated_once(shared / "generated", tmp_path_factory.mktemp("generator") / "launcher"):
        yield


@pytest.fixture
def own_generator(monkeypatch: pytest.MonkeyPatch) -> None:
    """The generator itself, each time, for tests of how it is run, stopped and killed."""
    monkeypatch.setattr(Tpchgen, "command", OWN_COMMAND)


@pytest.fixture(scope="session", autouse=True)
def quick_pictures(request: pytest.FixtureRequest) -> Iterator[DrawPng]:
    """What draws a figure as PNG: elsewhere as nothing by default, and of few points in all.

    The same figure is drawn as SVG, and hardly any test looks at the other.
    """
    with pytest.MonkeyPatch.context() as patch:
        whole = render._draw_png
        is_some = is_by_day(request.config)
        patch.setattr(render, "_draw_png", (lambda _: PNG) if is_some else partial(whole, dpi=30))
        yield whole


@pytest.fixture
def drawn_pictures(quick_pictures: DrawPng, monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures in PNG of few points."""
    monkeypatch.setattr(render, "_draw_png", partial(quick_pictures, dpi=30))


@pytest.fixture
def whole_pictures(quick_pictures: DrawPng, monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures in PNG as a user gets them."""
    monkeypatch.setattr(render, "_draw_png", quick_pictures)


@pytest.fixture(scope="session")
def storage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A storage root with the datasets of all tests; nobody changes them."""
    root = tmp_path_factory.mktemp("storage")
    settings = make_settings(root, root / "results")
    for scale_factor in (OFFICIAL, UNOFFICIAL):
        generate(scale_factor, dataset_uri(settings, scale_factor))
    return root


@pytest.fixture(scope="session")
def dataset_sf001(storage: Path) -> Path:
    """A dataset that has official answers."""
    return storage / "tpch" / "sf0.01"


@pytest.fixture(scope="session")
def dataset_sf0003(storage: Path) -> Path:
    """A dataset that has none."""
    return storage / "tpch" / "sf0.003"


@pytest.fixture
def settings(storage: Path, tmp_path: Path) -> Settings:
    """The shared datasets, and a results root of the test's own."""
    return make_settings(storage, tmp_path / "results")


class Witness:
    """An observer that remembers what it was told."""

    def __init__(self) -> None:
        self.begun: list[tuple[str, Phase, str | None, int]] = []
        self.samples: list[Sample] = []
        self.verifications: list[Verification] = []

    def before(self, engine: str, phase: Phase, query: str | None, round: int) -> None:
        self.begun.append((engine, phase, query, round))

    def after(self, sample: Sample) -> None:
        self.samples.append(sample)

    def verified(self, result: Verification) -> None:
        self.verifications.append(result)


@dataclass(frozen=True)
class Bench:
    """A bench that came to its end."""

    run: Run
    directory: Path
    witness: Witness

    @property
    def verdicts(self) -> dict[tuple[str, str], Verification]:
        """What was found of the answers, by engine and query."""
        return {(v.engine, v.query): v for v in self.run.verifications}


@contextmanager
def own_temporary_directory(directory: Path) -> Iterator[None]:
    """A lock of the test's own, so that a bench elsewhere on the machine is no matter."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(directory))
        patch.setenv("NEURALAKE_LOCK_FILE", str(directory / "lock"))
        yield


def run_bench(
    settings: Settings,
    dataset: Path,
    *engines: EngineSpec | str,
    queries: str | None = None,
    hot_runs: int = 1,
    cold_runs: int = 0,
    limits: Limits | None = None,
) -> Bench:
    """A power run in real worker processes."""
    plan = make_plan(
        open_workload(str(dataset), settings),
        *engines,
        queries=queries,
        hot_runs=hot_runs,
        cold_runs=cold_runs,
        limits=limits,
    )
    return carry_out(plan, settings)


def make_plan(
    workload: Workload,
    *engines: EngineSpec | str,
    queries: str | None = None,
    hot_runs: int = 1,
    cold_runs: int = 0,
    limits: Limits | None = None,
) -> Plan:
    """A plan over engines that must be there."""
    specs = [EngineSpec(engine) if isinstance(engine, str) else engine for engine in engines]
    return benches.make_plan(
        workload,
        benches.choose_engines(specs, required=True),
        selection=queries,
        hot_runs=hot_runs,
        cold_runs=cold_runs,
        limits=limits,
    )


def carry_out(plan: Plan, settings: Settings, resumed: tuple[Run, Path] | None = None) -> Bench:
    """Carry out a plan in real worker processes."""
    witness = Witness()
    store = RunStore(settings.results_root)
    settings.results_root.mkdir(parents=True, exist_ok=True)
    with own_temporary_directory(settings.results_root):
        run, directory = benches.bench(
            plan, store, lambda plan: nullcontext(witness), resumed=resumed
        )
    return Bench(run, directory, witness)


@pytest.fixture(scope="session")
def official_bench(
    dataset_sf001: Path, storage: Path, tmp_path_factory: pytest.TempPathFactory
) -> Bench:
    """All 22 queries, with two hot runs, on three engines; nobody changes its files."""
    settings = make_settings(storage, tmp_path_factory.mktemp("official") / "results")
    return run_bench(settings, dataset_sf001, *FAST_ENGINES, hot_runs=2)


@contextmanager
def started_spark() -> Iterator[SparkEngine]:
    """Spark with all that it reads by, a small heap and a few settings."""
    options = SparkOptions(
        memory="768m",
        shuffle_partitions=1,
        delta_reader="delta",
        object_storage=True,
        config=SPARK_CONFIG,
    )
    SparkEngine.prepare(options)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", SPARK_ZONE)  # of its JVM alone
        engine = SparkEngine(options)
    yield engine
    engine.close()


def shares_spark(item: pytest.Item) -> bool:
    """Whether a test is of those that share one Spark."""
    return item.path.relative_to(Path(__file__).parent).as_posix() in SHARE_SPARK


@dataclass(frozen=True)
class Spark:
    """One Spark for all tests of this process that only need one: a JVM takes long to get going."""

    lent: Lent[SparkEngine]

    def engine(self) -> SparkEngine:
        """It, running; not to be closed."""
        return self.lent.get()

    def stop(self) -> None:
        """End it, as a process has room for one."""
        self.lent.end()


@pytest.fixture(scope="session")
def lend(request: pytest.FixtureRequest) -> Iterator[Lend]:
    """Makes what tests share for as long as the next of them wants it."""
    all_lent = request.config.stash.setdefault(ALL_LENT, [])

    def lend(
        start: Callable[[], AbstractContextManager[Any]], is_for: Callable[[pytest.Item], bool]
    ) -> Lent[Any]:
        all_lent.append(Lent(start, is_for))
        return all_lent[-1]

    yield lend
    for each in all_lent:
        each.end()


@pytest.fixture(scope="session")
def shared_spark(lend: Lend) -> Spark:
    """Spark as all tests of this process share it, from the first that asks to the last."""
    return Spark(lend(started_spark, shares_spark))


@pytest.fixture(scope="module")
def no_spark(shared_spark: Spark) -> None:
    """Nothing of the shared Spark, for tests that start one of their own in this process."""
    shared_spark.stop()


@pytest.fixture(scope="module", params=[*FAST_ENGINES, "sail", "daft", "spark"])
def engine(request: pytest.FixtureRequest, shared_spark: Spark) -> Iterator[Engine]:
    """Each engine in this process, in turn."""
    if request.param == "spark":
        yield shared_spark.engine()
        return
    started = registry.start(EngineSpec(request.param))
    yield started
    started.close()


Cli = Callable[..., subprocess.CompletedProcess[str]]


def cli_environment(storage: Path, directory: Path) -> dict[str, str]:
    """The shared datasets, and everything else in a directory of the test's own."""
    (directory / "tmp").mkdir(exist_ok=True)
    # the variables of a parallel pytest (its width among them) are no user's, nor is what has
    # each write be seen at once
    foreign = ("NEURALAKE_", "AWS_", "PYTEST_", "COLUMNS", "LINES", "PYTHONUNBUFFERED")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(foreign)}
    return environment | {
        "NEURALAKE_STORAGE_ROOT": str(storage),
        "NEURALAKE_RESULTS_ROOT": str(directory / "results"),
        "NEURALAKE_LOCK_FILE": str(directory / "tmp" / "neuralake-measurement.lock"),
        "TMPDIR": str(directory / "tmp"),
    }


@pytest.fixture
def cli(storage: Path, tmp_path: Path) -> Cli:
    """Run ``neuralake`` as a user does; keyword ``environment`` sets more variables.

    By day it has imported what it needs before it starts (:mod:`tests.workers`).
    """

    def run(
        *arguments: object, environment: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "neuralake", *map(str, arguments)],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env=cli_environment(storage, tmp_path) | dict(environment or {}),
            timeout=300,
            check=False,
        )

    return run


@pytest.fixture
def typed(storage: Path, tmp_path: Path) -> Cli:
    """Type a command as ``cli`` does, in this process, which has imported everything long since.

    Where a process is what matters (how it starts, what it prints when it is ended, what it finds
    on its path, its time zone), it is ``cli``. The engines of a bench have processes anyway.
    """

    def run(
        *arguments: object, environment: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        variables = cli_environment(storage, tmp_path) | dict(environment or {})
        return type_command(list(map(str, arguments)), tmp_path, variables)

    return run


def type_command(
    words: list[str], directory: Path, environment: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run the command line in this process as if it were one of its own."""
    with TemporaryFile("w+") as stdout, TemporaryFile("w+") as stderr:
        with (
            # of its own, as it may leave it and write nowhere
            open(os.dup(stdout.fileno()), "w") as its_stdout,  # noqa: PTH123
            as_a_process(words, directory, environment, its_stdout, stderr),
            pytest.raises(SystemExit) as end,
        ):
            command_line.main()
        for stream in (stdout, stderr):
            stream.seek(0)
        status = int(end.value.code or 0)
        return subprocess.CompletedProcess(words, status, stdout.read(), stderr.read())


@contextmanager
def as_a_process(
    arguments: Sequence[str],
    directory: Path,
    environment: Mapping[str, str],
    stdout: IO[str],
    stderr: IO[str],
) -> Iterator[None]:
    """What a process of its own would have to itself, and what it would leave to nobody."""
    before = {*sys.modules}
    handlers = {number: signal.getsignal(number) for number in ENDING}
    with pytest.MonkeyPatch.context() as patch:
        for name in os.environ.keys() - environment.keys():
            patch.delenv(name)
        for name, value in environment.items():
            patch.setenv(name, value)
        patch.chdir(directory)
        patch.setattr(sys, "argv", ["neuralake", *arguments])
        patch.setattr(sys, "path", [*sys.path])
        writes_none = bool(environment.get("PYTHONDONTWRITEBYTECODE"))
        patch.setattr(sys, "dont_write_bytecode", writes_none)
        patch.setattr(sys, "stdout", stdout)
        patch.setattr(sys, "stderr", stderr)
        try:
            yield
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)
            for name in {*sys.modules} - before:  # a catalog, and what lies beside it
                file = getattr(sys.modules[name], "__file__", None)
                if file is not None and Path(file).is_relative_to(directory):
                    del sys.modules[name]


def is_gone(pid: int) -> bool:
    """Whether a process ends; waits, since the kernel and init take their time."""
    for _ in range(6000):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return True
        if state == "Z":
            return True
        time.sleep(0.05)
    return False
