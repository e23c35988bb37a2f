from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, write_deltalake

from neuralake.catalog import delta
from neuralake.tpch.refresh.checks import table_totals
from neuralake.tpch.refresh.stage import stage
from neuralake.tpch.refresh.staged import RefreshSet, Staged, StagedFile, Totals
from neuralake.tpch.tables import at

# Among them orders that the official answers of Q3 (8, 796) and Q18 (115, 487) show
SETS = (1, 8, 115, 487, 796, 999)


@dataclass(frozen=True)
class Sets:
    """Refresh sets of the dataset of scale factor 0.01, with the totals of its fresh tables."""

    dataset: Path
    staged: Staged
    fresh: Totals


@dataclass(frozen=True)
class Lake:
    """A copy of the dataset that a test changes."""

    path: Path

    @property
    def tables(self) -> dict[str, delta.DeltaTable]:
        return at(str(self.path), {})

    def insert(self, one: RefreshSet) -> None:
        """RF1."""
        for file in (one.orders, one.lineitem):
            write_deltalake(str(self.path / file.table), pq.read_table(file.path), mode="append")

    def delete(self, one: RefreshSet) -> None:
        """RF2."""
        for file in (one.deleted_lineitem, one.deleted_orders):
            self.delete_keys(file)

    def delete_keys(self, file: StagedFile) -> None:
        """The rows of one table that have these keys."""
        (key,) = file.columns
        keys = pq.read_table(file.path).column(key).to_pylist()
        DeltaTable(self.path / file.table).delete(f"{key} IN ({', '.join(map(str, keys))})")

    def replace(self, one: RefreshSet) -> None:
        """A pair of RF1 and RF2."""
        self.insert(one)
        self.delete(one)


@pytest.fixture(scope="session")
def sets(dataset_sf001: Path, tmp_path_factory: pytest.TempPathFactory) -> Sets:
    staged = stage(str(dataset_sf001), SETS, tmp_path_factory.mktemp("refresh") / "sets")
    tables = at(str(dataset_sf001), {})
    return Sets(dataset_sf001, staged, table_totals(tables["orders"], tables["lineitem"]))


@pytest.fixture
def lake(sets: Sets, tmp_path: Path) -> Lake:
    return copied(sets.dataset, tmp_path / "lake")


def copied(dataset: Path, path: Path) -> Lake:
    return Lake(Path(shutil.copytree(dataset, path)))
