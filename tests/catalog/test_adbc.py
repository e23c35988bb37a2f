"""Tables of databases: exact types, filters in their SQL, and none of their secrets shown."""

from __future__ import annotations

import datetime as dt
import math
import pickle
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import adbc_driver_postgresql.dbapi
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from neuralake.api.catalogs import open_catalog
from neuralake.catalog import (
    AdbcTable,
    AllOf,
    AnyOf,
    Catalog,
    Column,
    Condition,
    Database,
    Filter,
    FunctionTable,
    Not,
    Where,
)
from neuralake.catalog.describe import describe_table
from neuralake.catalog.identity import table_identity
from neuralake.errors import CatalogError, SchemaMismatchError
from tests.catalog.postgresql import INSTALL, Server, programs, running
from tests.more import drawn, few

ROWS = pa.table(
    {
        "id": pa.array([1, 2, 3, 4], pa.int64()),
        "small": pa.array([-1, None, 2, 32767], pa.int16()),
        "amount": pa.array(
            [Decimal("1.50"), None, Decimal(2), Decimal("-0.01")], pa.decimal128(9, 2)
        ),
        "name": ["Ann", "bob", None, "Änne 50%"],
        "day": [dt.date(2026, 5, 1), None, dt.date(1, 1, 1), dt.date(2026, 6, 1)],
        "clock": pa.array(
            [dt.datetime.fromisoformat("2026-05-01T12:00:00.123456"), None, None, None],
            pa.timestamp("us"),
        ),
        "moment": pa.array(
            [dt.datetime(2026, 5, 1, 10, tzinfo=dt.UTC), None, None, None],
            pa.timestamp("us", "UTC"),
        ),
        "paid": [True, None, False, True],
        "ratio": pa.array([0.5, None, math.nan, -1.5], pa.float64()),
        "single": pa.array([0.1, None, 1.5, -1.5], pa.float32()),
        "raw": [b"\xff\x00", None, b"", b"ab"],
    }
)
CREATE = """CREATE TABLE "Orders of ""2026" (id bigint, small smallint, amount numeric(9,2),
    name text, day date, clock timestamp, moment timestamptz, paid boolean, ratio double precision,
    single real, raw bytea)"""
NAMED = 'Orders of "2026'


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    if programs() is None:
        pytest.skip(f"PostgreSQL is not installed: {INSTALL}")
    # Its user must reach it, which it does not below pytest's own directory
    with tempfile.TemporaryDirectory(prefix="neuralake-postgresql-") as directory:
        Path(directory).chmod(0o755)
        with running(Path(directory) / "server") as started:
            yield started


def run(server: Server, *statements: str) -> None:
    with adbc_driver_postgresql.dbapi.connect(server.uri, autocommit=True) as connection:
        for statement in statements:
            with connection.cursor() as cursor:
                cursor.execute(statement)


@pytest.fixture(scope="module")
def orders(server: Server) -> AdbcTable:
    run(server, CREATE)
    marks = ", ".join(f"${i}" for i in range(1, ROWS.num_columns + 1))
    marks = marks.replace("$3,", "CAST($3 AS numeric),")
    rows = ROWS.set_column(2, "amount", ROWS["amount"].cast(pa.string()))
    connect = adbc_driver_postgresql.dbapi.connect
    with connect(server.uri, autocommit=True) as connection, connection.cursor() as cursor:
        cursor.executemany(f'INSERT INTO "Orders of ""2026" VALUES ({marks})', rows)
    return AdbcTable(name="orders", driver="postgresql", database=server.uri, table=NAMED)


def ids(table: AdbcTable, *filters: Condition) -> list[int]:
    return sorted(table.lazy(filters, ["id"]).collect()["id"])


