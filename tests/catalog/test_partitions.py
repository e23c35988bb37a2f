"""Hive partitions: what directories say of rows, and which of them are looked into."""

import datetime as dt
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neuralake.catalog import (
    AllOf,
    AnyOf,
    Catalog,
    Column,
    Condition,
    Database,
    Filter,
    Not,
    ParquetTable,
    Where,
)
from neuralake.catalog.describe import describe_table, facts
from neuralake.catalog.identity import table_identity
from neuralake.catalog.partitions import Listing, PartitionedBy
from neuralake.errors import CatalogError, SchemaMismatchError
from tests.more import drawn

DAY = Column("day", pa.date32())
REGION = Column("region", pa.string())
NULL = "__HIVE_DEFAULT_PARTITION__"


def write(directory: Path, *ids: int, **more: Any) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    rows = pa.table(
        {"id": pa.array(ids, pa.int64()), **{k: [v] * len(ids) for k, v in more.items()}}
    )
    pq.write_table(rows, directory / "rows.parquet")


def visits(root: Path, by: PartitionedBy = "infer", *columns: Column) -> ParquetTable:
    return ParquetTable(name="visits", location=str(root), partitioned_by=by, columns=columns)


def rows(table: ParquetTable, *filters: Condition) -> list[tuple[Any, ...]]:
    return sorted(table.lazy(filters).collect().rows(), key=str)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Two levels, with what has to be decoded or is missing."""
    write(tmp_path / "day=2026-05-01" / "region=north", 1)
    write(tmp_path / "day=2026-05-01" / "region=a%2Fb %C3%A4", 2)
    write(tmp_path / "day=2026-05-02" / "region=north", 3)
    write(tmp_path / "day=2026-05-02" / f"region={NULL}", 4)
    write(tmp_path / f"day={NULL}" / "region=100%", 5)
    return tmp_path


ALL = [
    (1, dt.date(2026, 5, 1), "north"),
    (2, dt.date(2026, 5, 1), "a/b ä"),
    (3, dt.date(2026, 5, 2), "north"),
    (4, dt.date(2026, 5, 2), None),
    (5, None, "100%"),
]


@pytest.mark.parametrize(
    "by", ["infer", ("day", "region"), (DAY, REGION), (DAY, "region")], ids=str
)
def test_directories_say_values_of_columns(root: Path, by: PartitionedBy) -> None:
    table = visits(root, by)
    assert rows(table) == ALL
    assert table.arrow_schema() == pa.schema(
        {"id": pa.int64(), "day": pa.date32(), "region": pa.string()}
    )
    assert table.rows() == 5
    found = {
        f.uri.removeprefix(f"{root}/"): f.values["region"].as_py() for f in table.partitions().files
    }
    assert found["day=2026-05-01/region=a%2Fb %C3%A4/rows.parquet"] == "a/b ä"


@contextmanager
def unreadable(*directories: Path) -> Iterator[list[str]]:
    """Count what is listed; and what must not be listed cannot be."""
    listed: list[str] = []
    plain = Listing._list
    forbidden = {str(directory) for directory in directories}

    def counting(self: Listing, directory: str) -> tuple[list[str], list[str]]:
        listed.append(directory.removeprefix(self.root).lstrip("/"))
        assert directory not in forbidden
        return plain(self, directory)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Listing, "_list", counting)
        yield listed


@pytest.mark.parametrize(
    ("filters", "listed", "ids"),
    [
        ([Filter("day", "=", dt.date(2026, 5, 1))], ["", "day=2026-05-01"], [1, 2]),
        (
            [Filter("day", ">", dt.date(2026, 5, 1)), Filter("region", "is null")],
            ["", "day=2026-05-02"],
            [4],
        ),
        ([Filter("day", "is null")], ["", f"day={NULL}"], [5]),
        (
            [Filter("region", "starts_with", "a/")],
            ["", "day=2026-05-01", "day=2026-05-02", f"day={NULL}"],
            [2],
        ),
        ([Where("day = '2026-05-01' AND id > 1")], ["", "day=2026-05-01"], [2]),
        ([Where("day = '2026-05-02' AND (id = 4 OR region = 'x')")], ["", "day=2026-05-02"], [4]),
        (
            [
                AnyOf(
                    [
                        Filter("day", "is null"),
                        AllOf([Filter("day", "=", dt.date(2026, 5, 1)), Filter("id", "=", 1)]),
                    ]
                )
            ],
            ["", "day=2026-05-01", f"day={NULL}"],
            [1, 5],
        ),
        ([Not(Filter("day", "=", dt.date(2026, 5, 1)))], ["", "day=2026-05-02"], [3, 4]),
        ([Filter("day", "=", dt.date(1999, 1, 1))], [""], []),
    ],
    ids=lambda v: (
        " ".join(map(str, v)) if isinstance(v, list) and v and not isinstance(v[0], str) else None
    ),
)
def test_only_directories_that_can_match_are_listed(
    root: Path, filters: Sequence[Condition], listed: list[str], ids: list[int]
) -> None:
    table = visits(root, (DAY, REGION), Column("id", pa.int64()))
    with unreadable() as found:
        assert sorted(row[0] for row in rows(table, *filters)) == ids
    assert sorted(d for d in found if "/" not in d) == sorted(listed)


def test_a_computed_column_keeps_directories_out_too(root: Path) -> None:
    table = visits(
        root,
        (DAY, REGION),
        Column("id", pa.int64()),
        Column("twice", pa.int64(), expression="id * 2"),
    )
    with unreadable(root / "day=2026-05-02"):
        found = table.lazy([Filter("day", "=", dt.date(2026, 5, 1)), Filter("twice", ">", 2)])
        assert found.select("id", "twice").collect().rows() == [(2, 4)]


def test_files_of_directories_that_do_not_match_are_not_opened(root: Path) -> None:
    for broken in (*root.glob("day=2026-05-02/*/*"), *root.glob(f"day={NULL}/*/*")):
        broken.write_bytes(b"no Parquet")
    for by in ("infer", (DAY, REGION)):
        assert len(rows(visits(root, by), Filter("day", "=", dt.date(2026, 5, 1)))) == 2


def test_inferred_types_do_not_depend_on_what_is_asked(tmp_path: Path) -> None:
    for day, number in (("2026-05-01", "1"), ("2026-05-02", "x")):
        write(tmp_path / f"day={day}" / f"number={number}", 1)
    table = visits(tmp_path)
    with unreadable(tmp_path / "day=2026-05-02" / "number=x"):
        found = table.lazy([Filter("day", "=", dt.date(2026, 5, 1))]).collect()
    assert found.rows() == [(1, dt.date(2026, 5, 1), "1")]


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["2026-05-01", NULL], pa.date32()),
        (["2026-02-30"], pa.string()),
        (["2026-05-01", "2026"], pa.string()),
        (["1", "-20", "0"], pa.int64()),
        (["01", "2"], pa.string()),
        (["9223372036854775808"], pa.string()),
        (["1.5"], pa.string()),
        (["true"], pa.string()),
        ([NULL], pa.string()),
    ],
)
def test_dates_and_whole_numbers_are_inferred(
    tmp_path: Path, values: list[str], kind: pa.DataType
) -> None:
    for value in values:
        write(tmp_path / f"key={value}", 1)
    assert visits(tmp_path).arrow_schema().field("key").type == kind


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (pa.string(), "01", "01"),
        (pa.int8(), "01", 1),
        (pa.bool_(), "true", True),
        (pa.decimal128(9, 2), "1.5", Decimal("1.50")),
        (
            pa.timestamp("us"),
            "2026-05-01 12%3A30%3A00",
            dt.datetime.fromisoformat("2026-05-01T12:30"),
        ),
        (
            pa.timestamp("us", "UTC"),
            "2026-05-01T12:30:00Z",
            dt.datetime(2026, 5, 1, 12, 30, tzinfo=dt.UTC),
        ),
    ],
    ids=str,
)
def test_declared_types_are_read(tmp_path: Path, kind: pa.DataType, text: str, value: Any) -> None:
    write(tmp_path / f"key={text}", 1)
    table = visits(tmp_path, (Column("key", kind, nullable=False),))
    assert rows(table) == [(1, value)]
    assert rows(table, Filter("key", "=", value)) == [(1, value)]
    assert table.arrow_schema().field("key") == pa.field("key", kind, nullable=False)


TEXTS = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=4
)


@settings(max_examples=drawn(25))
@given(values=st.lists(st.none() | TEXTS, min_size=1, max_size=4, unique=True), of=st.data())
def test_what_arrow_writes_is_read(
    values: list[str | None], of: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    wanted = of.draw(st.sampled_from(values))
    place = tmp_path_factory.mktemp("hive")
    given = pa.table({"id": range(len(values)), "key": pa.array(values, pa.string())})
    hive = ds.partitioning(pa.schema({"key": pa.string()}), flavor="hive")
    ds.write_dataset(given, place, format="parquet", partitioning=hive)
    table = visits(place, (Column("key", pa.string()),))
    assert sorted(rows(table)) == [(i, values[i]) for i in range(len(values))]
    condition = Filter("key", "is null") if wanted is None else Filter("key", "=", wanted)
    assert rows(table, condition) == [(values.index(wanted), wanted)]


def test_what_polars_writes_is_read_with_the_key_in_the_files_too(tmp_path: Path) -> None:
    given = pl.DataFrame({"key": ["a", "b/c", None], "id": [1, 2, 3]})
    given.write_parquet(tmp_path, partition_by="key")
    for file in tmp_path.rglob("*.parquet"):  # and as a writer does that keeps the key
        one = pl.read_parquet(file, hive_partitioning=True)
        one.write_parquet(file)
    assert rows(visits(tmp_path)) == [(1, "a"), (2, "b/c"), (3, None)]


def test_a_value_in_the_files_that_is_another_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "key=a", 1, key="b")
    message = (
        "partition column key is in .*, too, and its statistics do not say that it is a through"
    )
    with pytest.raises(CatalogError, match=message):
        visits(tmp_path).check()


def test_directories_above_the_table_say_nothing(tmp_path: Path) -> None:
    write(tmp_path / "year=2026" / "key=a", 1)
    assert rows(visits(tmp_path / "year=2026")) == [(1, "a")]


def test_hidden_names_are_passed_over_but_partitions_are_not(tmp_path: Path) -> None:
    write(tmp_path / "_key=a", 1)
    write(tmp_path / "_temporary" / "_key=b", 2)
    write(tmp_path / ".trash" / "_key=c", 3)
    (tmp_path / "_SUCCESS").touch()
    assert rows(visits(tmp_path)) == [(1, "a")]
    with pytest.raises(CatalogError, match=r"Hive partitions \(_key=a\)"):
        ParquetTable(name="visits", location=str(tmp_path)).check()


@pytest.mark.parametrize(
    ("directories", "by", "message"),
    [
        (
            ["a=1", "b=2"],
            "infer",
            "partitions contradict each other: .*/b=2 is of b, where others are of a",
        ),
        (["a=1/b=2", "b=2/a=1"], "infer", "is of b, where others are of a"),
        (["a=1/b=2", "a=2"], "infer", "a file lies above its partitions: .*/a=2/rows.parquet"),
        (["a=1", ""], "infer", "a file lies above its partitions"),
        (["a=1", "a=2/b=2"], "infer", "a directory lies below the last level: .*/a=2/b=2"),
        (["a=1", "more"], "infer", "/more is no partition, such as day=2026-05-01"),
        (["a=1/more"], ("a",), "a directory lies below the last level"),
        (["a="], "infer", f"/a= has an empty value: a missing one is {NULL}"),
        (["=1"], "infer", "is no partition"),
        (["a=%FF"], "infer", "/a=%FF is not UTF-8, percent-encoded"),
        (["a=1"], ("b",), "is of a, where others are of b"),
        (["a=x"], (Column("a", pa.int64()),), "the partition a=x at .* is no int64"),
        (["a=300"], (Column("a", pa.int8()),), "the partition a=300 at .* is no int8"),
        (
            ["a=1.555"],
            (Column("a", pa.decimal128(9, 2)),),
            r"a=1.555 at .* is no decimal128\(9, 2\)",
        ),
        (["a=2026-05-01 12:00:00"], (Column("a", pa.timestamp("us", "UTC")),), "is no timestamp"),
        ([""], "infer", "no partitions at .*: expected directories such as day="),
    ],
)
def test_contradictions_are_told_in_a_line(
    tmp_path: Path, directories: list[str], by: PartitionedBy, message: str
) -> None:
    for directory in directories:
        write(tmp_path / directory, 1)
    with pytest.raises(CatalogError, match=message) as refused:
        visits(tmp_path, by).check()
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("by", "columns", "message"),
    [
        ("day", (), "partitioned_by is 'day': expected 'infer' or the columns of the levels"),
        ((1,), (), r"partitioned_by is \(1,\): expected"),
        (("day", DAY), (), "is partitioned by day twice"),
        ((DAY,), (Column("day", pa.string()),), "says day is date32.*, and the columns say string"),
        (
            ("day",),
            (Column("id", pa.int64()),),
            "partitioned by day, which is not declared; declared are id",
        ),
        (
            (Column("x", pa.float64()),),
            (),
            "partition column x is double: expected a string, an integer",
        ),
    ],
)
def test_a_declaration_that_contradicts_itself_is_refused(
    by: Any, columns: tuple[Column, ...], message: str
) -> None:
    with pytest.raises(CatalogError, match=message):
        visits(Path("/nowhere"), by, *columns)


def test_no_file_and_no_directory_are_told(tmp_path: Path) -> None:
    (tmp_path / "a=1").mkdir()
    with pytest.raises(CatalogError, match="no Parquet file at"):
        visits(tmp_path).check()
    with pytest.raises(CatalogError, match="is no directory: expected the one that holds"):
        visits(tmp_path / "a=*").check()
    with pytest.raises(CatalogError, match="Delta files at"):
        (tmp_path / "_delta_log").mkdir()
        visits(tmp_path).check()


def test_a_declaration_is_held_against_partitions_too(root: Path) -> None:
    required = Column("day", pa.date32(), nullable=False)
    with pytest.raises(SchemaMismatchError, match=r"column visits\.day may be null"):
        visits(root, (required, REGION), Column("id", pa.int64())).check()
    assert visits(root, (DAY, REGION), Column("id", pa.int64())).columns[1:] == (DAY, REGION)
    with pytest.raises(SchemaMismatchError, match="table visits has a column region"):
        visits(root, "infer", Column("id", pa.int64()), DAY).check()


def test_it_is_told_and_recorded(root: Path) -> None:
    table = visits(root)
    details = describe_table(Catalog((Database("lake", (table,)),)), "visits")
    assert details.partition_columns == ("day", "region")
    assert details.files == details.rows == 5
    assert table_identity(table)["partitioned_by"] == {"day": "date32[day]", "region": "string"}


def test_the_plan_shows_that_filters_are_in_the_scan(root: Path) -> None:
    for encoded in root.glob("*/*%*/*"):
        encoded.unlink()
    plan = visits(root).lazy([Filter("region", "=", "north"), Filter("id", ">", 1)]).explain()
    assert re.search(r"SELECTION: .*region.*north", plan)
    assert "FILTER" not in plan


def test_directories_may_be_values_without_names(tmp_path: Path) -> None:
    write(tmp_path / "5956" / "2026-05-01", 1)
    write(tmp_path / "5956" / "2026-05-02", 2)
    write(tmp_path / "59560" / "day=2026-05-01%20", 3)
    write(tmp_path / NULL / "2026-05-02", 4)
    write(tmp_path / "_tmp" / "x", 5)
    implant = Column("implant", pa.int64())
    by = (implant, REGION)
    table = ParquetTable(
        name="visits", location=str(tmp_path), partitioned_by=by, names_in_paths=False
    )
    assert rows(table) == [
        (1, 5956, "2026-05-01"),
        (2, 5956, "2026-05-02"),
        (3, 59560, "day=2026-05-01%20"),
        (4, None, "2026-05-02"),
    ]
    with unreadable(tmp_path / "59560", tmp_path / NULL) as listed:
        kept = [Filter("implant", "=", 5956), Filter("region", "=", "2026-05-02")]
        assert rows(table, *kept) == [(2, 5956, "2026-05-02")]
    assert "5956/2026-05-01" not in listed
    assert not table.checked().reads_from_paths
    catalog = Catalog((Database("clinic", (table,)),))
    shown = dict(facts(describe_table(catalog, "visits")))
    assert shown["partitioned by"] == "implant, region"
    assert shown["partitions"] == "values alone, without names"


def test_whether_directories_have_names_is_part_of_a_table(tmp_path: Path) -> None:
    """Their values are others then, of the same files."""
    write(tmp_path / "region=north", 1)
    table = ParquetTable(name="visits", location=str(tmp_path), partitioned_by=(REGION,))
    bare = replace(table, names_in_paths=False)
    assert [row[-1] for row in (*rows(table), *rows(bare))] == ["north", "region=north"]
    assert "names_in_paths" not in table_identity(table)
    assert table_identity(bare) == {**table_identity(table), "names_in_paths": False}
    catalog = Catalog((Database("clinic", (table,)),))
    assert "partitions" not in dict(facts(describe_table(catalog, "visits")))


@pytest.mark.parametrize("by", ["infer", ()])
def test_levels_without_names_are_declared(tmp_path: Path, by: PartitionedBy) -> None:
    with pytest.raises(CatalogError, match="names_in_paths=False goes with the columns of the"):
        ParquetTable(name="visits", location=str(tmp_path), partitioned_by=by, names_in_paths=False)
    with pytest.raises(CatalogError, match="names_in_paths is 'no': expected True or False"):
        ParquetTable(name="visits", location="x", names_in_paths="no")  # type: ignore[arg-type]
