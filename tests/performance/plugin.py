"""What ``pytest tests/performance`` understands on its command line."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import pytest
from pytest_benchmark.logger import PytestBenchmarkWarning

from neuralake.engines.registry import EngineSpec, parse_specs
from neuralake.errors import NeuralakeError
from neuralake.queries.workload import select_queries
from neuralake.tpch.scale import check_scale_factor
from neuralake.tpch.workload import queries

# The first run of a query takes Spark seconds, whatever the size: all of them would take minutes.
SPARK_QUERIES = ("q01", "q03", "q06", "q13")


@dataclass(frozen=True)
class Choice:
    """What is measured.

    Attributes
    ----------
    engines
        In their order.
    scale_factor
        Of TPC-H.
    queries
        Those that were chosen, or None.
    """

    engines: tuple[EngineSpec, ...]
    scale_factor: float
    queries: tuple[str, ...] | None

    @classmethod
    def of(cls, config: pytest.Config) -> Choice:
        """What the command line says; raises ``UsageError`` if that cannot be."""
        names = config.getoption("--performance-engines").split(",")
        scale_factor = config.getoption("--performance-scale-factor")
        selection = config.getoption("--performance-queries")
        try:
            check_scale_factor(scale_factor)
            engines = parse_specs(
                [name.strip() for name in names], config.getoption("--performance-engine")
            )
            chosen = select_queries(queries(), None if selection == "all" else selection)
        except NeuralakeError as error:
            raise pytest.UsageError(str(error)) from error
        return cls(engines, scale_factor, tuple(q.name for q in chosen) if selection else None)

    def queries_on(self, engine: str) -> tuple[str, ...]:
        """Names of the queries that an engine is to run."""
        default = SPARK_QUERIES if engine == "spark" else tuple(q.name for q in queries())
        return self.queries or default


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options of tests/performance."""
    group = parser.getgroup("performance", "TPC-H under pytest-benchmark (tests/performance)")
    group.addoption(
        "--performance-engines",
        metavar="A,B,…",
        default="polars,datafusion,spark",
        help="Engines, in order. Default: %(default)s",
    )
    group.addoption(
        "--performance-engine",
        metavar="NAME:KEY=VALUE",
        action="append",
        default=[],
        help="A setting of an engine; may be given several times.",
    )
    group.addoption(
        "--performance-queries",
        metavar="1,6,9-12",
        help="Queries, or all. Default: all, but on Spark 1,3,6,13",
    )
    group.addoption(
        "--performance-scale-factor",
        metavar="S",
        type=float,
        default=0.01,
        help="TPC-H scale factor. Default: %(default)s, about 10 MB of raw data.",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Refuse what cannot be before anything is collected."""
    Choice.of(config)
    # That a baseline is absent or another machine's is said while pytest configures itself, where
    # an error would be one of pytest's own. The filter ends with the configuration.
    warnings.simplefilter("default", PytestBenchmarkWarning)


def pytest_benchmark_update_machine_info(machine_info: dict[str, Any]) -> None:
    """The clock rate of the moment is left out: by it, a machine would differ from itself."""
    for key in ("hz_actual", "hz_actual_friendly"):
        machine_info["cpu"].pop(key, None)
