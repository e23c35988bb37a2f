"""Tables that a Python function makes."""

import pickle
import subprocess
import sys
import textwrap
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pytest

from neuralake.catalog import (
    Catalog,
    Column,
    Database,
    Filter,
    FunctionTable,
    load_catalog,
    table,
)
from neuralake.config import Settings
from neuralake.errors import CatalogError, SchemaMismatchError

COLUMNS = (Column("id", pa.int64(), nullable=False), Column("name", pa.string()))


def returning(value: Any, columns: tuple[Column, ...] = COLUMNS) -> FunctionTable:
    return FunctionTable(name="people", function=lambda: value, columns=columns)


def people_frame() -> pl.DataFrame:
    return pl.DataFrame({"id": [1, 2], "name": ["ada", None]})


class TestDecorator:
    def test_alone_takes_the_name_and_the_first_line_of_the_docstring(self) -> None:
        @table
        def people() -> pl.DataFrame:
            """Who is there.

            More than a line.
            """
            return people_frame()

        assert (people.name, people.description, people.columns) == ("people", "Who is there.", ())

    def test_with_arguments_goes_before_both(self) -> None:
        @table(name="folk", description="All of them.", columns=COLUMNS, primary_key=("id",))
        def people() -> pl.DataFrame:
            """Who is there."""
            return people_frame()

        assert (people.name, people.description) == ("folk", "All of them.")
        assert (people.columns, people.primary_key) == (COLUMNS, ("id",))

    def test_refuses_a_parameter_that_nothing_fills(self) -> None:
        with pytest.raises(CatalogError, match="parameter year of its function has no default"):

            @table
            def people(year: int) -> None: ...

    def test_refuses_parameters_without_a_name(self) -> None:
        with pytest.raises(CatalogError, match="parameter args"):

            @table
            def people(*args: int) -> None: ...


class TestRows:
    @pytest.mark.parametrize(
        "made",
        [
            people_frame(),
            people_frame().lazy(),
            people_frame().to_arrow(),
            people_frame().select("name", "id"),
            people_frame().with_columns(pl.col("name").cast(pl.Categorical)),
        ],
        ids=["DataFrame", "LazyFrame", "Arrow", "other order", "categorical"],
    )
    def test_are_the_same_from_whatever_is_returned(self, made: Any) -> None:
        people = returning(made)
        people.check()
        rows = people.arrow()
        assert rows.schema.types == [pa.int64(), pa.string()]
        assert rows.to_pylist() == [{"id": 1, "name": "ada"}, {"id": 2, "name": None}]
        assert people.lazy().collect().rows() == [(1, "ada"), (2, None)]

    def test_of_an_open_schema_have_plain_types(self) -> None:
        assert returning(people_frame(), ()).arrow().schema.types == [pa.int64(), pa.string()]

    @pytest.mark.parametrize(
        ("made", "message"),
        [
            (people_frame().drop("name"), "people has no column name"),
            (people_frame().with_columns(x=1), "people has a column x that"),
            (people_frame().cast({"id": pl.Int32}), r"people\.id is int32, declared as int64"),
            (people_frame().cast({"id": pl.String}).lazy(), r"people\.id is (large_)?string"),
            (people_frame().with_columns(id=pl.lit(None, pl.Int64)), r"people\.id may be null"),
            (people_frame().lazy().with_columns(id=None).cast({"id": pl.Int64}), "id may be null"),
        ],
    )
    def test_that_differ_from_the_declaration_are_never_seen(self, made: Any, message: str) -> None:
        people = returning(made)
        for read in (people.check, people.arrow, lambda: people.lazy().collect()):
            with pytest.raises(SchemaMismatchError, match=message):
                read()

    def test_that_are_lazy_stay_lazy_where_no_row_is_needed_to_check_them(
        self, tmp_path: Path
    ) -> None:
        people_frame().write_parquet(tmp_path / "people.parquet")
        scan = pl.scan_parquet(tmp_path / "people.parquet")
        people = returning(scan, (Column("id", pa.int64()), Column("name", pa.string())))
        plan = people.lazy([Filter("id", "=", 1)], ["name"]).explain()
        assert "Parquet SCAN" in plan
        assert "SELECTION: " in plan

    def test_may_be_decimals(self) -> None:
        prices = pl.DataFrame({"p": [Decimal("0.10")]}, schema={"p": pl.Decimal(15, 2)})
        assert returning(prices, (Column("p", pa.decimal128(15, 2)),)).arrow().to_pylist() == [
            {"p": Decimal("0.10")}
        ]

    @pytest.mark.parametrize("lazily", [False, True])
    def test_that_are_python_objects_are_refused(self, lazily: bool) -> None:
        """Arrow would be given where they lie in memory."""
        frame = pl.DataFrame({"id": [1], "what": pl.Series([object()], dtype=pl.Object())})
        made = returning(frame.lazy() if lazily else frame, ())
        for read in (made.arrow, made.arrow_schema, made.lazy):
            with pytest.raises(CatalogError, match="people: its function returned column what as"):
                read()

    @pytest.mark.parametrize("made", [None, {"id": [1]}, [people_frame()], pl.Series([1])])
    def test_are_an_error_if_they_are_none(self, made: Any) -> None:
        with pytest.raises(
            CatalogError, match=f"returned {type(made).__name__}: expected a Polars"
        ):
            returning(made).arrow()


