"""Measure what reading through Delta Lake costs over reading the same files bare.

The harness runs each query over the Delta tables and over their Parquet files, alternating.

    python -m benchmarks.fidelity.delta_overhead --engine datafusion --dataset data/tpch/sf1
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path

from benchmarks.fidelity.pairs import HarnessArm, Terms, interleave, report
from neuralake.catalog.tables import ParquetTable, Table
from neuralake.config import Settings
from neuralake.engines.registry import EngineSpec
from neuralake.queries.workload import select_queries
from neuralake.tpch.dataset import open_workload

OPTIONS = {"spark": {"memory": "4g"}}  # two JVMs at once


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engine", required=True)
    parser.add_argument("--dataset", required=True)
    parser.add_argument("--queries", default=None, help="such as 1,6,9-12")
    Terms.add_to(parser)
    arguments = parser.parse_args()
    settings = Settings.from_environ(os.environ)
    workload = open_workload(str(Path(arguments.dataset).absolute()), settings)
    spec = EngineSpec(arguments.engine, OPTIONS.get(arguments.engine, {}))
    with tempfile.TemporaryDirectory() as directory:
        parquet = {
            name: _bare(table, Path(workload.dataset_uri) / name, Path(directory) / name)
            for name, table in workload.tables.items()
        }
        pairs = interleave(
            lambda: (HarnessArm(spec, workload.tables), HarnessArm(spec, parquet)),
            select_queries(workload.queries, arguments.queries),
            names=("delta", "parquet"),
            one_process=False,
            terms=Terms.of(arguments),
        )
    report(pairs)


def _bare(table: Table, source: Path, directory: Path) -> ParquetTable:
    """The same files in a directory without a transaction log."""
    directory.mkdir()
    for file in source.glob("*.parquet"):
        (directory / file.name).symlink_to(file)
    return ParquetTable(name=table.name, columns=table.columns, location=str(directory))


if __name__ == "__main__":
    main()