class TestPostgresql:
    def test_types_and_values_are_exact(self, orders: AdbcTable) -> None:
        found = orders.arrow()
        assert found.schema == ROWS.schema == orders.arrow_schema()
        columns = [name for name in ROWS.column_names if name != "ratio"]
        assert found.select(columns).equals(ROWS.select(columns))
        assert str(found["ratio"].to_pylist()) == str(ROWS["ratio"].to_pylist())
        assert orders.rows() == 4
        assert orders.lazy().collect().height == 4

    @pytest.mark.parametrize(
        ("condition", "where", "expected"),
        [
            (Filter("amount", ">", Decimal("1.499")), '"amount" > CAST($1 AS numeric)', [1, 3]),
            (Filter("small", "<", 2**40), '"small" <= CAST($1 AS bigint)', [1, 3, 4]),
            (Filter("name", "<", "b"), '"name" COLLATE "C" < CAST($1 AS text)', [1]),
            (
                Filter("name", "contains", "50%"),
                'strpos("name" COLLATE "C", CAST($1 AS text)) > 0',
                [4],
            ),
            (
                Filter("name", "starts_with", "Ä"),
                'substr("name" COLLATE "C", 1, 1) = CAST($1 AS text)',
                [4],
            ),
            (
                Filter("name", "ends_with", "ob"),
                'right("name" COLLATE "C", 2) = CAST($1 AS text)',
                [2],
            ),
            (Filter("day", "in", [dt.date(1, 1, 1)]), '"day" IN (CAST($1 AS date))', [3]),
            (
                Filter("moment", "=", ROWS["moment"][0].as_py()),
                '"moment" = CAST($1 AS timestamptz)',
                [1],
            ),
            (
                Filter("clock", "!=", ROWS["clock"][0].as_py()),
                '"clock" <> CAST($1 AS timestamp)',
                [],
            ),
            (Filter("paid", "=", False), '"paid" = CAST($1 AS boolean)', [3]),
            (Filter("ratio", ">", 1.0), '"ratio" > CAST($1 AS double precision)', [3]),
            (Filter("raw", "=", b"\xff\x00"), '"raw" = CAST($1 AS bytea)', [1]),
            (Filter("name", "is null"), '"name" IS NULL', [3]),
            (Not(Filter("paid", "=", True)), 'NOT ("paid" = CAST($1 AS boolean))', [3]),
            (
                AnyOf(
                    [Filter("id", "=", 1), AllOf([Filter("id", ">", 2), Filter("paid", "=", True)])]
                ),
                (
                    '("id" = CAST($1 AS bigint)) OR '
                    '(("id" > CAST($2 AS bigint)) AND ("paid" = CAST($3 AS boolean)))'
                ),
                [1, 4],
            ),
            (
                Where("amount IN (1.5, 2)"),
                '"amount" IN (CAST($1 AS numeric), CAST($2 AS numeric))',
                [1, 3],
            ),
        ],
        ids=str,
    )
    def test_filters_and_columns_are_in_its_sql(
        self, orders: AdbcTable, condition: Condition, where: str, expected: list[int]
    ) -> None:
        asked = orders.pushdown([condition], ["id"])
        assert asked.sql == f'SELECT "id" FROM "Orders of ""2026" WHERE ({where})'
        assert asked.values == where.count("$")
        assert asked.here == ()
        assert ids(orders, condition) == expected

    def test_what_it_might_answer_otherwise_stays_here(self, orders: AdbcTable) -> None:
        stays: list[Condition] = [
            Filter("id", "in", list(range(2000))),
            Filter("raw", "contains", b"a"),
            AnyOf([Filter("id", "=", 1), Filter("raw", "starts_with", b"a")]),
            Filter("name", "!=", "a\0"),
        ]
        asked = orders.pushdown([*stays, Filter("id", ">", 1)], ["id"])
        assert asked.sql == 'SELECT "id" FROM "Orders of ""2026" WHERE ("id" > CAST($1 AS bigint))'
        assert asked.here == tuple(stays)
        assert ids(orders, stays[1]) == ids(orders, stays[1], Filter("id", ">", 1)) == [4]

    def test_a_collation_of_its_own_changes_nothing(self, server: Server) -> None:
        run(
            server,
            "CREATE COLLATION anycase "
            "(provider = icu, locale = 'und-u-ks-level2', deterministic = false)",
            "CREATE TABLE cased (id bigint, name text COLLATE anycase)",
            "INSERT INTO cased VALUES (1, 'a'), (2, 'A'), (3, 'b')",
        )
        cased = AdbcTable(name="cased", driver="postgresql", database=server.uri)
        assert ids(cased, Filter("name", "=", "A")) == [2]
        assert ids(cased, Filter("name", "!=", "A")) == [1, 3]
        assert ids(cased, Filter("name", "<", "a")) == [2]
        assert ids(cased, Filter("name", "contains", "A")) == [2]

    def test_a_lazyframe_asks_for_what_it_needs(self, orders: AdbcTable) -> None:
        assert orders.lazy().select(pl.len()).collect().item() == 4
        assert orders.lazy().filter(pl.col("id") > 3).select("name").collect().rows() == [
            ("Änne 50%",)
        ]
        assert orders.lazy().head(2).select("id").collect().height == 2
        assert orders.lazy([Filter("id", ">", 1)]).head(1).collect().height == 1
        assert orders.lazy(columns=["name", "id"]).collect().columns == ["name", "id"]

    def test_values_are_bound_and_names_quoted(self, server: Server, orders: AdbcTable) -> None:
        hostile = 'x\'; DROP TABLE "Orders of ""2026"; --'
        assert ids(orders, Filter("name", "=", hostile)) == []
        assert ids(orders, Filter("name", "contains", hostile)) == []
        with pytest.raises(CatalogError, match="does not exist"):
            AdbcTable(name="t", driver="postgresql", database=server.uri, table=hostile).check()
        with pytest.raises(CatalogError, match="table orders has no column"):
            orders.lazy(columns=['id" FROM x --'])
        assert orders.rows() == 4

    @pytest.mark.parametrize(
        ("kind", "value", "dtype", "expected"),
        few(
            [
                (
                    "numeric(38,10)",
                    "'1234567890123456789012345678.0123456789'",
                    pa.decimal128(38, 10),
                    Decimal("1234567890123456789012345678.0123456789"),
                ),
                ("numeric(5,-2)", "12345", pa.decimal128(7, 0), Decimal(12300)),
                ("numeric(2,4)", "0.0012", pa.decimal128(4, 4), Decimal("0.0012")),
                ("varchar(3)", "'ä'", pa.string(), "ä"),
                ("char(3)", "'a'", pa.string(), "a  "),
                (
                    "uuid",
                    "'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'",
                    pa.string(),
                    "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
                ),
                ("jsonb", "'{\"a\":1}'", pa.string(), '{"a": 1}'),
                ("time", "'12:30'", pa.time64("us"), dt.time(12, 30)),
                ("date", "'0044-03-15 BC'", pa.date32(), None),
            ],
            "numeric(5,-2)",
            "char(3)",
            "jsonb",
            "date",
        ),
    )
    def test_other_types_have_their_counterparts(
        self, server: Server, kind: str, value: str, dtype: pa.DataType, expected: Any
    ) -> None:
        run(server, "DROP TABLE IF EXISTS one", f"CREATE TABLE one (id int, c {kind})")
        one = AdbcTable(name="one", driver="postgresql", database=server.uri)
        assert one.arrow()["c"].type == dtype  # without a row
        run(server, f"INSERT INTO one VALUES (1, {value}), (2, NULL)")
        found = one.arrow()["c"]
        assert found.type == dtype
        if expected is not None:
            assert found.to_pylist() == [expected, None]
        assert one.lazy([Filter("c", "is null")]).collect()["id"].to_list() == [2]

    @pytest.mark.parametrize(
        ("kind", "message"),
        few(
            [
                ("int[]", r"column c is int4\[\], which no type of Arrow"),
                ("numeric(60,2)", r"column c is numeric\(60,2\), which no type"),
                ("numeric", "column c is numeric without a precision: declare it, such as Column"),
                ("interval", "column c is interval, which"),
                ("money", "column c is money, which"),
                ("inet", "column c is inet, which"),
                ("oid", "column c is oid, which"),
                ("point", "column c is point, which"),
            ],
            "int[]",
            "numeric",
            "interval",
        ),
    )
    def test_a_type_without_a_counterpart_is_refused_by_name(
        self, server: Server, kind: str, message: str
    ) -> None:
        run(server, "DROP TABLE IF EXISTS one", f"CREATE TABLE one (c {kind})")
        with pytest.raises(CatalogError, match=message):
            AdbcTable(name="one", driver="postgresql", database=server.uri).arrow_schema()

    @pytest.mark.parametrize(
        ("kind", "value", "message"),
        few(
            [
                ("date", "'infinity'", "has a date that is infinite"),
                ("date", "'-infinity'", "has a date that is infinite"),
                ("timestamp", "'infinity'", "has a timestamp that is infinite"),
                ("timestamptz", "'-infinity'", "has a timestamptz that is infinite"),
                (
                    "timestamp",
                    "'294276-12-31'",
                    "has a timestamp that is infinite, or later than Arrow",
                ),
                ("numeric(9,2)", "'NaN'", r"has a number that is no decimal128\(9, 2\)"),
            ],
            ("date", "'infinity'", "has a date that is infinite"),
            "numeric(9,2)",
            ("timestamptz", "'-infinity'", "has a timestamptz that is infinite"),
        ),
    )
    def test_a_value_without_a_counterpart_is_refused(
        self, server: Server, kind: str, value: str, message: str
    ) -> None:
        run(server, "DROP TABLE IF EXISTS one", f"CREATE TABLE one (c {kind})")
        run(server, f"INSERT INTO one VALUES ({value})")
        with pytest.raises(CatalogError, match=message):
            AdbcTable(name="one", driver="postgresql", database=server.uri).arrow()

    def test_a_number_of_any_precision_has_the_declared_one(self, server: Server) -> None:
        run(server, "DROP TABLE IF EXISTS one", "CREATE TABLE one (c numeric)")
        run(server, "INSERT INTO one VALUES (1.5), (2)")
        one = AdbcTable(
            name="one",
            driver="postgresql",
            database=server.uri,
            columns=(Column("c", pa.decimal128(9, 2)),),
        )
        assert one.arrow()["c"].to_pylist() == [Decimal("1.50"), Decimal("2.00")]
        run(server, "INSERT INTO one VALUES (1.555)")
        with pytest.raises(CatalogError, match="has a number that is no decimal128"):
            one.arrow()

    def test_a_declaration_is_enforced(self, server: Server) -> None:
        run(server, "CREATE SCHEMA shop", "CREATE TABLE shop.items (b text, a int)")
        run(server, "INSERT INTO shop.items VALUES ('x', NULL)")

        def items(*columns: Column) -> AdbcTable:
            return AdbcTable(
                name="items",
                driver="postgresql",
                database=server.uri,
                schema="shop",
                columns=columns,
            )

        b = Column("b", pa.string(), nullable=False)
        in_order = items(Column("a", pa.int32()), b)
        in_order.check()
        assert in_order.arrow().column_names == in_order.lazy().collect().columns == ["a", "b"]
        with pytest.raises(SchemaMismatchError, match=r"items\.a is int32, declared as int64"):
            items(Column("a", pa.int64()), b).arrow()
        with pytest.raises(SchemaMismatchError, match="has a column a that its declaration lacks"):
            items(b).check()
        required = items(Column("a", pa.int32(), nullable=False), b)
        for read in (required.check, required.arrow):
            with pytest.raises(SchemaMismatchError, match=r"items\.a has a null, and is declared"):
                read()


