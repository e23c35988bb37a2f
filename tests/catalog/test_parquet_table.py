"""Parquet tables: which files, the same columns in all of them, and what the footers prove."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from unittest.mock import Mock

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import write_deltalake
from pyarrow import fs

from neuralake.catalog import Column, Filter, ParquetTable
from neuralake.config import Settings
from neuralake.engines import registry
from neuralake.engines.registry import EngineSpec
from neuralake.errors import CatalogError, SchemaMismatchError
from neuralake.footer import read_footer

STRING = pa.string()
COLUMNS = (Column("id", pa.int64(), nullable=False), Column("name", pa.string()))
ROWS = pa.table({"id": [1, 2], "name": ["ada", None]})


def write(path: Path, rows: pa.Table = ROWS) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(rows, path)


def people(location: Path | str, columns: tuple[Column, ...] = COLUMNS) -> ParquetTable:
    return ParquetTable(name="people", location=str(location), columns=columns)


class TestLocation:
    @pytest.fixture
    def tree(self, tmp_path: Path) -> Path:
        for name in ("a.parquet", "b.parquet", "more/c.parquet", "more/deep/d.parquet"):
            write(tmp_path / name)
        for name in ("_hidden.parquet", ".hidden.parquet", "_tmp/e.parquet", ".git/f.parquet"):
            write(tmp_path / name)
        (tmp_path / "notes.txt").write_text("not Parquet")
        return tmp_path

    @pytest.mark.parametrize(
        ("location", "files"),
        [
            ("a.parquet", "a.parquet"),
            (".", "a.parquet b.parquet more/c.parquet more/deep/d.parquet"),
            ("more/", "more/c.parquet more/deep/d.parquet"),
            ("*.parquet", "a.parquet b.parquet"),
            ("[!a].parquet", "b.parquet"),
            ("?.parquet", "a.parquet b.parquet"),
            ("*/*.parquet", "more/c.parquet"),
            ("**/*.parquet", "a.parquet b.parquet more/c.parquet more/deep/d.parquet"),
            ("more/**", "more/c.parquet more/deep/d.parquet"),
            ("**/deep/*", "more/deep/d.parquet"),
            ("_hidden.parquet", "_hidden.parquet"),
        ],
    )
    def test_is_a_file_a_directory_or_a_glob(
        self, tree: Path, settings: Settings, location: str, files: str
    ) -> None:
        found = people(location).resolve(settings).files()
        assert [str(Path(file).relative_to(tree)) for file in found] == files.split()

    def test_that_exists_is_no_glob(self, tmp_path: Path) -> None:
        write(tmp_path / "[ab].parquet")
        write(tmp_path / "a.parquet")
        assert people(tmp_path / "[ab].parquet").files() == [f"{tmp_path}/[ab].parquet"]

    def test_may_be_written_in_capitals(self, tmp_path: Path) -> None:
        for name in ("a.parquet", "b.PARQUET", "c.Parq"):
            write(tmp_path / name)
        assert [Path(file).name for file in people(tmp_path).files()] == [
            "a.parquet",
            "b.PARQUET",
            "c.Parq",
        ]

    def test_may_hold_links(self, tmp_path: Path) -> None:
        write(tmp_path / "there" / "a.parquet")
        (tmp_path / "here").mkdir()
        (tmp_path / "here" / "b.parquet").symlink_to(tmp_path / "there" / "a.parquet")
        (tmp_path / "here" / "more").symlink_to(tmp_path / "there")
        files = people(tmp_path / "here").files()
        assert files == [f"{tmp_path}/here/b.parquet", f"{tmp_path}/here/more/a.parquet"]

    @pytest.mark.parametrize("location", [".", "**/*.parquet", "*/*/a.parquet"])
    def test_with_a_link_in_a_circle_is_refused(
        self, tmp_path: Path, settings: Settings, location: str
    ) -> None:
        write(tmp_path / "one" / "a.parquet")
        write(tmp_path / "two" / "a.parquet")
        (tmp_path / "one" / "other").symlink_to(tmp_path / "two")
        (tmp_path / "two" / "other").symlink_to(tmp_path / "one")
        with pytest.raises(CatalogError, match="leads back to a directory that it is in"):
            people(location).resolve(settings).files()

    def test_with_a_link_to_nowhere_is_refused(self, tmp_path: Path) -> None:
        write(tmp_path / "a.parquet")
        (tmp_path / "b.parquet").symlink_to(tmp_path / "gone.parquet")
        with pytest.raises(
            CatalogError, match=r"b.parquet is a link to .*gone.parquet, which is not"
        ):
            people(tmp_path).files()

    @pytest.mark.parametrize("name", ["my people", "100%20", "peßple", "a#b", "a?b*"])
    def test_may_have_any_character(self, tmp_path: Path, name: str) -> None:
        write(tmp_path / name / "a b.parquet")
        assert people(tmp_path / name).lazy([Filter("id", "=", 1)]).collect().rows() == [(1, "ada")]

    @pytest.mark.parametrize("location", ["none.parquet", "none", "none/*.parquet", "*.none", "."])
    def test_without_a_file_is_an_error(
        self, tmp_path: Path, settings: Settings, location: str
    ) -> None:
        with pytest.raises(CatalogError, match=f"table people: no Parquet file at {tmp_path}"):
            people(location).resolve(settings).files()

    def test_that_is_relative_is_not_read_from_the_working_directory(self) -> None:
        with pytest.raises(CatalogError, match="call resolve"):
            people("people.parquet").check()

    @pytest.mark.parametrize("location", ["", "*.parquet", "**/*.parquet"])
    def test_of_a_delta_table_is_refused(self, tmp_path: Path, location: str) -> None:
        write_deltalake(str(tmp_path / "delta"), ROWS)
        with pytest.raises(CatalogError, match=r"Delta files at .*: declare it as DeltaTable"):
            people(tmp_path / "delta" / location).files()

    def test_of_several_delta_tables_is_refused(self, tmp_path: Path) -> None:
        write_deltalake(str(tmp_path / "one"), ROWS)
        write_deltalake(str(tmp_path / "two"), ROWS)
        with pytest.raises(CatalogError, match="declare it as DeltaTable"):
            people(tmp_path).files()

    @pytest.mark.parametrize("location", ["", "data", "data/*.parquet"])
    @pytest.mark.parametrize(
        ("mark", "name"), [("metadata/v1.metadata.json", "Iceberg"), (".hoodie/x", "Hudi")]
    )
    def test_of_another_format_is_refused(
        self, tmp_path: Path, location: str, mark: str, name: str
    ) -> None:
        write(tmp_path / "t" / "data" / "a.parquet")
        (tmp_path / "t" / mark).parent.mkdir()
        (tmp_path / "t" / mark).write_text("{}")
        with pytest.raises(CatalogError, match=f"the files at .* are of {name}, whose metadata"):
            people(tmp_path / "t" / location).files()

    def test_beside_a_directory_called_metadata_is_not(self, tmp_path: Path) -> None:
        write(tmp_path / "a.parquet")
        (tmp_path / "metadata").mkdir()
        (tmp_path / "metadata" / "readme.json").write_text("{}")
        assert len(people(tmp_path).files()) == 1

    def test_with_two_columns_of_one_name_is_refused(self, tmp_path: Path) -> None:
        twins = pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["id", "id"])
        pq.write_table(twins, tmp_path / "a.parquet")
        with pytest.raises(CatalogError, match=r"two columns are called id in .*a\.parquet"):
            ParquetTable(name="people", location=str(tmp_path)).files()

    @pytest.mark.parametrize("location", ["", "**/*.parquet"])
    def test_with_hive_partitions_is_refused(self, tmp_path: Path, location: str) -> None:
        write(tmp_path / "year=2026" / "a.parquet")
        with pytest.raises(CatalogError, match=r"Hive partitions \(year=2026\)"):
            people(tmp_path / location).files()
        assert people(tmp_path / "year=2026").lazy().collect().columns == ["id", "name"]


def test_a_table_is_its_rows_its_schema_and_their_number(tmp_path: Path) -> None:
    write(tmp_path / "a.parquet")
    write(tmp_path / "b.parquet")
    table = people(tmp_path)
    assert table.rows() == 4
    assert table.arrow_schema() == ROWS.schema
    assert table.lazy().collect().rows() == [(1, "ada"), (2, None)] * 2


def test_filters_and_columns_are_in_the_scan(tmp_path: Path) -> None:
    write(tmp_path / "a.parquet")
    plan = people(tmp_path).lazy([Filter("id", ">", 1)], ["name"]).explain()
    assert "Parquet SCAN" in plan
    assert 'SELECTION: col("id") > 1' in plan
    assert "FILTER" not in plan
    assert "PROJECT 1/2 COLUMNS" in people(tmp_path).lazy(columns=["name"]).explain()


class TestFilesThatDiffer:
    @pytest.mark.parametrize(
        ("other", "message"),
        [
            (
                pa.table({"id": [1.0], "name": ["x"]}),
                r"people\.id is int64 in .*a\.parquet, but do",
            ),
            (pa.table({"id": [1]}), r"people\.name is string in .*a\.parquet, but absent in .*b\."),
            (
                ROWS.append_column("extra", [[1, 2]]),
                r"people\.extra is int64 in .*b\.parquet, but absent in .*a",
            ),
        ],
    )
    @pytest.mark.parametrize("columns", [COLUMNS, ()], ids=["declared", "open"])
    def test_are_noticed_in_every_reading(
        self, tmp_path: Path, other: pa.Table, message: str, columns: tuple[Column, ...]
    ) -> None:
        write(tmp_path / "a.parquet")
        write(tmp_path / "b.parquet", other)
        table = people(tmp_path, columns)
        for read in (table.check, table.files, table.lazy):
            with pytest.raises(SchemaMismatchError, match=message):
                read()

    @pytest.mark.parametrize(
        ("columns", "hint"),
        [(COLUMNS, "missing_columns='null'"), ((), "declared columns and missing_columns='null'")],
    )
    def test_are_refused_with_the_option_that_reads_them(
        self, tmp_path: Path, columns: tuple[Column, ...], hint: str
    ) -> None:
        write(tmp_path / "a.parquet")
        write(tmp_path / "b.parquet", ROWS.select(["id"]))
        with pytest.raises(SchemaMismatchError) as raised:
            people(tmp_path, columns).check()
        assert str(raised.value) == (
            f"column people.name is string in {tmp_path}/a.parquet, but absent in "
            f"{tmp_path}/b.parquet: {hint} would read it as null there"
        )

    def test_are_null_where_one_lacks_a_column_and_the_table_says_so(self, tmp_path: Path) -> None:
        write(tmp_path / "b.parquet")
        write(tmp_path / "a.parquet", ROWS.select(["id"]))
        table = replace(people(tmp_path), missing_columns="null")
        table.check()
        assert table.rows() == 4
        assert table.arrow_schema().names == ["id", "name"]
        assert sorted(table.lazy().collect().rows(), key=str) == [
            (1, "ada"),
            (1, None),
            (2, None),
            (2, None),
        ]
        plan = table.lazy([Filter("name", "=", "ada")], ["id"]).explain()
        assert 'SELECTION: col("name") == "ada"' in plan
        assert "FILTER" not in plan
        assert table.lazy([Filter("name", "=", "ada")], ["id"]).collect().rows() == [(1,)]

    @pytest.mark.parametrize(
        ("other", "message"),
        [
            (
                pa.table({"name": ["x"]}),
                "column people.id, declared as not null, is absent in {}/b.parquet",
            ),
            (
                pa.table({"id": [1], "extra": [2]}),
                (
                    "table people has a column extra that its declaration lacks, in {}/b.parquet; "
                    "declared are id, name"
                ),
            ),
            (
                pa.table({"id": [1], "name": [2]}),
                "column people.name is string in {0}/a.parquet, but int64 in {0}/b.parquet",
            ),
            (
                pa.table({"id": [1], "Name": ["x"]}),
                (
                    "table people: some files have name, some Name, and one that is absent would "
                    "be taken for the other: rename one"
                ),
            ),
        ],
    )
    def test_may_lack_columns_and_no_more(
        self, tmp_path: Path, other: pa.Table, message: str
    ) -> None:
        write(tmp_path / "a.parquet")
        write(tmp_path / "b.parquet", other)
        table = replace(people(tmp_path), missing_columns="null")
        for read in (table.check, table.lazy):
            with pytest.raises(SchemaMismatchError) as raised:
                read()
            assert str(raised.value) == message.format(tmp_path)

    def test_are_read_below_directories_that_a_filter_leaves(self, tmp_path: Path) -> None:
        """Where no file that is left has a column, another one has it."""
        write(tmp_path / "day=1" / "a.parquet", ROWS.select(["id"]))
        write(tmp_path / "day=2" / "b.parquet")
        table = ParquetTable(
            name="people",
            location=str(tmp_path),
            columns=(*COLUMNS, Column("day", pa.int64())),
            partitioned_by=("day",),
            missing_columns="null",
        )
        for day, names in {1: [None, None], 2: ["ada", None], 3: []}.items():
            found = table.lazy([Filter("day", "=", day)]).collect()
            assert found["name"].to_list() == names
            assert found.schema == {"id": pl.Int64, "name": pl.String, "day": pl.Int64}

    def test_only_in_the_encoding_or_the_order_are_one_table(self, tmp_path: Path) -> None:
        encoded = ROWS.set_column(1, "name", ROWS["name"].dictionary_encode())
        viewed = ROWS.cast(pa.schema({"id": pa.int64(), "name": pa.string_view()}))
        for number, rows in enumerate([encoded, ROWS, viewed, ROWS.select(["name", "id"])]):
            write(tmp_path / f"{number}.parquet", rows)
        found = people(tmp_path).lazy([Filter("name", "=", "ada")]).collect()
        assert found.rows() == [(1, "ada")] * 4
        assert found.schema == {"id": pl.Int64, "name": pl.String}


class TestNotNull:
    def test_holds_where_statistics_show_it(self, tmp_path: Path) -> None:
        pl.DataFrame({"id": [1, 2], "name": ["a", None]}).write_parquet(tmp_path / "a.parquet")
        assert people(tmp_path).arrow_schema().field("id").nullable, "Polars knows no NOT NULL"
        people(tmp_path).check()

    def test_fails_where_one_file_has_a_null(self, tmp_path: Path) -> None:
        write(tmp_path / "a.parquet")
        write(tmp_path / "b.parquet", pa.table({"id": pa.array([None, 1]), "name": ["a", "b"]}))
        with pytest.raises(SchemaMismatchError, match=r"people\.id may be null"):
            people(tmp_path).check()

    def test_fails_where_there_are_no_statistics(self, tmp_path: Path) -> None:
        pq.write_table(ROWS, tmp_path / "a.parquet", write_statistics=False)
        with pytest.raises(SchemaMismatchError, match=r"people\.id may be null"):
            people(tmp_path).check()

    def test_holds_without_rows(self, tmp_path: Path) -> None:
        write(tmp_path / "a.parquet", ROWS.slice(0, 0))
        people(tmp_path).check()


@pytest.mark.parametrize("content", [b"", b"PAR1", b"PAR1 nothing of the kind PAR1", b"x" * 1000])
def test_what_is_not_parquet_is_an_error_of_one_line(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.parquet").write_bytes(content)
    for read in (people(tmp_path).check, people(tmp_path).arrow_schema, people(tmp_path).rows):
        with pytest.raises(CatalogError) as caught:
            read()
        message = str(caught.value)
        assert message.startswith(f"table people: cannot read Parquet at {tmp_path}/a.parquet: ")
        assert message.isprintable()


def test_every_type_that_a_file_may_hold_can_be_read(tmp_path: Path) -> None:
    types = [
        *(pa.bool_(), pa.int8(), pa.uint64(), pa.float32(), pa.decimal128(38, 9), pa.date32()),
        *(pa.timestamp(unit, tz) for unit in ("s", "ms", "us", "ns") for tz in (None, "UTC")),
        *(pa.time64("us"), pa.duration("ms"), pa.binary(), pa.large_string(), pa.binary(3)),
        *(pa.list_(pa.int64()), pa.struct({"a": pa.string()}), pa.list_(pa.large_string())),
    ]
    columns = {f"c{number}": pa.array([None], dtype) for number, dtype in enumerate(types)}
    write(tmp_path / "a.parquet", pa.table(columns))
    table = people(tmp_path, ())
    assert table.lazy().collect().row(0) == (None,) * len(types)
    assert table.lazy([Filter("c5", "is null")]).collect().height == 1


def test_decimals_stay_decimals(tmp_path: Path) -> None:
    prices = pa.table({"price": pa.array([Decimal("0.10"), None], pa.decimal128(15, 2))})
    write(tmp_path / "a.parquet", prices)
    found = people(tmp_path, (Column("price", pa.decimal128(15, 2)),)).lazy().collect()
    assert found["price"].to_list() == [Decimal("0.10"), None]


@pytest.mark.parametrize("name", ["polars", "datafusion", "duckdb"])
def test_an_engine_reads_each_footer_once(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    parsed = Mock(wraps=pq.read_metadata)

    def counted(system: fs.FileSystem, file: str) -> pq.FileMetaData:
        read.append(file)
        return read_footer(system, file)

    for part in "ab":
        write(tmp_path / f"k={part}" / "rows.parquet")
    table = replace(
        people(tmp_path), partitioned_by=("k",), columns=(*COLUMNS, Column("k", STRING))
    )
    monkeypatch.setattr("neuralake.catalog.parquet.read_footer", counted)
    monkeypatch.setattr(pq, "read_metadata", parsed)
    registry.start(EngineSpec(name)).open({"people": table}).close()
    assert parsed.call_count == 2
    assert sorted(read) == [f"{tmp_path}/k=a/rows.parquet", f"{tmp_path}/k=b/rows.parquet"]
