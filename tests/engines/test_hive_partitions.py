"""Hive-partitioned Parquet gives the same rows on every engine, whatever its directories say."""

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from neuralake.catalog import Column, ParquetTable
from neuralake.engines.protocol import Engine, Session

NULL = "__HIVE_DEFAULT_PARTITION__"
PLAIN = {
    "day=2026-05-01/kind=a/n=1": 1,
    "day=2026-05-01/kind=01/n=2": 2,
    f"day={NULL}/kind={NULL}/n=3": 3,
    f"day=2026-05-02/kind=null/n={NULL}": 4,
}
ROWS = [
    (1, dt.date(2026, 5, 1), "a", 1),
    (2, dt.date(2026, 5, 1), "01", 2),
    (3, None, None, 3),
    (4, dt.date(2026, 5, 2), "null", None),
]


def write(directory: Path, number: int, **more: object) -> None:
    directory.mkdir(parents=True)
    given = pa.table({"id": pa.array([number], pa.int64()), **{k: [v] for k, v in more.items()}})
    pq.write_table(given, directory / "rows.parquet")


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> dict[str, ParquetTable]:
    place = tmp_path_factory.mktemp("hive")
    for directory, number in PLAIN.items():
        write(place / "plain" / directory, number)
        write(place / "under=1" / directory, number)
    for text, number in {"a%2Fb c": 1, "%C3%A4+": 2, "100%25": 3, "x=y": 4, "[*]": 5}.items():
        write(place / "encoded" / f"key={text}", number)
    for text, number in {"1.50": 1, "-2": 2}.items():
        write(
            place / "typed" / f"amount={text}" / "ok=true" / "moment=2026-05-01 12%3A00%3A00",
            number,
        )
    for directory, number in PLAIN.items():
        bare = [level.partition("=")[2] for level in directory.split("/")]
        write(place / "bare" / "/".join(bare), number)
    for key in ("a", "b"):
        write(place / "stored" / f"key={key}", 1, key=key)
    declared = {
        "plain": "infer",
        "under": "infer",
        "encoded": ("key",),
        "typed": (
            Column("amount", pa.decimal128(9, 2)),
            Column("ok", pa.bool_()),
            Column("moment", pa.timestamp("us")),
        ),
        "stored": "infer",
        "bare": (Column("day", pa.date32()), "kind", Column("n", pa.int64())),
    }
    return {
        name: ParquetTable(
            name=name,
            location=str(place / ("under=1" if name == "under" else name)),
            partitioned_by=by,  # type: ignore[arg-type]
            names_in_paths=name != "bare",
        )
        for name, by in declared.items()
    }


@pytest.fixture(scope="module")
def session(engine: Engine, tables: dict[str, ParquetTable]) -> Iterator[Session]:
    opened = engine.open(tables)
    yield opened
    opened.close()


def rows(session: Session, sql: str) -> list[tuple[object, ...]]:
    found = session.execute(sql)
    return list(zip(*found.to_pydict().values(), strict=True))


@pytest.mark.more_of("spark", but=("plain",))
@pytest.mark.parametrize("table", ["plain", "under", "bare"])
def test_rows_have_the_values_of_their_directories_last(session: Session, table: str) -> None:
    found = session.execute(f"SELECT * FROM {table} ORDER BY id")
    assert found.column_names == ["id", "day", "kind", "n"]
    assert rows(session, f"SELECT * FROM {table} ORDER BY id") == ROWS


@pytest.mark.parametrize(
    ("where", "ids"),
    [
        ("day = DATE '2026-05-01' AND kind = '01'", [2]),
        ("kind IS NULL", [3]),
        ("kind = 'null' OR n > 2", [3, 4]),
        ("kind <> 'a'", [2, 4]),
    ],
)
def test_filters_find_them(session: Session, where: str, ids: list[int]) -> None:
    assert [
        row[0] for row in rows(session, f"SELECT id FROM plain WHERE {where} ORDER BY id")
    ] == ids


@pytest.mark.more_of("spark")
def test_grouped_by_partition_and_joined(session: Session) -> None:
    sql = "SELECT day, COUNT(*) AS c FROM plain GROUP BY day ORDER BY c DESC, day"
    counts = {row[0]: row[1] for row in rows(session, sql)}
    assert counts == {dt.date(2026, 5, 1): 2, dt.date(2026, 5, 2): 1, None: 1}
    joined = (
        "SELECT a.id FROM plain AS a JOIN under AS b ON a.day = b.day AND a.kind = b.kind "
        "ORDER BY a.id"
    )
    assert [row[0] for row in rows(session, joined)] == [1, 2, 4]


def test_names_are_decoded(session: Session) -> None:
    found = rows(session, "SELECT key FROM encoded ORDER BY id")
    assert [row[0] for row in found] == ["a/b c", "ä+", "100%", "x=y", "[*]"]


def test_values_have_their_declared_types(session: Session) -> None:
    at = dt.datetime.fromisoformat("2026-05-01T12:00")
    found = rows(session, "SELECT id, amount, ok, moment FROM typed ORDER BY id")
    assert found == [(1, Decimal("1.50"), True, at), (2, Decimal("-2.00"), True, at)]


def test_a_key_that_is_in_the_files_too_is_one_column(session: Session) -> None:
    found = session.execute("SELECT * FROM stored ORDER BY key")
    assert found.to_pydict() == {"id": [1, 1], "key": ["a", "b"]}


def test_partitions_that_cannot_match_are_not_read(engine: Engine, session: Session) -> None:
    """As the plan tells of the engines whose plans do."""
    sql = "SELECT id FROM plain WHERE n = 1"
    if engine.name == "datafusion":
        assert session.explain(sql).count(".parquet]") == 1
    elif engine.name == "polars":
        plan = session.explain(sql)
        assert "n=1/rows.parquet" in plan
        assert "other sources" not in plan
    elif engine.name == "spark":
        assert "PartitionFilters: [isnotnull(n" in session.explain(sql)
