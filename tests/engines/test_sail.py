"""Sail: its server, what it is told, and names in its SQL."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import deltalake
import pytest

from neuralake.engines.registry import EngineSpec, resolve, start
from neuralake.engines.sail.engine import with_backticks
from neuralake.engines.sail.options import SailOptions, as_variables, sail_config
from neuralake.engines.writing import writes_of
from neuralake.errors import EngineError, UnsupportedWriteError
from tests.engines.changes import at, row, stage, table_of


def listening() -> set[str]:
    """Local addresses, of IPv4 and IPv6, on which this process's sockets wait."""
    own = {str(link.readlink()) for link in Path("/proc/self/fd").iterdir() if link.is_symlink()}
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/self/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and f"socket:[{fields[9]}]" in own:
                found.add(fields[1].rpartition(":")[0])
    return found


@pytest.fixture
def foreign(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A shell in which another Sail is configured."""
    monkeypatch.setenv("SAIL_MODE", "kubernetes-cluster")
    monkeypatch.setenv("SPARK_REMOTE", "sc://localhost:1")
    yield
    assert os.environ["SAIL_MODE"] == "kubernetes-cluster"


@pytest.mark.usefixtures("foreign")
def test_its_server_is_in_this_process_and_heard_by_this_machine_alone() -> None:
    before = listening()
    engine = start(EngineSpec("sail", {"execution.batch_size": "4096", "threads": "1"}))
    assert listening() - before <= {"0100007F"}
    assert {engine.settings[k] for k in ("threads", "execution.batch_size")} == {1, "4096"}
    assert set(engine.versions()) == {"pysail", "pyspark", "deltalake"}
    session = engine.open({})
    assert session.execute('SELECT 1 AS "an ""x"""').to_pylist() == [{'an "x"': 1}]
    assert "PlaceholderRowExec" in session.explain("SELECT 1 AS x")
    session.close()
    engine.close()
    assert listening() == before


def test_a_setting_that_sail_does_not_know_is_told() -> None:
    with pytest.raises(EngineError, match=r"sail: .*unknown field: found `nonsense`"):
        start(EngineSpec("sail", {"execution.nonsense": "1"}))


@pytest.mark.parametrize(
    ("options", "message"),
    [({"threads": "-1"}, "sail: threads is -1"), ({"memory": "lots"}, "unbounded or auto")],
)
def test_a_mistake_is_told_before_anything_starts(options: dict[str, str], message: str) -> None:
    with pytest.raises(EngineError, match=message):
        start(EngineSpec("sail", options))


def test_the_pool_keeps_within_a_limit(tmp_path: Path) -> None:
    limited = resolve(EngineSpec("sail"), 4 << 30)
    assert limited.options == {"memory": f"{1984 << 20}b"}
    variables = as_variables(sail_config(SailOptions(memory=limited.options["memory"]), tmp_path))
    assert variables["SAIL_RUNTIME__MEMORY_POOL__TYPE"] == "fair"
    assert variables["SAIL_RUNTIME__MEMORY_POOL__FAIR__MAX_SIZE"] == str(1984 << 20)
    assert variables["SAIL_RUNTIME__TEMPORARY_FILES__PATHS"] == f'["{tmp_path}"]'


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ('SELECT "Order Id" FROM t', "SELECT `Order Id` FROM t"),
        ('SELECT \'say "x"\' -- "c"', 'SELECT \'say "x"\' -- "c"'),
        ('SELECT "a""b`c", `d`', 'SELECT `a"b``c`, `d`'),
    ],
)
def test_names_in_double_quotes_are_names(sql: str, expected: str) -> None:
    assert with_backticks(sql) == expected


def test_a_table_of_which_it_may_not_keep_something_is_not_written(tmp_path: Path) -> None:
    engine = start(EngineSpec("sail"))
    writes: Any = writes_of(engine)
    for name, properties in (
        ("changes", {"delta.enableChangeDataFeed": "true"}),
        ("vectors", {"delta.enableDeletionVectors": "true"}),
    ):
        table = at(tmp_path, name)
        deltalake.write_deltalake(table.uri, table_of([row(1)]), configuration=properties)
        with pytest.raises(UnsupportedWriteError, match=f"{name}: delete: Sail is not known to ke"):
            writes.delete(table, "id = 1")
        assert deltalake.DeltaTable(table.uri).version() == 0
    table = at(tmp_path, "checked")
    deltalake.write_deltalake(table.uri, table_of([row(1)]))
    deltalake.DeltaTable(table.uri).alter.add_constraint({"few": "id < 10"})
    with pytest.raises(UnsupportedWriteError, match=r"checked: append: Sail is not known to keep"):
        writes.append(table, stage(tmp_path / "more", [row(20)]))
    engine.close()
