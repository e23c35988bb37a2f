"""What the writer writes is Delta as others understand it: each reads what was appended."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import delta_kernel_rust_sharing_wrapper as kernel
import pyarrow as pa
import pytest

from neuralake.catalog.tables import DeltaTable
from neuralake.engines.protocol import Engine
from neuralake.queries.answers import Answer, compare
from neuralake.queries.query import parse_query
from tests.engines.sessions import SessionOf, sessions_when_asked
from tests.writer.tables import CASES

EVERYTHING = parse_query("everything", "SELECT * FROM t")
# Of Spark by default: what the log says in other ways than of a plain table; partitions it reads
# where upkeep has gone over them (test_upkept_for_others.py)
OF_SPARK = ("every type", "columns mapped by name")


@dataclass(frozen=True)
class Written:
    """A table that the writer appended to."""

    name: str
    path: Path
    rows: pa.Table


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Written]:
    """A table of each kind."""
    root = tmp_path_factory.mktemp("written")
    return {
        case: Written(f"t{number}", root / f"t{number}", make(root / f"t{number}"))
        for number, (case, make) in enumerate(CASES.items())
    }


@pytest.fixture(scope="module")
def session_of(engine: Engine, written: dict[str, Written]) -> Iterator[SessionOf]:
    """The tables, as an engine in this process opens them."""
    tables = [DeltaTable(name=t.name, location=str(t.path)) for t in written.values()]
    with sessions_when_asked(engine, {table.name: table for table in tables}) as session_of:
        yield session_of


def assert_same(found: pa.Table, expected: pa.Table) -> None:
    mismatch = compare(Answer.of(found), Answer.of(expected), EVERYTHING)
    assert mismatch is None, f"{mismatch}\n{found}"


@pytest.mark.more_of("spark", "sail", "daft", but=OF_SPARK)
@pytest.mark.parametrize("case", CASES)
def test_an_engine_reads_what_was_appended(
    session_of: SessionOf, written: dict[str, Written], case: str
) -> None:
    table = written[case]
    session = session_of(table.name)
    assert_same(session.execute(f"SELECT * FROM {table.name}"), table.rows)
    first = table.rows.column_names[0]
    values = table.rows.column(first).to_pylist()
    if values and isinstance(values[-1], int):  # files are left out by their statistics
        query = f'SELECT COUNT(*) AS n FROM {table.name} WHERE "{first}" = {values[-1]}'
        assert session.execute(query).column(0)[0].as_py() == values.count(values[-1])


@pytest.mark.parametrize("case", CASES)
def test_delta_kernel_reads_what_was_appended(written: dict[str, Written], case: str) -> None:
    assert_same(read_by_kernel(written[case].path), written[case].rows)


@pytest.mark.parametrize("case", CASES)
def test_the_log_counts_the_rows(written: dict[str, Written], case: str) -> None:
    table = DeltaTable(name="t", location=str(written[case].path))
    assert table.rows() == table.contents().rows == written[case].rows.num_rows


def read_by_kernel(table: Path) -> pa.Table:
    """The rows that delta-kernel reads."""
    uri = table.as_uri()
    interface = kernel.PythonInterface(uri)
    scan = kernel.ScanBuilder(kernel.Table(uri).snapshot(interface)).build()
    return pa.table(scan.execute(interface).read_all())
