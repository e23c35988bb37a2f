"""NaN, which is greater than every number, where the statistics of a file leave it out.

Every engine answers as it would over the values themselves. Polars alone takes MIN and MAX of the
numbers, as its documentation says.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import deltalake
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from neuralake.catalog.tables import DeltaTable, ParquetTable, Table, pinned
from neuralake.engines.protocol import Engine, Session
from tests.more import drawn, few

NAN, INF = math.nan, math.inf
Values = list[float | None]


def as_rows(values: Values, kind: pa.DataType) -> pa.Table:
    """Floats at the top and within structs, and numbers of the rows."""
    struct = pa.struct([("y", kind), ("z", pa.struct([("w", kind)]))])
    nested = [{"y": value, "z": {"w": value}} for value in values]
    columns = [pa.array(values, kind), pa.array(nested, struct), list(range(len(values)))]
    return pa.table(columns, names=["x", "s", "id"])


def parquet(root: Path, files: list[pa.Table]) -> Table:
    root.mkdir()
    for number, rows in enumerate(files):
        pq.write_table(rows, root / f"{number}.parquet", row_group_size=2)
    return ParquetTable(name="t", location=str(root))


def delta(root: Path, files: list[pa.Table]) -> Table:
    for rows in files:
        deltalake.write_deltalake(str(root), rows, mode="append")
    return DeltaTable(name="t", location=str(root))


def partitioned(root: Path, files: list[pa.Table]) -> Table:
    for number, rows in enumerate(files):
        part = rows.append_column("k", pa.array([number] * rows.num_rows, pa.int64()))
        deltalake.write_deltalake(str(root), part, mode="append", partition_by=["k"])
    return DeltaTable(name="t", location=str(root))


WRITERS = {write.__name__: write for write in (parquet, delta, partitioned)}
# Each a file
HIDDEN: dict[str, tuple[list[Values], pa.DataType]] = {
    "beside one value": ([[1.0, 1.0, NAN]], pa.float64()),
    "beside infinity": ([[INF, NAN]], pa.float32()),
    "beside zero": ([[0.0, NAN, 0.0, -0.0]], pa.float64()),
    "beside several": ([[1.0, 2.0, NAN, None]], pa.float32()),
    "in one of two files": ([[1.0, 2.0, NAN, 1.0], [5.0, 6.0]], pa.float64()),
    "alone in its row group": ([[1.0, 2.0, NAN, NAN, 3.0, 3.0]], pa.float64()),
}
# Spark takes seconds a table: of Delta and of Parquet one case, and all of them in make test-all
OF_SPARK = [("spark", "beside several", "delta"), ("spark", "alone in its row group", "parquet")]
MATRIX = [
    *(
        (name, case, write)
        for name in ("polars", "datafusion", "duckdb")
        for case in HIDDEN
        for write in WRITERS
    ),
    *OF_SPARK,
]
# Statistics of Delta's log leave out what those of Parquet do; values of partitions have no part in
# them
SPLIT = ("delta", "in one of two files")
BY_DAY = [
    (name, case, write)
    for name, case, write in MATRIX
    if (name, case, write) != OF_SPARK[0]
    and (write == "parquet" or case == "beside several" or (write, case) == SPLIT)
]
CONDITIONS: dict[str, Callable[[float], bool]] = {
    "= 1": lambda x: x == 1,
    "<> 1": lambda x: x != 1,
    "> 5.5": lambda x: x > 5.5 or x != x,
    ">= 1": lambda x: x >= 1 or x != x,
    "< 100": lambda x: x < 100,
    "BETWEEN 0 AND 3": lambda x: 0 <= x <= 3,
    "IN (1, 2)": lambda x: x in (1, 2),
    "= CAST('NaN' AS DOUBLE)": math.isnan,
}
# What Spark is asked, unless all is to be tried: a second or more each
FEW = ("= 1", "> 5.5", "= CAST('NaN' AS DOUBLE)")
FIELDS = {"polars": "s.y", "datafusion": "t.s['y']", "duckdb": "t.s.y", "spark": "s.y"}


def check(engine: Engine, session: Session, values: Values, *, thoroughly: bool = False) -> None:
    """Compare what an engine finds with what is there."""
    there = [value for value in values if value is not None]

    def ask(sql: str) -> list[tuple[Any, ...]]:
        return [tuple(row.values()) for row in session.execute(sql).to_pylist()]

    def spelled(found: list[tuple[Any, ...]]) -> list[str]:
        return sorted(str(row[0]).replace("-0.0", "0.0") for row in found)

    everything = spelled([(value,) for value in values])
    assert spelled(ask("SELECT x FROM t")) == everything
    grouped = ask("SELECT x, COUNT(*) AS n FROM t GROUP BY x")
    assert sum(n for x, n in grouped if str(x) == "nan") == sum(map(math.isnan, there))
    for column in ("x", FIELDS[engine.name]):
        if column != "x" and engine.name == "polars":
            continue  # no fields of structs in its SQL
        is_short = engine.name == "spark" and not thoroughly
        conditions = FEW if is_short else tuple(CONDITIONS)
        counts = [
            f"SELECT {number} AS i, COUNT(*) AS n FROM t WHERE {column} {condition}"
            for number, condition in enumerate(conditions)
        ]
        found = dict(ask(" UNION ALL ".join(counts)))
        for number, condition in enumerate(conditions):
            expected = sum(map(CONDITIONS[condition], there))
            assert found[number] == expected, f"{column} {condition}"
        greatest = ask(f"SELECT {column} AS c FROM t ORDER BY c DESC NULLS LAST LIMIT 1")
        assert spelled(greatest) == ["nan" if any(map(math.isnan, there)) else str(max(there))]
        if engine.name != "polars":
            assert spelled(ask(f"SELECT MAX({column}) AS b FROM t")) == spelled(greatest)


@pytest.mark.parametrize(("engine", "case", "write"), few(MATRIX, *BY_DAY), indirect=["engine"])
def test_a_nan_that_statistics_leave_out_is_found(
    engine: Engine, case: str, write: str, tmp_path: Path
) -> None:
    find_nan(engine, case, write, tmp_path / "t")


@pytest.mark.more
@pytest.mark.parametrize("engine", ["spark"], indirect=True)
@pytest.mark.parametrize("case", HIDDEN)
@pytest.mark.parametrize("write", WRITERS)
def test_spark_finds_every_nan(engine: Engine, case: str, write: str, tmp_path: Path) -> None:
    find_nan(engine, case, write, tmp_path / "t", thoroughly=True)


def find_nan(
    engine: Engine, case: str, write: str, root: Path, *, thoroughly: bool = False
) -> None:
    files, width = HIDDEN[case]
    table = WRITERS[write](root, [as_rows(values, width) for values in files])
    with closing(engine.open({"t": table})) as session:
        everything = [value for values in files for value in values]
        check(engine, session, everything, thoroughly=thoroughly)
    instead = {"datafusion": "arrow", "duckdb": "without-statistics"}
    instead["spark"] = instead["duckdb"]
    if engine.name in instead:
        assert engine.settings["readers"] == {"t": instead[engine.name]}
    elif write != "partitioned":
        assert "readers" not in engine.settings


@pytest.mark.more_of("spark")
@pytest.mark.parametrize(
    ("engine", "write"),
    sorted({(name, write) for name, _, write in MATRIX} - {("spark", "parquet")}),
    indirect=["engine"],
)
def test_floats_without_a_nan_keep_their_statistics(
    engine: Engine, write: str, tmp_path: Path
) -> None:
    values: Values = [1.0, 2.0, INF, None]
    table = WRITERS[write](tmp_path / "t", [as_rows(values, pa.float64())])
    with closing(engine.open({"t": table})) as session:
        check(engine, session, values)
    by_polars = write == "partitioned" and engine.name == "polars"
    expected = {"t": "scan-delta"} if by_polars else {}
    assert engine.settings.get("readers", {}) == expected


@pytest.mark.parametrize("engine", ["polars", "datafusion", "duckdb"], indirect=True)
@settings(max_examples=drawn(25), deadline=None, suppress_health_check=list(HealthCheck))
@given(
    files=st.lists(
        st.lists(
            st.sampled_from([None, NAN, INF, -INF, 0.0, 1.0, 2.0, 7.0]), min_size=1, max_size=6
        ).filter(lambda values: any(value is not None for value in values)),
        min_size=1,
        max_size=2,
    ),
    write=st.sampled_from(sorted(WRITERS)),
    as_pinned=st.booleans(),
)
def test_any_floats_are_found(
    engine: Engine,
    files: list[Values],
    write: str,
    as_pinned: bool,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    root = tmp_path_factory.mktemp("nan") / "t"
    table = WRITERS[write](root, [as_rows(values, pa.float64()) for values in files])
    with closing(engine.open({"t": pinned(table) if as_pinned else table})) as session:
        check(engine, session, [value for values in files for value in values])
