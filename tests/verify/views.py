"""Views of tables, and a table of a database, as a catalog declares them."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import deltalake
import pyarrow as pa
import pyarrow.parquet as pq

CATALOG = """
import pyarrow as pa
from neuralake.catalog import AdbcTable, Column, DeltaTable, ParquetTable

I64 = pa.int64()
STORED = (Column("id", I64, nullable=False), Column("n", I64))
doubled = DeltaTable(
    name="doubled", location="rows", primary_key=("id",),
    columns=(Column("id", I64), STORED[1], Column("double", I64, expression="n * 2")))
grown = ParquetTable(
    name="grown", location="files", columns=STORED, primary_key=("id",), missing_columns="null")
newest = DeltaTable(name="newest", location="rows").latest("n", key="id")
bought = AdbcTable(
    name="bought", driver="sqlite", database="shop.db", columns=STORED[1:])
"""
ROWS_OF_VIEWS = {"doubled": 3, "grown": 6, "newest": 3, "bought": 3}


def make_views(catalog: Path, root: Path) -> None:
    """Write the catalog, and its tables below a storage root."""
    rows = pa.table({"id": [1, 2, 3], "n": [5, None, 7]})
    deltalake.write_deltalake(root / "rows", rows)
    (root / "files").mkdir()
    pq.write_table(rows.select(["id"]), root / "files/a.parquet")
    pq.write_table(rows.set_column(0, "id", [[4, 5, 6]]), root / "files/b.parquet")
    with closing(sqlite3.connect(root / "shop.db")) as database, database:
        database.execute("CREATE TABLE bought (n INTEGER)")
        database.execute("INSERT INTO bought VALUES (1), (2), (NULL)")
    catalog.write_text(CATALOG)