class TestSecrets:
    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            (
                {"database": "postgresql://lake:{p}x@127.0.0.1:{port}/postgres"},
                "password authentication failed",
            ),
            ({"database": "postgresql://lake:{p}@127.0.0.1:1/postgres"}, "Connection refused"),
            (
                {"database": "postgresql://lake:a {p}@127.0.0.1:{port}/postgres"},
                "unexpected spaces",
            ),
            ({"database": "postgresql://lake:%zz{p}@127.0.0.1:{port}/postgres"}, "invalid percent"),
            (
                {
                    "database": "host=127.0.0.1 port={port} user=lake password='{raw}x' "
                    "dbname=postgres"
                },
                "password auth",
            ),
            (
                {"database": "postgresql://127.0.0.1:{port}/postgres?user=lake&password={p}x"},
                "password auth",
            ),
            ({"table": "nosuch"}, 'relation "nosuch" does not exist'),
            (
                {"database": "${{NEURALAKE_TEST_NOSUCH}}"},
                "the environment has no variable NEURALAKE_TEST_NOSUCH",
            ),
            ({"driver": "nosuch"}, "nosuch"),
        ],
    )
    def test_errors_are_a_line_without_them(
        self, server: Server, changes: dict[str, str], message: str
    ) -> None:
        escaped = server.uri.split(":")[2].split("@")[0]
        filled: dict[str, Any] = {
            key: value.format(p=escaped, raw=server.password, port=server.port)
            for key, value in changes.items()
        }
        table = AdbcTable(**{"name": "t", "driver": "postgresql", "database": server.uri, **filled})
        with pytest.raises(CatalogError, match=message) as refused:
            table.check()
        for text in (str(refused.value), repr(table), table.uri, str(table_identity(table))):
            assert "\n" not in text
            assert escaped not in text
            assert server.password not in text

    def test_nothing_that_is_shown_or_recorded_has_them(
        self, server: Server, orders: AdbcTable
    ) -> None:
        catalog = Catalog((Database("shop", (orders,)),))
        details = describe_table(catalog, "orders")
        assert details.problem is None
        assert details.rows == 4
        assert details.location == f"postgresql://127.0.0.1:{server.port}/postgres#{NAMED}"
        assert table_identity(orders) == {
            "format": "adbc",
            "uri": details.location,
            "driver": "postgresql",
        }
        secret = server.uri.split(":")[2].split("@")[0]
        assert secret not in f"{details} {orders!r} {orders.pushdown()}"
        assert pickle.loads(pickle.dumps(orders)).rows() == 4

    def test_they_come_from_the_environment(
        self, server: Server, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        run(server, "DROP TABLE IF EXISTS one", "CREATE TABLE one (c int)")
        monkeypatch.setenv("SHOP_PASSWORD", server.password)
        monkeypatch.setenv("SHOP_URI", server.uri)
        place = f"127.0.0.1:{server.port}/postgres"
        within = "postgresql://lake:${SHOP_PASSWORD}@" + place
        for database in (within, "${SHOP_URI}"):
            table = AdbcTable(name="one", driver="postgresql", database=database)
            assert table.rows() == 0
        assert table.uri == "${SHOP_URI}#one"


VALUES = st.fixed_dictionaries(
    {
        "n": st.none() | st.integers(-(2**63), 2**63 - 1) | st.integers(-2, 2),
        "t": st.none() | st.text("aAäÄz%_ ", max_size=3),
        "r": st.none() | st.floats(allow_nan=False),
        "b": st.none() | st.binary(max_size=2),
    }
)
SCHEMA = pa.schema(
    {"row": pa.int64(), "n": pa.int64(), "t": pa.string(), "r": pa.float64(), "b": pa.binary()}
)
_ANY: dict[str, Any] = {"n": 0, "t": "a", "r": 0.5, "b": b"a"}


@st.composite
def conditions(draw: st.DrawFn, rows: Sequence[dict[str, Any]]) -> Condition:
    name = draw(st.sampled_from("ntrb"))
    operators = ["=", "!=", "<", "<=", ">", ">=", "in", "not in", "is null", "is not null"]
    operators += ["contains", "starts_with", "ends_with"] if name == "t" else []
    operator: Any = draw(st.sampled_from(operators))
    values = [r[name] for r in rows if r[name] is not None] or [_ANY[name]]
    values += [2**70] if name == "n" else []  # which no column of whole numbers holds
    value = draw(st.sampled_from(values))
    if operator in ("in", "not in"):
        value = [value, *draw(st.sampled_from([[], [_ANY[name]]]))]
    found: Condition = Filter(name, operator, None if operator.startswith("is ") else value)
    shape = draw(st.sampled_from(["", "not", "or"]))
    if shape == "not":
        return Not(found)
    return AnyOf([found, Filter("n", "<", 0)]) if shape == "or" else found


@settings(max_examples=drawn(40), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_sqlite_keeps_what_we_keep(data: st.DataObject, tmp_path: Path) -> None:
    records = data.draw(st.lists(VALUES, min_size=1, max_size=6))
    condition = data.draw(conditions(records))
    place = tmp_path / "rows.sqlite"
    place.unlink(missing_ok=True)
    with sqlite3.connect(place) as database:
        database.execute(
            "CREATE TABLE t (row INTEGER, n INTEGER, t TEXT COLLATE NOCASE, r REAL, b BLOB)"
        )
        rows = [(i, r["n"], r["t"], r["r"], r["b"]) for i, r in enumerate(records)]
        database.executemany("INSERT INTO t VALUES (?, ?, ?, ?, ?)", rows)
    database.close()
    table = AdbcTable(name="t", driver="sqlite", database=str(place))
    given = pa.Table.from_pylist([{"row": i, **r} for i, r in enumerate(records)], SCHEMA)
    assert table.arrow().equals(given)
    here = FunctionTable(name="t", function=lambda: given)
    assert table.pushdown([condition]).here in ((), (condition,))
    found = table.lazy([condition], ["row"]).collect()
    assert found.equals(here.lazy([condition], ["row"]).collect())


class TestSqlite:
    @pytest.fixture
    def place(self, tmp_path: Path) -> Path:
        with sqlite3.connect(tmp_path / "shop.sqlite") as database:
            database.execute(
                "CREATE TABLE visits (id INTEGER PRIMARY KEY, day DATE, cents NUMERIC)"
            )
            database.execute("INSERT INTO visits VALUES (1, '2026-05-01', 150), (2, NULL, NULL)")
        database.close()
        return tmp_path

    def visits(self, **more: Any) -> AdbcTable:
        return AdbcTable(name="visits", driver="sqlite", database="shop.sqlite", **more)

    def test_lies_under_the_storage_root_and_is_queried(
        self, place: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("NEURALAKE_STORAGE_ROOT", str(place))
        columns = (
            Column("id", pa.int64()),
            Column("day", pa.string()),
            Column("cents", pa.int64()),
        )
        catalog = open_catalog(self.visits(columns=columns))
        assert catalog.table("visits").uri == f"{place}/shop.sqlite#visits"  # type: ignore[attr-defined]
        found = catalog.sql("SELECT day FROM visits WHERE cents = 150", engine="duckdb")
        assert found.to_pydict() == {"day": ["2026-05-01"]}

    def test_a_column_of_any_values_has_the_declared_type_alone(self, place: Path) -> None:
        visits = AdbcTable(name="visits", driver="sqlite", database=f"{place}/shop.sqlite")
        with pytest.raises(
            CatalogError, match="column day is DATE, of which SQLite has no values: declare"
        ):
            visits.check()
        with sqlite3.connect(place / "shop.sqlite") as database:
            database.execute("CREATE TABLE mixed (id INTEGER)")
            database.execute("INSERT INTO mixed VALUES (1), ('x')")
        database.close()
        mixed = AdbcTable(name="mixed", driver="sqlite", database=f"{place}/shop.sqlite")
        with pytest.raises(
            SchemaMismatchError, match=r"mixed\.id is int64, but rows of the database have"
        ):
            mixed.arrow()

    def test_what_is_not_there_is_told(self, place: Path) -> None:
        nosuch = AdbcTable(name="nosuch", driver="sqlite", database=f"{place}/shop.sqlite")
        with pytest.raises(CatalogError, match=r"shop\.sqlite#nosuch: there is no such table"):
            nosuch.check()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"driver": ""}, "driver is no such thing: expected a text without NUL, not empty"),
        ({"database": 3}, "database is no such thing: expected a text"),
        ({"table": "a\0b"}, "table is no such thing"),
        ({"name": "T"}, "table name 'T' is not usable"),
        (
            {"columns": (Column("a", pa.int64()), Column("b", pa.int64(), expression="a + 1"))},
            "column b is computed, which no table of a database has here",
        ),
    ],
)
def test_a_wrong_declaration_is_told(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(CatalogError, match=message):
        AdbcTable(**{"name": "t", "driver": "sqlite", "database": "x", **changes})


def test_what_a_list_includes_is_no_question_to_a_text(tmp_path: Path) -> None:
    place = tmp_path / "own.db"
    with sqlite3.connect(place) as connection:
        connection.execute("CREATE TABLE t (name TEXT)")
    connection.close()
    table = AdbcTable(name="t", driver="sqlite", database=str(place))
    with pytest.raises(CatalogError, match="the column is of type String: expected lists"):
        table.lazy([Filter("name", "includes", "x")])
