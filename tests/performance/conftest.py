"""One started engine at a time, with the tables of one dataset, and a judge of its answers."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from neuralake.config import Settings
from neuralake.engines import registry
from neuralake.queries.query import Query
from neuralake.queries.workload import Workload
from neuralake.tpch.dataset import dataset_uri, open_workload
from neuralake.tpch.generate import generate
from neuralake.tpch.workload import queries
from neuralake.under_pytest.engine import open_engine
from neuralake.under_pytest.judge import Judge, OpenEngine
from tests.conftest import OFFICIAL
from tests.performance.plugin import Choice

HERE = Path(__file__).parent


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """The queries on each engine, an engine after the other; the size stands in the name."""
    if "query" not in metafunc.fixturenames:
        return
    choice = Choice.of(metafunc.config)
    size = f"sf{choice.scale_factor:g}"
    engines = [spec.name for spec in choice.engines]
    names = [query.name for query in queries()]
    metafunc.parametrize("workload", [choice.scale_factor], ids=[size], indirect=True)
    metafunc.parametrize("engine", engines, indirect=True)
    metafunc.parametrize("query", names, indirect=True)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the queries that an engine is not to run."""
    choice = Choice.of(config)

    def is_left_out(item: pytest.Item) -> bool:
        values = getattr(getattr(item, "callspec", None), "params", {})
        return (
            item.path.parent == HERE
            and "query" in values
            and values["query"] not in choice.queries_on(values["engine"])
        )

    left_out = [item for item in items if is_left_out(item)]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


@pytest.fixture(scope="module")
def workload(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Workload:
    """TPC-H at the scale factor: the small one for this run, others in the user's storage root."""
    scale_factor: float = request.param
    environ = {"NEURALAKE_STORAGE_ROOT": str(tmp_path_factory.mktemp("performance"))}
    settings = Settings.from_environ(environ if scale_factor == OFFICIAL else os.environ)
    uri = dataset_uri(settings, scale_factor)
    generate(scale_factor, uri)
    return open_workload(uri, settings)


@pytest.fixture
def query(request: pytest.FixtureRequest, workload: Workload) -> Query:
    """One query of the workload, by its name."""
    (found,) = (query for query in workload.queries if query.name == request.param)
    return found


@pytest.fixture(scope="module")
def engine(request: pytest.FixtureRequest, workload: Workload) -> Iterator[OpenEngine]:
    """An engine, started once for all queries and alone while it runs."""
    choice = Choice.of(request.config)
    (spec,) = (s for s in choice.engines if s.name == request.param)
    reason = registry.engine_type(spec.name).unavailable()
    if reason is not None:
        pytest.skip(reason)
    names = choice.queries_on(spec.name)
    queries = [query for query in workload.queries if query.name in names]
    with open_engine(spec, workload, queries) as engine:
        yield engine


@pytest.fixture(scope="module")
def judge(workload: Workload) -> Judge:
    """One judge for all engines, so that they can be compared."""
    return Judge(workload)