class TestFailure:
    def test_of_the_function_is_one_line_that_names_the_table(self) -> None:
        @table
        def people() -> None:
            raise ValueError("no such\nthing")

        with pytest.raises(CatalogError) as caught:
            people.arrow()
        message = "table people: its function failed with ValueError: no such thing"
        assert str(caught.value) == message

    def test_of_a_lazy_frame_too(self) -> None:
        with pytest.raises(CatalogError, match="table people: its function failed with ColumnNot"):
            returning(people_frame().lazy().select("none")).arrow_schema()


class TestArguments:
    @staticmethod
    @table
    def numbers(count: int = 2) -> pl.LazyFrame:
        return pl.LazyFrame({"n": range(count)})

    def test_have_defaults(self) -> None:
        assert self.numbers.arrow().num_rows == 2

    def test_can_be_given(self) -> None:
        assert self.numbers.with_arguments(count=5).arrow().num_rows == 5
        assert self.numbers.arrow().num_rows == 2, "the declared table is as it was"

    def test_must_be_parameters(self) -> None:
        with pytest.raises(CatalogError, match="table numbers has no parameter size: it has count"):
            self.numbers.with_arguments(size=5)


class TestTablesOfTheCatalog:
    @staticmethod
    @table
    def people() -> pl.DataFrame:
        return people_frame()

    @staticmethod
    @table
    def named(catalog: Catalog) -> pl.LazyFrame:
        return catalog.table("people").lazy([Filter("name", "is not null")])

    @staticmethod
    @table
    def this(catalog: Catalog) -> pl.LazyFrame:
        return catalog.table("that").lazy()

    @staticmethod
    @table
    def that(catalog: Catalog) -> pl.LazyFrame:
        return catalog.table("this").lazy()

    def test_can_be_read(self) -> None:
        catalog = Catalog((Database("shop", (self.people, self.named)),))
        assert catalog.table("named").lazy().collect().rows() == [(1, "ada")]
        assert catalog.tables()["named"].arrow_schema().names == ["id", "name"]

    def test_are_not_there_without_a_catalog(self) -> None:
        with pytest.raises(CatalogError, match=r"made from its catalog: take it with catalog\.tab"):
            self.named.arrow()

    def test_cannot_be_made_from_one_another(self) -> None:
        catalog = Catalog((Database("shop", (self.this, self.that)),))
        with pytest.raises(CatalogError, match="table this is made from itself: this → that → th"):
            catalog.table("this").check()


class TestInAnotherProcess:
    """Engines run in worker processes, to which their tables are sent."""

    CATALOG = """
        import polars as pl
        from beside import SOME
        from neuralake.catalog import table

        @table
        def some():
            return pl.DataFrame({"n": SOME})

        @table
        def most(catalog, least: int = 2):
            return catalog.table("some").lazy().filter(pl.col("n") >= least)
        """

    def test_a_table_of_a_file_is_the_same(self, tmp_path: Path, settings: Settings) -> None:
        (tmp_path / "beside.py").write_text("SOME = [1, 2, 3]\n")
        source = tmp_path / "some-catalog.py"
        source.write_text(textwrap.dedent(self.CATALOG))
        tables = load_catalog(str(source), settings).tables()
        most = tables["most"]
        assert isinstance(most, FunctionTable)
        tables["one"] = most.with_arguments(least=3)
        script = (
            "import pickle, sys; tables = pickle.load(sys.stdin.buffer);"
            "print({name: table.arrow().num_rows for name, table in tables.items()})"
        )
        child = subprocess.run(
            [sys.executable, "-c", script], input=pickle.dumps(tables), stdout=-1, check=True
        )
        assert child.stdout.decode().strip() == "{'some': 3, 'most': 2, 'one': 1}"

    def test_a_plain_function_is_found_too(self) -> None:
        people = FunctionTable(name="people", function=people_frame, columns=COLUMNS)
        assert pickle.loads(pickle.dumps(people)) == people
