"""Check that a latency which Neuralake reports is the engine's own.

For one engine the harness and a bare loop of 15 lines (``bare_<engine>.py``: same engine, same
settings, same files, no import of Neuralake) run the same queries, alternating; the geometric mean
of the ratios should be 1.00 ± 0.02.

    python -m benchmarks.fidelity.hot_loop --engine polars --dataset data/tpch/sf1

Two JVMs of the same code differ by more than a few pairs can average out. With `--same-process` the
loop runs beside the harness in one process, on the same session: what is left then is what the
harness adds to an execution, and no more.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.fidelity.beside import BareExecutor, BesideArm
from benchmarks.fidelity.pairs import Arm, BareArm, HarnessArm, Terms, interleave, report
from neuralake.config import Settings
from neuralake.engines.registry import EngineSpec
from neuralake.queries.workload import Workload, select_queries
from neuralake.tpch.dataset import open_workload

HERE = Path(__file__).parent
OPTIONS = {"spark": {"memory": "4g"}}  # two JVMs at once


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engine", choices=["polars", "datafusion", "spark"], required=True)
    parser.add_argument("--dataset", required=True)
    parser.add_argument("--queries", default=None, help="such as 1,6,9-12")
    Terms.add_to(parser)
    parser.add_argument("--same-process", action="store_true")
    arguments = parser.parse_args()
    settings = Settings.from_environ(os.environ)
    workload = open_workload(str(Path(arguments.dataset).absolute()), settings)
    queries = select_queries(workload.queries, arguments.queries)
    make_arms = _arms_in_one_process if arguments.same_process else _arms
    pairs = interleave(
        lambda: make_arms(arguments.engine, workload),
        queries,
        names=("harness", "bare loop"),
        one_process=arguments.same_process,
        terms=Terms.of(arguments),
    )
    report(pairs)


def _arms(engine: str, workload: Workload) -> tuple[Arm, Arm]:
    spec = EngineSpec(engine, OPTIONS.get(engine, {}))
    bare = BareArm(HERE / f"bare_{engine}.py", workload.dataset_uri, *_settings_of(engine))
    return HarnessArm(spec, workload.tables), bare


def _arms_in_one_process(engine: str, workload: Workload) -> tuple[Arm, Arm]:
    target = f"{BareExecutor.__module__}:{BareExecutor.__name__}"
    harness = HarnessArm(EngineSpec(engine), workload.tables, target)
    return harness, BesideArm(harness)


def _settings_of(engine: str) -> Sequence[str]:
    """Spark's settings as the harness makes them, but for the heap and its own directories."""
    if engine != "spark":
        return []
    from neuralake.engines.spark.conf import spark_conf
    from neuralake.engines.spark.jars import delta_jars
    from neuralake.engines.spark.options import SparkOptions

    conf = spark_conf(
        SparkOptions(memory="4g"), delta_jars(os.environ), Path(tempfile.gettempdir())
    )
    own = ("spark.master", "spark.driver.memory", "spark.driver.defaultJavaOptions")
    return [f"{key}={value}" for key, value in conf.items() if key not in own]


if __name__ == "__main__":
    main()
