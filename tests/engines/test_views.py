"""Computed columns, columns that a table lacks, the newest row a key: the same on every engine."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import write_deltalake

from neuralake.arrow import plain_type
from neuralake.catalog import Column, DeltaTable, FunctionTable, ParquetTable, Table
from neuralake.engines.protocol import Engine, Session
from neuralake.queries.answers import Answer, compare
from neuralake.queries.query import parse_query

EVERYTHING = parse_query("everything", "SELECT * FROM t")
NAN = float("nan")
STORED = pa.schema(
    {
        "i": pa.int64(),
        "small": pa.int32(),
        "price": pa.decimal128(15, 2),
        "rate": pa.decimal128(4, 3),
        "x": pa.float64(),
        "text": pa.string(),
        "day": pa.date32(),
        "at": pa.timestamp("us"),
        "yes": pa.bool_(),
        "list": pa.list_(pa.int64()),
    }
)
ROWS: list[dict[str, Any]] = [
    {
        "i": 7,
        "small": -2,
        "price": Decimal("12.50"),
        "rate": Decimal("0.055"),
        "x": 1.5,
        "text": " \tAb'c\\d ",
        "day": dt.date(2024, 2, 29),
        "at": dt.datetime.fromisoformat("1969-12-31T23:59:58.999999"),
        "yes": True,
        "list": [1],
    },
    {
        "i": -7,
        "small": 2,
        "price": Decimal("-9999999999999.99"),
        "rate": Decimal("9.999"),
        "x": NAN,
        "text": "",
        "day": dt.date(1969, 12, 31),
        "at": dt.datetime.fromisoformat("2024-11-03T01:30:00"),
        "yes": False,
        "list": [],
    },
    {
        "i": 0,
        "small": 0,
        "price": Decimal("0.00"),
        "rate": Decimal("0.000"),
        "x": -0.0,
        "text": "xyz",
        "day": dt.date(1, 1, 1),
        "at": dt.datetime.fromisoformat("0001-01-01"),
        "yes": None,
        "list": None,
    },
    dict.fromkeys(STORED.names),
]
D, I64, F64, STR, BOOL = Decimal, pa.int64(), pa.float64(), pa.string(), pa.bool_()


def dec(precision: int, scale: int) -> pa.DataType:
    return pa.decimal128(precision, scale)


# An expression, the declared type, and what it is of each row
COMPUTED: dict[str, tuple[pa.DataType, list[Any]]] = {
    "i + small * 2 - 1": (I64, [2, -4, -1, None]),
    "-i": (pa.int16(), [-7, 7, 0, None]),
    "-9223372036854775808 + i * i": (I64, [-(2**63) + 49, -(2**63) + 49, -(2**63), None]),
    "i = -9223372036854775808": (BOOL, [False, False, False, None]),
    "i / small": (F64, [-3.5, -3.5, None, None]),
    "i / 2": (F64, [3.5, -3.5, 0.0, None]),
    "price + 1": (dec(21, 2), [D("13.50"), D("-9999999999998.99"), D("1.00"), None]),
    "price * rate": (dec(20, 5), [D("0.68750"), D("-99989999999999.90001"), D(0), None]),
    "price * (1 - rate)": (dec(38, 5), [D("11.81250"), D("89989999999999.91001"), D(0), None]),
    "rate + 0.5": (dec(6, 4), [D("0.5550"), D("10.4990"), D("0.5000"), None]),
    "CAST(price AS DOUBLE) * 2": (F64, [25.0, -19999999999999.98, 0.0, None]),
    "x * small + 0.5": (F64, [-2.5, NAN, 0.5, None]),
    "CAST(i AS DECIMAL(20, 1)) * rate": (dec(30, 4), [D("0.3850"), D("-69.9930"), D(0), None]),
    "i > small AND x < 2": (BOOL, [True, False, False, None]),
    "price < rate": (BOOL, [False, True, False, None]),
    "x > 1": (BOOL, [True, True, False, None]),
    "NOT yes OR i = 7": (BOOL, [True, True, None, None]),
    "yes IS NULL": (BOOL, [False, False, True, True]),
    "list IS NOT NULL": (BOOL, [True, True, False, False]),
    "i IN (7, 0, 1.5)": (BOOL, [True, False, True, None]),
    "i NOT BETWEEN -7 AND 0": (BOOL, [True, False, False, None]),
    "CASE WHEN i > 0 THEN 'more' WHEN i < 0 THEN 'less' END": (STR, ["more", "less", None, None]),
    "CASE small WHEN 2 THEN i ELSE 0.5 END": (
        dec(20, 1),
        [D("0.5"), D("-7.0"), D("0.5"), D("0.5")],
    ),
    "COALESCE(small, i, 5)": (pa.int32(), [-2, 2, 0, 5]),
    "NULLIF(2, small)": (I64, [2, None, 2, 2]),
    "NULLIF(small, 2)": (I64, [-2, None, 0, None]),
    "ABS(price)": (dec(15, 2), [D("12.50"), D("9999999999999.99"), D(0), None]),
    "ABS(x)": (pa.float32(), [1.5, NAN, 0.0, None]),
    "text || '-' || text": (STR, [" \tAb'c\\d - \tAb'c\\d ", "-", "xyz-xyz", None]),
    "'it''s \\n' || CAST(i AS VARCHAR)": (STR, ["it's \\n7", "it's \\n-7", "it's \\n0", None]),
    "UPPER(TRIM(text))": (STR, ["\tAB'C\\D", "", "XYZ", None]),
    "LOWER(SUBSTRING(text, 3, 3))": (STR, ["ab'", "", "z", None]),
    "text LIKE '%b''c%'": (BOOL, [True, False, False, None]),
    "text LIKE 'x_z'": (BOOL, [False, False, True, None]),
    "text >= 'x'": (BOOL, [False, False, True, None]),
    "EXTRACT(YEAR FROM day)": (pa.int32(), [2024, 1969, 1, None]),
    "EXTRACT(QUARTER FROM day)": (pa.int8(), [1, 4, 1, None]),
    "MONTH(at) * 100 + DAY(at)": (I64, [1231, 1103, 101, None]),
    "EXTRACT(HOUR FROM at) * 60 + EXTRACT(MINUTE FROM at)": (I64, [1439, 90, 0, None]),
    "CAST(at AS DATE)": (
        pa.date32(),
        [dt.date(1969, 12, 31), dt.date(2024, 11, 3), dt.date(1, 1, 1), None],
    ),
    "day >= DATE '1969-12-31'": (BOOL, [True, True, False, None]),
    "at < TIMESTAMP '2024-11-03 01:30:00.000001'": (BOOL, [True, True, True, None]),
    "day": (pa.date32(), [row["day"] for row in ROWS]),
    "NULL": (dec(9, 2), [None] * 4),
    "TRUE": (BOOL, [True] * 4),
}


def computed_columns() -> tuple[Column, ...]:
    kinds = [kind for kind, _ in COMPUTED.values()]
    return tuple(
        Column(f"c{number:02d}", kind, expression=text)
        for number, (text, kind) in enumerate(zip(COMPUTED, kinds, strict=True))
    )


def declared(schema: pa.Schema) -> tuple[Column, ...]:
    return tuple(Column(field.name, field.type) for field in schema)


def made() -> pa.Table:
    """The rows, as a function gives them."""
    return pa.Table.from_pylist(ROWS, STORED)


def of_kind(kind: str, root: Path, rows: pa.Table, **more: Any) -> Table:
    """A table of some rows, of each kind that there is."""
    if kind == "delta":
        write_deltalake(root / "t", rows)
        return DeltaTable(name="t", location=str(root / "t"), **more)
    if kind == "parquet":
        root.mkdir(exist_ok=True)
        pq.write_table(rows, root / "t.parquet")
        return ParquetTable(name="t", location=str(root / "t.parquet"), **more)
    return FunctionTable(name="t", function=lambda: rows, **more)


@dataclass(frozen=True)
class Opened:
    """A table in a session of an engine, and as it is."""

    engine: Engine
    session: Session
    table: Table

    def all_rows(self) -> pa.Table:
        return self.session.execute("SELECT * FROM t")

    def check(self, expected: pa.Table, rows: pa.Table | None = None) -> None:
        """The rows, of the engine and of the LazyFrame, are those that are expected."""
        of_engine = self.all_rows() if rows is None else rows
        for found in (of_engine, self.table.lazy().collect().to_arrow()):
            assert found.column_names == expected.column_names
            mismatch = compare(Answer.of(found), Answer.of(expected), EVERYTHING)
            assert mismatch is None, f"{mismatch}\n{found}"
            types = [plain_type(kind) for kind in found.schema.types]
            for name, kind, wanted in zip(
                found.column_names, types, expected.schema.types, strict=True
            ):
                if not pa.types.is_nested(wanted) and not pa.types.is_timestamp(wanted):
                    assert kind == wanted, f"{self.engine.name} {name}"


@pytest.fixture(params=["delta", "parquet", "function"])
def kind(request: pytest.FixtureRequest) -> str:
    found: str = request.param
    return found


def opened(engine: Engine, table: Table) -> Iterator[Opened]:
    with closing(engine.open({"t": table})) as session:
        yield Opened(engine, session, table)


@pytest.mark.more_of("sail", "daft", but=("delta",))
def test_computed_columns_are_the_same_everywhere(
    engine: Engine, kind: str, tmp_path: Path
) -> None:
    if engine.name == "spark" and kind != "delta":
        return  # which takes seconds for each
    columns = (*declared(STORED), *computed_columns())
    table = of_kind(kind, tmp_path / "lake", made(), columns=columns)
    assert table.arrow_schema().names == [column.name for column in columns]
    table.check()
    for case in opened(engine, table):
        found = case.all_rows()
        by_i = {row["i"]: row for row in found.to_pylist()}
        for number, (text, (_, values)) in enumerate(COMPUTED.items()):
            for row, value in zip(ROWS, values, strict=True):
                got = by_i[row["i"]][f"c{number:02d}"]
                same = got == value or (got != got and value != value)
                assert same, f"{engine.name}: {text} of {row['i']} is {got!r}, and not {value!r}"
        expected = pl.DataFrame(table.lazy().collect()).to_arrow()
        kinds = pa.schema([(c.name, plain_type(c.type)) for c in columns])
        case.check(expected.cast(kinds), found)


@pytest.mark.more_of("spark")
def test_an_open_schema_has_computed_columns_beside_it(engine: Engine, tmp_path: Path) -> None:
    double = Column("double", pa.int64(), expression="i * 2")
    rows = pa.table({"i": [1, 2]})
    table = of_kind("delta", tmp_path, rows, columns=(double,))
    for case in opened(engine, table):
        case.check(pa.table({"i": [1, 2], "double": [2, 4]}))


@pytest.mark.more_of("spark")
def test_a_computed_column_filters_and_groups(engine: Engine, tmp_path: Path) -> None:
    columns = (
        Column("i", pa.int64()),
        Column("half", pa.float64(), expression="i / 2"),
    )
    table = of_kind("delta", tmp_path, pa.table({"i": list(range(10))}), columns=columns)
    for case in opened(engine, table):
        sql = "SELECT COUNT(*) AS n, MAX(half) AS most FROM t WHERE half > 1.0"
        assert case.session.execute(sql).to_pylist() == [{"n": 7, "most": 4.5}]
        assert "i" in case.session.explain("SELECT half FROM t WHERE i = 3")


EVOLVED = (
    Column("i", pa.int64()),
    Column("price", pa.decimal128(9, 2)),
    Column("text", pa.string()),
    Column("seen", pa.timestamp("us", "UTC")),
    Column("small", pa.int8()),
    Column("raw", pa.binary()),
    Column("yes", pa.bool_()),
    Column("x", pa.float32()),
    Column("day", pa.date32()),
    Column("more", pa.decimal128(12, 2), expression="price + 1"),
)


@pytest.mark.more_of("spark")  # of files that lack one it is asked elsewhere
@pytest.mark.more_of("sail", "daft", but=("delta",))
def test_a_declared_column_that_is_absent_is_null(
    engine: Engine, kind: str, tmp_path: Path
) -> None:
    if engine.name == "spark" and kind != "delta":
        return  # which takes seconds for each
    rows = pa.table({"text": ["a", None], "i": [1, 2]})
    table = of_kind(kind, tmp_path, rows, columns=EVOLVED, missing_columns="null")
    table.check()
    wanted = pa.schema([(c.name, c.type) for c in EVOLVED])
    columns = {n: rows.column(n) if n in rows.column_names else [None] * 2 for n in wanted.names}
    expected = pa.table(columns, wanted)
    for case in opened(engine, table):
        case.check(expected)
        sql = "SELECT COUNT(price) AS n FROM t WHERE seen IS NULL"
        assert case.session.execute(sql).column(0).to_pylist() == [0]


NEWEST = [  # key, by, value, float; whether it is the newest of its key
    (1, 1, "old", 0.5, False),
    (1, 2, "new", 0.5, True),
    (2, None, "never", 0.5, False),
    (2, -5, "ever", 0.5, True),
    (3, None, "a", 0.5, False),
    (3, None, "b", 0.5, True),
    (4, 9, "tie", 0.5, False),
    (4, 9, "tie2", 0.5, True),
    (5, 9, "same", 1.5, False),
    (5, 9, "same", NAN, True),
    (6, 9, None, 2.0, False),
    (6, 9, "", 1.0, True),
    (None, 1, "null key", 1.0, False),
    (None, 2, "null key", 1.0, True),
    (7, 1, "zeros", -0.0, True),
    (8, 1, "twice", 1.0, True),
]


def newest_rows(*, all_of_them: bool) -> pa.Table:
    rows = [row[:4] for row in NEWEST if row[4] or all_of_them]
    columns = [list(column) for column in zip(*rows, strict=True)]
    return pa.table(dict(zip(("k", "by", "v", "x"), columns, strict=True)))


def test_moments_have_the_day_and_the_hour_of_utc(engine: Engine, tmp_path: Path) -> None:
    """Whatever zone a file or a function tells them in, where it may be the next day."""
    zone = pa.timestamp("us", "Europe/Budapest")
    rows = pa.table({"at": pa.array([dt.datetime(2026, 5, 1, 22, 30, tzinfo=dt.UTC), None], zone)})
    columns = (
        Column("at", zone),
        Column("day", pa.date32(), expression="CAST(at AS DATE)"),
        Column("hour", pa.int64(), expression="EXTRACT(HOUR FROM at)"),
    )
    expected = [{"day": dt.date(2026, 5, 1), "hour": 22}, {"day": None, "hour": None}]
    for kind in ("parquet", "function"):
        table = of_kind(kind, tmp_path / kind, rows, columns=columns)
        for case in opened(engine, table):
            sql = "SELECT day, hour FROM t ORDER BY day NULLS LAST"
            assert case.session.execute(sql).to_pylist() == expected
            assert table.lazy(columns=["day", "hour"]).collect().to_dicts() == expected
        plain = of_kind(kind, tmp_path / kind, rows)
        for case in opened(engine, plain):
            found = case.session.execute(
                'SELECT CAST("at" AS DATE) AS day FROM t WHERE "at" IS NOT NULL'
            )
            assert found.to_pylist() == [{"day": dt.date(2026, 5, 1)}]


def test_the_newest_row_by_and_of_values_that_engines_order_otherwise(
    engine: Engine, tmp_path: Path
) -> None:
    """Zeros are one key whatever their sign; bytes are ordered; any column may be called so."""
    rows = [
        (0.0, b"\x00", 1),
        (-0.0, b"\xff", 2),
        (NAN, None, 3),
        (NAN, b"", 4),
        (None, b"a", 5),
        (None, b"ab", 6),
    ]
    columns = [list(column) for column in zip(*rows, strict=True)]
    kinds = [pa.float64(), pa.binary(), pa.int64()]
    arrays = [pa.array(c, kind) for c, kind in zip(columns, kinds, strict=True)]
    given = pa.table(arrays, names=["k", "by", "neuralake_rank"])
    newest = of_kind("parquet", tmp_path / "lake", given).latest("by", key="k")  # type: ignore[attr-defined]
    for case in opened(engine, newest):
        case.check(given.take([1, 3, 5]))


@pytest.mark.more_of("spark")
@pytest.mark.more_of("sail", "daft", but=("delta",))
def test_the_newest_row_of_each_key(engine: Engine, kind: str, tmp_path: Path) -> None:
    if engine.name == "spark" and kind != "delta":
        return  # which takes seconds for each
    table = of_kind(kind, tmp_path, newest_rows(all_of_them=True))
    newest = table.latest("by", key="k")  # type: ignore[attr-defined]
    for case in opened(engine, newest):
        case.check(newest_rows(all_of_them=False))
        counted = case.session.execute("SELECT COUNT(*) AS n FROM t WHERE v = 'old'")
        assert counted.column(0).to_pylist() == [0]
