from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from neuralake.catalog.tables import DeltaTable
from neuralake.tpch.generate import generate
from neuralake.tpch.layout import Layout
from neuralake.tpch.manifest import Manifest
from neuralake.tpch.tables import at


@dataclass(frozen=True)
class Generated:
    """A dataset that tests read and do not change."""

    path: Path
    manifest: Manifest

    @property
    def tables(self) -> dict[str, DeltaTable]:
        return at(str(self.path), {})


@pytest.fixture(scope="session")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Generated:
    """Scale factor 0.01, three files a table, several row groups a file."""
    path = tmp_path_factory.mktemp("tpch") / "sf0.01"
    layout = Layout(files_per_table=3, row_group_bytes=2**20)
    return Generated(path, generate(0.01, str(path), layout=layout))
