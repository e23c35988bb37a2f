"""Every engine reads the rows that a table has, however it was written."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from functools import cache, partial
from itertools import product
from pathlib import Path
from tempfile import mkdtemp

import pyarrow as pa
import pytest

from neuralake.catalog.tables import DeltaTable, ParquetTable, Table
from neuralake.engines import registry
from neuralake.engines.protocol import Engine, Session
from neuralake.engines.registry import EngineSpec
from neuralake.errors import EngineError
from neuralake.queries.answers import Answer, compare
from neuralake.queries.query import parse_query
from neuralake.storage import one_line
from neuralake.workloads.table_faults import count_rows, miscounted
from tests.engines.others import CASES, Case

# Where an engine would read other rows, and no reader of ours can help it
REFUSED = {
    ("spark", "durations in seconds"): r"expected duration\[us\]",
    ("spark", "empty partition values"): "empty string, which means null",
    ("spark", "an empty partition value beside a null"): "empty string, which means null",
}
# What Daft answers with an error of its own, and never with other rows
DAFT_FILTERS_NO = {"times of old within": "Incorrect datatype for StructArray field"}
EVERYTHING = parse_query("everything", "SELECT * FROM t")
# Spark takes seconds a table: by default one of each way in which it is made to read one, but of
# deleted rows and mapped names, which it reads in tables that the writer wrote or kept, and of
# wider types, which Delta Lake itself has brought into the world
OF_SPARK = (
    "names that are patterns",
    "empty partition values",
    "times of old",
    "unsigned numbers",
)
OF_SLOW = (*OF_SPARK, "wider types", "deleted rows", "renamed columns")

Make = Callable[[str], Case]
Opened = tuple[Session, Table, pa.Table]
Open = Callable[[str], Opened]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Make:
    """Makes a table once for all tests, which only read it."""
    root = tmp_path_factory.mktemp("tables")
    return cache(lambda case: CASES[case](Path(mkdtemp(dir=root)) / "t"))


def open_case(engine: Engine, sessions: ExitStack, made: Make, case: str) -> Opened:
    """A table with its rows, in a session that is closed with the others."""
    table, expected = made(case)
    session = engine.open({"t": table})
    sessions.callback(session.close)
    return session, table, expected


@pytest.fixture(scope="module")
def opened(engine: Engine, made: Make) -> Iterator[Open]:
    """Opens a table of others once for all questions: Spark takes seconds for it."""
    with ExitStack() as sessions:
        yield cache(partial(open_case, engine, sessions, made))


@pytest.mark.more_of("sail", "daft", but=OF_SLOW)
@pytest.mark.more_of("spark", but=OF_SPARK)
@pytest.mark.parametrize("case", CASES)
def test_the_rows_are_those_of_the_table(engine: Engine, opened: Open, case: str) -> None:
    if (engine.name, case) in REFUSED:
        with pytest.raises(EngineError, match=f"table t: .*{REFUSED[engine.name, case]}"):
            opened(case)
        return
    session, table, expected = opened(case)
    found = session.execute("SELECT * FROM t")
    assert found.column_names == expected.column_names
    mismatch = compare(Answer.of(found), Answer.of(expected), EVERYTHING)
    assert mismatch is None, f"{mismatch}\n{found}"
    counts, uncounted = count_rows(engine.name, session, {"t": table}, one_line)
    assert (uncounted, miscounted(engine.name, counts)) == ({}, {})
    first = expected.column_names[0]
    counted = session.execute(f'SELECT COUNT("{first}") AS n FROM t').column(0)[0].as_py()
    assert counted == expected.num_rows - expected.column(0).null_count


@pytest.mark.more_of("sail", "daft", but=OF_SLOW)
@pytest.mark.more_of("spark")
@pytest.mark.parametrize("case", CASES)
def test_nulls_are_found_in_every_column(engine: Engine, opened: Open, case: str) -> None:
    if (engine.name, case) in REFUSED:
        return
    if engine.name == "daft" and case in DAFT_FILTERS_NO:
        with pytest.raises(Exception, match=DAFT_FILTERS_NO[case]):
            ask_for_nulls(opened(case), without_rows=True)
        return
    # Spark takes a quarter of a second a question: here it is asked what has rows to be lost
    ask_for_nulls(opened(case), without_rows=engine.name != "spark")


@pytest.mark.more
@pytest.mark.parametrize("engine", ["spark"], indirect=True)
@pytest.mark.parametrize("case", CASES)
def test_spark_finds_no_null_where_none_is(engine: Engine, opened: Open, case: str) -> None:
    if (engine.name, case) not in REFUSED:
        ask_for_nulls(opened(case), without_rows=True)


def ask_for_nulls(opened: Opened, *, without_rows: bool) -> None:
    """Count the rows with and without a null in each column, as an engine may prune them."""
    session, _, expected = opened
    for name, column in zip(expected.column_names, expected.columns, strict=True):
        for condition, rows in (
            ("IS NULL", column.null_count),
            ("IS NOT NULL", len(column) - column.null_count),
        ):
            if rows or without_rows:
                found = session.execute(f'SELECT "{name}" AS c FROM t WHERE "{name}" {condition}')
                assert found.num_rows == rows, f"{name} {condition}"


def test_the_least_and_the_greatest_are_those_of_all_files(engine: Engine, opened: Open) -> None:
    session, _, _ = opened("a file with nulls alone")
    # DataFusion 55 answers so and so, by which file is read first
    for _ in range(10 if engine.name == "datafusion" else 1):
        found = session.execute("SELECT MIN(id) AS a, MAX(id) AS b FROM t")
        assert found.to_pylist() == [{"a": -7, "b": 5}]


@pytest.mark.parametrize("case", CASES)
def test_the_catalog_reads_the_same_rows(case: str, made: Make) -> None:
    table, expected = made(case)
    assert isinstance(table, DeltaTable | ParquetTable)
    found = table.lazy().collect().to_arrow()
    assert compare(Answer.of(found), Answer.of(expected), EVERYTHING) is None
    assert table.rows() == expected.num_rows


@pytest.mark.more_of("spark")  # which leaves statistics out for a NaN, too
def test_the_greatest_decimals_are_found_whatever_the_log_says(
    opened: Open,
) -> None:
    session, _, rows = opened("decimals that the log rounds")
    for name, kind in zip("cde", rows.schema.types, strict=False):
        greatest = rows.column(name)[0].as_py()
        literal = f"CAST('{greatest:f}' AS DECIMAL({kind.precision}, {kind.scale}))"
        for sign in ("=", ">="):
            found = session.execute(f"SELECT COUNT(*) AS n FROM t WHERE {name} {sign} {literal}")
            assert found.to_pylist() == [{"n": 1}], f"{name} {sign} {literal}"
        found = session.execute(f"SELECT MAX({name}) AS m FROM t")
        assert found.to_pylist() == [{"m": greatest}]


@pytest.mark.more_of("spark", but=("times of old",))
@pytest.mark.parametrize("case", ["times of old", "partitions of every type"])
def test_a_moment_is_compared_with_a_text(engine: Engine, opened: Open, case: str) -> None:
    session, _, rows = opened(case)
    moment = datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)
    later = sum(value.as_py() > moment for value in rows.column("ts") if value.is_valid)
    question = "SELECT COUNT(*) AS n FROM t WHERE ts > {} '2024-01-02 03:04:05'"
    if engine.name == "daft":
        with pytest.raises(Exception, match="Cannot perform comparison on types"):
            session.execute(question.format(""))
        return
    assert session.execute(question.format("")).to_pylist() == [{"n": later}]
    clock = question.format("TIMESTAMP")  # which an engine takes for one of UTC, or refuses
    if engine.name == "polars":
        with pytest.raises(EngineError, match="write the moment as a text, such as column >= '2"):
            session.execute(clock)
    else:
        assert session.execute(clock).to_pylist() == [{"n": later}]


def test_what_is_made_for_a_session_goes_with_it(tmp_path: Path) -> None:
    table, _ = CASES["files beside those of the snapshot"](tmp_path / "t")
    engine = registry.start(EngineSpec("datafusion"))
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tempfile.tempdir", str(temporary))
        session = engine.open({"t": table})
        assert len(list(temporary.rglob("*.parquet"))) == 2
        session.close()
    assert list(temporary.iterdir()) == []


class TestReadersAreRecorded:
    @pytest.mark.parametrize(
        ("name", "case", "reader"),
        [
            ("polars", "deleted rows", "scan-delta"),
            ("polars", "deleted rows of partitions", "arrow"),
            ("polars", "partitions below a directory like one", "arrow"),
            ("datafusion", "columns found by id", "arrow"),
            ("polars", "renamed columns", "arrow"),
            ("polars", "decimals that the log rounds", "arrow"),
            ("polars", "partitions with a struct of which little is told", "arrow"),
            ("polars", "times of old within", "arrow"),
            ("datafusion", "renamed columns", "table-provider"),
            ("datafusion", "deleted rows", "arrow"),
            ("datafusion", "wider types", "arrow"),
            ("duckdb", "wider types", "arrow"),
            ("sail", "a directory that is a pattern", "arrow"),
            ("sail", "unsigned numbers", "arrow"),
            ("sail", "decimals that the log rounds", "arrow"),
            ("daft", "deleted rows", "arrow"),
            ("daft", "columns that came later", "arrow"),
            ("daft", "one type in three encodings", "arrow"),
            ("daft", "renamed columns", "arrow"),
            ("duckdb", "no rows", "arrow"),
            ("duckdb", "one text and nulls", "without-statistics"),
            ("duckdb", "one text and nulls in partitions", "without-statistics"),
        ],
    )
    def test_where_the_default_cannot(self, name: str, case: str, reader: str, made: Make) -> None:
        table, _ = made(case)
        engine = registry.start(EngineSpec(name))
        engine.open({"t": table}).close()
        assert engine.settings["readers"] == {"t": reader}

    @pytest.mark.parametrize(
        ("name", "case"),
        [
            *product(
                ["polars", "datafusion", "duckdb", "sail"],
                ["partitioned then not", "times of old", "columns that came later"],
            ),
            ("datafusion", "partitions of every type"),
            ("datafusion", "empty partition values"),
            ("daft", "partitioned then not"),
            ("daft", "a file with nulls alone"),
        ],
    )
    def test_not_where_it_can(self, name: str, case: str, made: Make) -> None:
        table, _ = made(case)
        engine = registry.start(EngineSpec(name))
        engine.open({"t": table}).close()
        assert "readers" not in engine.settings


@pytest.mark.parametrize("case", CASES)
def test_a_reader_that_is_asked_for_serves_what_it_reads_rightly(case: str, made: Make) -> None:
    table, expected = made(case)
    for name, reader in (("polars", "scan-delta"), ("datafusion", "table-provider")):
        engine = registry.start(EngineSpec(name, {"delta_reader": reader}))
        with closing(engine.open({"t": table})) as session:
            found = session.execute("SELECT * FROM t")
        assert compare(Answer.of(found), Answer.of(expected), EVERYTHING) is None, name


def test_a_filter_of_a_fraction_finds_what_the_engine_itself_finds(made: Make) -> None:
    table, _ = made("deleted rows")
    for name in ("polars", "datafusion", "duckdb", "daft"):
        session = registry.start(EngineSpec(name)).open({"t": table})
        found = session.execute("SELECT COUNT(*) AS n FROM t WHERE x > 0.75")
        assert found.to_pylist() == [{"n": 3}], f"{name}: NaN is above every number"
        session.close()
    assert pa.types.is_integer(found.schema.types[0])
