"""The fixture ``neuralake_query``: each query of a workload, on each engine, as a test.

pytest loads this in every environment that has Neuralake (entry point ``pytest11``), so that it
imports nothing of it before a test asks for the fixture.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pytest

if TYPE_CHECKING:
    import pyarrow as pa

    from neuralake.engines.registry import EngineSpec
    from neuralake.queries.query import Query
    from neuralake.queries.workload import Workload
    from neuralake.under_pytest.judge import Judge, OpenEngine

FIXTURE = "neuralake_query"
_ENGINES = "polars,datafusion"
_ROUNDS = 7
_OPTIONS = (
    ("workload", "DIR", "directory of SQL files"),
    ("catalog", "FILE|MODULE", "their tables; by default catalog.py in that directory"),
    ("engines", "A,B,…", f"engines, in order; by default {_ENGINES}"),
    ("queries", "1,6,9-12", "numbers or names of queries; by default all"),
    ("rounds", "N", f"timed executions of each query on each engine; by default {_ROUNDS}"),
)


class NeuralakeQuery(Protocol):
    """What the fixture gives."""

    def __call__(self) -> pa.Table:
        """Measure the query under pytest-benchmark; returns its answer.

        Raises
        ------
        AssertionError
            If the engine answers otherwise than another one did, or than it did before.
        """


@dataclass(frozen=True)
class Choice:
    """What is measured: of the command line, or of pytest's configuration file."""

    workload: Path
    catalog: str | None
    engines: tuple[EngineSpec, ...]
    queries: tuple[Query, ...]
    rounds: int

    @classmethod
    def of(cls, config: pytest.Config) -> Choice:
        """Read it; raises pytest's ``CollectError`` if it cannot be."""
        from neuralake.engines.registry import parse_specs
        from neuralake.errors import NeuralakeError
        from neuralake.lists import names_in
        from neuralake.queries.query import load_queries
        from neuralake.queries.workload import select_queries

        directory = _path(config, "workload")
        if directory is None:
            raise pytest.Collector.CollectError(
                f"{FIXTURE} has no workload: set neuralake_workload in pytest's configuration, "
                "or give --neuralake-workload DIR"
            )
        catalog = _value(config, "catalog")
        if catalog is not None and catalog.endswith(".py"):
            catalog = str(_path(config, "catalog"))
        rounds = _value(config, "rounds") or str(_ROUNDS)
        if not rounds.isdecimal() or int(rounds) < 1:
            raise pytest.Collector.CollectError(
                f"neuralake_rounds is {rounds!r}: expected 1 or more"
            )
        names = names_in(_value(config, "engines") or _ENGINES)
        try:
            engines = parse_specs(names, config.getoption("--neuralake-engine"))
            queries = select_queries(load_queries(directory), _value(config, "queries"))
        except NeuralakeError as error:
            raise pytest.Collector.CollectError(str(error)) from error
        return cls(directory, catalog, engines, queries, int(rounds))


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options of the command line, and the same in the configuration file."""
    group = parser.getgroup("neuralake", f"queries under pytest-benchmark (fixture {FIXTURE})")
    for name, metavar, meaning in _OPTIONS:
        group.addoption(f"--neuralake-{name}", metavar=metavar, help=meaning)
        parser.addini(f"neuralake_{name}", f"{meaning} (fixture {FIXTURE})", default=None)
    group.addoption(
        "--neuralake-engine",
        metavar="NAME:KEY=VALUE",
        action="append",
        default=[],
        help="a setting of an engine; may be given several times",
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test for each engine and query, an engine after the other."""
    if FIXTURE not in metafunc.fixturenames:
        return
    if not metafunc.config.pluginmanager.hasplugin("benchmark"):
        raise pytest.Collector.CollectError(
            f"{FIXTURE} needs pytest-benchmark: pip install 'neuralake-bench[pytest]'"
        )
    choice = Choice.of(metafunc.config)
    engines = [spec.name for spec in choice.engines]
    metafunc.parametrize("_neuralake_engine", engines, indirect=True, scope="session")
    names = [query.name for query in choice.queries]
    metafunc.parametrize("_neuralake_name", names, indirect=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """No garbage is collected while a query runs, as in ``neuralake bench``."""
    for item in items:
        if FIXTURE in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.benchmark(disable_gc=True))


@pytest.fixture(scope="session")
def neuralake_workload(pytestconfig: pytest.Config) -> Workload:
    """The workload that is measured."""
    from neuralake.config import Settings
    from neuralake.errors import NeuralakeError
    from neuralake.queries.directory import open_directory

    choice = Choice.of(pytestconfig)
    try:
        settings = Settings.from_environ(os.environ)
        return open_directory(choice.workload, choice.catalog, settings)
    except NeuralakeError as error:
        pytest.fail(str(error), pytrace=False)


@pytest.fixture(scope="session")
def _neuralake_judge(neuralake_workload: Workload) -> Judge:
    """One judge for all engines, so that they can be compared."""
    from neuralake.under_pytest.judge import Judge

    return Judge(neuralake_workload)


@pytest.fixture(scope="session")
def _neuralake_engine(
    request: pytest.FixtureRequest, neuralake_workload: Workload
) -> Iterator[OpenEngine]:
    """An engine, started once for all queries."""
    from neuralake.errors import NeuralakeError
    from neuralake.under_pytest.engine import open_engine

    choice = Choice.of(request.config)
    (spec,) = (spec for spec in choice.engines if spec.name == request.param)
    try:
        with open_engine(spec, neuralake_workload, choice.queries) as engine:
            yield engine
    except NeuralakeError as error:
        pytest.fail(str(error), pytrace=False)


@pytest.fixture
def _neuralake_name(request: pytest.FixtureRequest) -> str:
    """Name of the query."""
    return str(request.param)


@pytest.fixture
def neuralake_query(
    request: pytest.FixtureRequest,
    neuralake_workload: Workload,
    _neuralake_engine: OpenEngine,
    _neuralake_name: str,
    _neuralake_judge: Judge,
) -> NeuralakeQuery:
    """One query on one engine: a call measures it under pytest-benchmark, and returns its answer.

    Its test is run for each query of the workload on each engine. A wrong answer fails the test.
    """
    from neuralake.under_pytest.judge import measure

    benchmark: Any = request.getfixturevalue("benchmark")
    (query,) = (q for q in neuralake_workload.queries if q.name == _neuralake_name)
    rounds = Choice.of(request.config).rounds

    def call() -> pa.Table:
        return measure(benchmark, _neuralake_engine, query, _neuralake_judge, rounds=rounds)

    return call


def _option(config: pytest.Config, name: str) -> str | None:
    """What the command line says; a variable that is not set is no choice of the default."""
    given: str | None = config.getoption(f"--neuralake-{name}")
    if given is not None and not given.strip():
        raise pytest.Collector.CollectError(f"--neuralake-{name} is empty: expected a value")
    return given


def _value(config: pytest.Config, name: str) -> str | None:
    return _option(config, name) or config.getini(f"neuralake_{name}") or None


def _path(config: pytest.Config, name: str) -> Path | None:
    """A path: of the command line from where one stands, of the file from where that lies."""
    from neuralake.config import expanded
    from neuralake.errors import NeuralakeError

    given = _option(config, name)
    written = given or config.getini(f"neuralake_{name}")
    if not written:
        return None
    try:
        return (config.invocation_params.dir if given else config.rootpath) / expanded(written)
    except NeuralakeError as error:
        raise pytest.Collector.CollectError(str(error)) from error
