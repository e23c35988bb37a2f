"""Random Delta tables, written step by step as their users write them, and by hand.

Three writers: deltalake (append, added columns, overwrite, delete, compact), Spark (the same, with
deletion vectors, renamed, dropped and widened columns), and pyarrow and Polars, which write Parquet
files without a log, in row groups of any size and encodings of any kind.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import deltalake
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from deltalake.exceptions import DeltaError

from benchmarks.agreement.values import FLOATS, INTEGERS, MOMENT, SCALARS, Kind, nested, values
from neuralake.catalog.tables import DeltaTable, ParquetTable

NAME = "t"
_SPARK_NAMES = {
    pa.int8(): "TINYINT",
    pa.int16(): "SMALLINT",
    pa.int32(): "INT",
    pa.int64(): "BIGINT",
    pa.float64(): "DOUBLE",
}


@dataclass
class Made:
    """A table as it was made.

    Attributes
    ----------
    location
        Its directory.
    columns
        Kinds by name, of the newest schema.
    partition_by
        Partition columns.
    steps
        What was done, in words.
    """

    location: Path
    columns: dict[str, Kind]
    partition_by: list[str] = field(default_factory=list)
    steps: list[str] = field(default_factory=list)
    is_delta: bool = True

    @property
    def table(self) -> DeltaTable | ParquetTable:
        """As a catalog declares it."""
        declare = DeltaTable if self.is_delta else ParquetTable
        return declare(name=NAME, location=str(self.location))

    def rows(self, random: Random, names: list[str] | None = None) -> pa.Table:
        """Up to 20 random rows."""
        names = list(self.columns) if names is None else names
        count = random.choice([0, 1, random.randint(2, 20)])
        kinds = [self.columns[name] for name in names]
        arrays = [pa.array(values(kind, random, count), kind.type) for kind in kinds]
        return pa.table(arrays, schema=pa.schema([(n, self.columns[n].type) for n in names]))


def random_columns(random: Random) -> dict[str, Kind]:
    """Two to six columns; the first is a number."""
    kinds = [random.choice(INTEGERS)]
    kinds += [
        nested(random) if random.random() < 0.15 else random.choice(SCALARS)
        for _ in range(random.randint(1, 5))
    ]
    names = ["id", *random.sample(["a", "b b", "C", "d_1", "é", "select", "x.y"], len(kinds) - 1)]
    return dict(zip(names, kinds, strict=True))


def by_deltalake(location: Path, random: Random) -> Made:
    """A table that deltalake wrote."""
    made = Made(location, random_columns(random))
    able = [name for name, kind in made.columns.items() if kind.partitions and name != "id"]
    made.partition_by = random.sample(able, random.randint(0, min(2, len(able))))
    _append(made, random)
    steps: list[Callable[[Made, Random], None]] = [_append, _add_column, _overwrite, _delete]
    for _ in range(random.randint(0, 4)):
        step = random.choice([_append, *steps, _compact])
        before = dict(made.columns), list(made.partition_by)
        try:
            step(made, random)
        except DeltaError as error:  # the table stays as it was
            made.columns, made.partition_by = before
            made.steps.append(f"{step.__name__.strip('_')} refused: {error}")
    return made


def by_parquet(location: Path, random: Random) -> Made:
    """Parquet files of the same columns, each in its own order and encodings."""
    made = Made(location, random_columns(random), is_delta=False)
    location.mkdir()
    for number in range(random.randint(1, 3)):
        rows = made.rows(random)
        rows = rows.select(random.sample(rows.column_names, rows.num_columns))
        place = location / f"{number}.parquet"
        if random.random() < 0.2:
            pl.DataFrame(rows).write_parquet(place, row_group_size=random.choice([None, 2]))
            writer = "polars"
        else:
            rows = _encoded(rows, random)
            options = {
                "row_group_size": random.choice([1, 2, 5, 100]),
                "use_dictionary": random.random() < 0.5,
                "version": random.choice(["1.0", "2.6"]),
                "write_statistics": random.random() < 0.9,
                "write_page_index": random.random() < 0.3,
                "store_schema": random.random() < 0.7,
                "use_deprecated_int96_timestamps": random.random() < 0.2,
            }
            pq.write_table(rows, place, **options)
            writer = ", ".join(f"{key}={value}" for key, value in options.items())
        made.steps.append(f"{rows.num_rows} of {', '.join(map(str, rows.schema.types))}: {writer}")
    return made


def _encoded(rows: pa.Table, random: Random) -> pa.Table:
    """The same rows, some strings and numbers in other encodings."""
    for i, kind in enumerate(rows.schema.types):
        if pa.types.is_string(kind) and random.random() < 0.4:
            other = random.choice(
                [pa.large_string(), pa.string_view(), pa.dictionary(pa.int32(), kind)]
            )
            rows = rows.set_column(i, rows.column_names[i], rows.column(i).cast(other))
    return rows


def _append(made: Made, random: Random) -> None:
    rows = made.rows(random)
    if random.random() < 0.3:
        rows = rows.select(random.sample(rows.column_names, rows.num_columns))
    if random.random() < 0.3:
        kinds = [random.choice([pa.large_string(), pa.string_view()]) for _ in rows.schema]
        plain = zip(rows.schema, kinds, strict=True)
        fields = [f.with_type(k) if pa.types.is_string(f.type) else f for f, k in plain]
        rows = rows.cast(pa.schema(fields))
    deltalake.write_deltalake(
        str(made.location), rows, mode="append", partition_by=made.partition_by or None
    )
    made.steps.append(f"append {rows.num_rows} of {', '.join(map(str, rows.schema.types))}")


def _add_column(made: Made, random: Random) -> None:
    name = f"new{len(made.columns)}"
    made.columns[name] = random.choice(SCALARS)
    deltalake.write_deltalake(
        str(made.location),
        made.rows(random),
        mode="append",
        schema_mode="merge",
        partition_by=made.partition_by or None,
    )
    made.steps.append(f"add column {name} {made.columns[name].type}")


def _overwrite(made: Made, random: Random) -> None:
    made.columns = random_columns(random)
    able = [name for name, kind in made.columns.items() if kind.partitions and name != "id"]
    made.partition_by = random.sample(able, random.randint(0, min(1, len(able))))
    deltalake.write_deltalake(
        str(made.location),
        made.rows(random),
        mode="overwrite",
        schema_mode="overwrite",
        partition_by=made.partition_by,
    )
    made.steps.append(f"overwrite, partitioned by {made.partition_by}")


def _delete(made: Made, random: Random) -> None:
    limit = random.randint(-5, 5)
    deltalake.DeltaTable(str(made.location)).delete(f"id > {limit}")
    made.steps.append(f"delete id > {limit}")


def _compact(made: Made, random: Random) -> None:  # noqa: ARG001 - as every step
    deltalake.DeltaTable(str(made.location)).optimize.compact()
    made.steps.append("compact")


def by_spark(location: Path, random: Random, spark: Any) -> Made:
    """A table that Spark wrote, with Delta's own features."""
    made = Made(location, _spark_columns(random))
    able = [name for name, kind in made.columns.items() if kind.partitions and name != "id"]
    made.partition_by = random.sample(able, random.randint(0, min(2, len(able))))
    table = f"delta.`{location}`"
    properties = []
    vectors, mapping = random.random() < 0.6, random.random() < 0.4
    if vectors:
        properties.append("'delta.enableDeletionVectors' = 'true'")
    if mapping:
        properties.append(f"'delta.columnMapping.mode' = '{random.choice(['name', 'id'])}'")
    if widening := random.random() < 0.3:
        properties.append("'delta.enableTypeWidening' = 'true'")
    if random.random() < 0.3:
        properties.append("'delta.enableChangeDataFeed' = 'true'")
    kind = random.choice(["INT96", "TIMESTAMP_MICROS"])
    spark.conf.set("spark.sql.parquet.outputTimestampType", kind)
    frame = spark.createDataFrame(made.rows(random))
    for column in frame.schema:  # a time without a zone is one of UTC to it
        if column.dataType.simpleString() == "timestamp":
            made.columns[column.name] = MOMENT
    declared = ", ".join(f"`{f.name}` {f.dataType.simpleString()}" for f in frame.schema)
    partitioned = ", ".join(f"`{name}`" for name in made.partition_by)
    by = f" PARTITIONED BY ({partitioned})" if made.partition_by else ""
    with_properties = f" TBLPROPERTIES ({', '.join(properties)})" if properties else ""
    spark.sql(f"CREATE TABLE {table} ({declared}) USING delta{by}{with_properties}")
    made.steps.append(f"create {', '.join(properties)} {kind} by {made.partition_by}")
    for _ in range(random.randint(1, 4)):
        _spark_step(made, random, spark, table, mapping=mapping, widening=widening)
    return made


