"""What a command has loaded when it starts its work: itself, and not what others need."""

from __future__ import annotations

import subprocess
import sys

import pytest

from neuralake import catalog
from neuralake.catalog.delta import DeltaTable
from neuralake.catalog.function import table
from neuralake.cli import cli

# What processes that make a dataset, or list tables, do without, by the statement after
# which it is not there.
_NOT_LOADED = """
import sys
from neuralake.cli import cli
cli.commands["generate"]
print([name for name in sys.modules if name in ("neuralake.cli.bench", "neuralake.cli.serve")])
import neuralake.tpch.generate
print([name for name in sys.modules if name.split(".")[0] in ("pyarrow", "numpy", "msgspec")])
from neuralake.tpch.tpchgen import Tpchgen
Tpchgen.installed()
print([name for name in sys.modules if name in ("importlib.metadata", "random", "socket")])
import neuralake.tpch.commit, neuralake.tpch.tables
slow = ("pyarrow.compute", "neuralake.catalog.adbc", "neuralake.catalog.function", "deltalake")
print([name for name in sys.modules if name in slow])
import neuralake.report.listings
others = ("neuralake.results.store", "neuralake.engines.registry")
print([name for name in sys.modules if name in others])
"""


def test_generating_loads_nothing_of_others() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _NOT_LOADED], check=True, capture_output=True, text=True
    )
    assert done.stdout.splitlines() == ["[]"] * 5


def test_every_command_is_found_by_its_name() -> None:
    assert {name: command.name for name, command in cli.commands.items()} == {
        name: name for name in cli.commands
    }
    assert all(command.callback is not None for command in cli.commands.values())
    assert "generate" in cli.commands and "nothing" not in cli.commands


def test_every_name_of_the_catalog_is_there() -> None:
    for name in catalog.__all__:
        assert getattr(catalog, name) is not None
    assert catalog.DeltaTable is DeltaTable and catalog.table is table
    assert set(catalog.__all__) <= set(dir(catalog))
    with pytest.raises(AttributeError, match="'nothing'"):
        _ = catalog.nothing  # type: ignore[attr-defined]
