"""Tables of one's own on S3, and what is asked of each of them on every engine."""

from __future__ import annotations

import deltalake
import pyarrow as pa
import pyarrow.parquet as pq

from neuralake.catalog.tables import DeltaTable, ParquetTable, Table
from neuralake.config import Settings
from neuralake.storage import filesystem
from tests.s3.conftest import Place

ROWS = pa.table(
    {
        "k": pa.array(range(400), pa.int64()),
        "day": pa.array(["a b", "c/d", "e=f", "100%"] * 100),
        "x": pa.array([n / 7 for n in range(400)]),
    }
)
# What each has: its rows, the sum of their keys, and days
COUNTED = {
    "parts": {"n": 400, "s": 79800, "d": 4},
    "several": {"n": 360, "s": 79800 - sum(range(3, 400, 10)), "d": 4},
    "plain": {"n": 400, "s": 79800, "d": 4},
}


def counting(name: str) -> str:
    """What has one of :data:`COUNTED` as its answer."""
    return f"SELECT count(*) AS n, sum(k) AS s, count(DISTINCT day) AS d FROM {name}"


def write_tables(place: Place) -> dict[str, Table]:
    """Partitioned with values of any kind, with deleted rows, in several files, and plain."""
    options = place.options
    for name, by in (("parts", ["day"]), ("several", None)):
        for half in (ROWS.slice(0, 200), ROWS.slice(200)):
            deltalake.write_deltalake(
                f"{place.uri}/{name}",
                half,
                mode="append",
                partition_by=by,
                storage_options=options,
            )
    deltalake.DeltaTable(f"{place.uri}/several", storage_options=options).delete("k % 10 = 3")
    for number in range(2):
        system, path = filesystem(f"{place.uri}/plain/part {number} é.parquet", options)
        pq.write_table(ROWS.slice(number * 200, 200), path, filesystem=system)
    settings = Settings.from_environ(place.environ)
    made: list[Table] = [
        DeltaTable(name="parts", location="parts").resolve(settings),
        DeltaTable(name="several", location="several").resolve(settings),
        ParquetTable(name="plain", location="plain").resolve(settings),
    ]
    return {table.name: table for table in made}