def _wider(made: Made) -> dict[str, Kind]:
    """Columns whose type can be widened, with the next wider one."""
    ladders = (INTEGERS, FLOATS)
    return {
        name: ladder[ladder.index(kind) + 1]
        for name, kind in made.columns.items()
        for ladder in ladders
        if kind in ladder[:-1] and name not in made.partition_by
    }


def _spark_columns(random: Random) -> dict[str, Kind]:
    while True:
        columns = random_columns(random)
        if not any(set(". ") & set(name) for name in columns):  # which Delta refuses to Spark
            return columns


def _spark_step(
    made: Made, random: Random, spark: Any, table: str, *, mapping: bool, widening: bool
) -> None:
    steps = ["append", "append", "delete", "update", "add"]
    steps += ["rename", "drop"] if mapping else []
    wider = _wider(made)
    steps += ["widen", "widen"] if widening and wider else []
    step = random.choice(steps)
    free = [name for name in made.columns if name != "id" and name not in made.partition_by]
    if step == "append" or (step in ("rename", "drop") and not free):
        rows = spark.createDataFrame(made.rows(random))
        rows.write.format("delta").mode("append").save(str(made.location))
    elif step == "delete":
        spark.sql(f"DELETE FROM {table} WHERE id % 2 = {random.randint(0, 1)}")
    elif step == "update":
        spark.sql(f"UPDATE {table} SET id = 0 WHERE id > {random.randint(0, 5)}")
    elif step == "add":
        name = f"new{len(made.steps)}"
        made.columns[name] = random.choice(INTEGERS)
        kind = _SPARK_NAMES[made.columns[name].type]
        spark.sql(f"ALTER TABLE {table} ADD COLUMNS (`{name}` {kind})")
    elif step == "widen":
        name, found = random.choice(sorted(wider.items()))
        made.columns[name] = found
        kind = _SPARK_NAMES[found.type]
        spark.sql(f"ALTER TABLE {table} ALTER COLUMN `{name}` TYPE {kind}")
    elif step == "rename":
        old = random.choice(free)
        new = f"re{len(made.steps)}"
        spark.sql(f"ALTER TABLE {table} RENAME COLUMN `{old}` TO `{new}`")
        made.columns = {new if n == old else n: kind for n, kind in made.columns.items()}
    else:
        old = random.choice(free)
        spark.sql(f"ALTER TABLE {table} DROP COLUMN `{old}`")
        del made.columns[old]
    made.steps.append(step)
