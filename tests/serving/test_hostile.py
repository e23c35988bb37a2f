"""Statements meant to do harm: nothing is written, read or leaked, and the server lives."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import deltalake
import numpy as np
import pyarrow as pa
import pytest

from neuralake.catalog.tables import DeltaTable
from neuralake.errors import ServingError
from neuralake.serving.answers import ForbiddenError, LimitError, Limits, RefusedError
from neuralake.serving.options import ServiceOptions
from neuralake.serving.service import Service
from tests.more import few

MIB = 1 << 20
ROWS = 20_000
THRICE = "FROM numbers a, numbers b, numbers c"
FOR_EVER = "WITH RECURSIVE r AS (SELECT 1 x UNION ALL SELECT x FROM r)"


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("lake")
    deltalake.write_deltalake(place / "numbers", pa.table({"n": np.arange(ROWS)}))
    return place


@pytest.fixture(scope="module")
def service(lake: Path) -> Iterator[Service]:
    tables = {"numbers": DeltaTable(name="numbers", location=str(lake / "numbers"))}
    limits = Limits(rows=100_000, time_s=1.0, memory_bytes=256 * MIB)
    service = Service(tables, ServiceOptions(limits=limits, workers=1))
    yield service
    service.close()


def ask(service: Service, sql: str) -> pa.Table:
    answer = service.query(sql)
    return pa.Table.from_batches(list(answer), answer.schema)


@pytest.fixture(autouse=True)
def lives(service: Service) -> Iterator[None]:
    yield
    assert ask(service, "SELECT count(*) AS n FROM numbers").to_pylist() == [{"n": ROWS}]
    assert (service.turns.running, service.heavy_turns.running) == (0, 0)


WRITES = [
    "COPY numbers TO '{place}/stolen.parquet'",
    "COPY (SELECT 1) TO '{place}/stolen.csv' STORED AS CSV",
    "INSERT INTO numbers VALUES (1)",
    "CREATE EXTERNAL TABLE t STORED AS CSV LOCATION '/etc/passwd'",
    "CREATE TABLE t AS SELECT 1",
    "CREATE VIEW v AS SELECT 1",
    "DROP TABLE numbers",
    "UPDATE numbers SET n = 1",
    "DELETE FROM numbers",
    "TRUNCATE TABLE numbers",
    "SET datafusion.execution.batch_size = 1",
    "PREPARE p AS SELECT 1",
    "EXPLAIN SELECT * FROM numbers",
    "EXPLAIN ANALYZE SELECT * FROM numbers",
    "DESCRIBE numbers",
    "BEGIN",
]


@pytest.mark.parametrize("sql", WRITES)
def test_what_is_no_question_is_refused(service: Service, lake: Path, sql: str) -> None:
    before = sorted(lake.rglob("*"))
    with pytest.raises(RefusedError):
        ask(service, sql.format(place=lake))
    assert sorted(lake.rglob("*")) == before


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM '{place}/numbers'",
        'SELECT * FROM "{place}/numbers/_delta_log/00000000000000000000.json"',
        "SELECT * FROM read_parquet('{place}/numbers/*.parquet')",
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM parquet_metadata('{place}/numbers/*.parquet')",
        "SELECT * FROM 'http://127.0.0.1:1/x.parquet'",
        "SELECT * FROM 's3://bucket/x.parquet'",
        "SELECT * FROM information_schema.tables",
        "SELECT * FROM information_schema.df_settings",
        "SHOW ALL",
        "SHOW TABLES",
        "SHOW datafusion.execution.batch_size",
        "SHOW CREATE TABLE numbers",
        "SELECT pg_read_file('/etc/passwd')",
        "SELECT getenv('HOME')",
        "SELECT 1; SELECT 2",
        "SELECT missing FROM numbers",
    ],
)
def test_nothing_is_told_of_files_settings_or_the_machine(
    service: Service, lake: Path, sql: str
) -> None:
    with pytest.raises(RefusedError) as refused:
        ask(service, sql.format(place=lake))
    assert "root:" not in str(refused.value)
    if "{place}" not in sql:
        assert str(lake) not in str(refused.value)


@pytest.mark.parametrize(
    ("sql", "limit"),
    few(
        [
            (f"SELECT count(*) {THRICE} WHERE a.n * b.n % 7 = c.n", "time"),
            (f"{FOR_EVER} SELECT sum(x) FROM r", "time"),
            ("SELECT a.n FROM numbers a, numbers b ORDER BY a.n * b.n", "memory"),
            ("SELECT a.n FROM numbers a, numbers b", "rows"),
        ],
        f"SELECT count(*) {THRICE} WHERE a.n * b.n % 7 = c.n",
        "SELECT a.n FROM numbers a, numbers b ORDER BY a.n * b.n",
        "SELECT a.n FROM numbers a, numbers b",
    ),
)
def test_what_goes_on_without_end_is_ended(service: Service, sql: str, limit: str) -> None:
    with pytest.raises(LimitError) as ended:
        ask(service, sql)
    assert ended.value.limit in {limit, "time"}


@pytest.mark.parametrize(
    "sql",
    few(
        [
            "SELECT repeat('x', 2000000000)",
            "SELECT array_agg(repeat('x', 100000)) FROM numbers a, numbers b",
            "SELECT range(0, 20000000000)",
        ]
    ),
)
def test_what_wants_many_gigabytes_is_ended(service: Service, sql: str) -> None:
    with pytest.raises(ServingError):
        ask(service, sql)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT " + "+".join(["n"] * 30_000) + " FROM numbers",
        " UNION ALL ".join(["SELECT 1"] * 15_000),
        "SELECT " + "(" * 50_000 + "1" + ")" * 50_000,
        "SELECT " + "NOT " * 20_000 + "true",
        "SELECT " + "abs(" * 20_000 + "1" + ")" * 20_000,
        "SELECT '" + "x" * (10 * MIB) + "'",
        "\x00" * 1000,
        "SELECT '\ud800'",
    ],
    ids=lambda sql: repr(sql[:30]),
)
def test_text_that_breaks_a_parser_is_refused(service: Service, sql: str) -> None:
    with pytest.raises(ServingError):
        ask(service, sql)


def test_thousands_of_columns_are_answered_or_refused(service: Service) -> None:
    columns = ", ".join(f"{i} AS c{i}" for i in range(10_000))
    with pytest.raises(ServingError):
        ask(service, f"SELECT {columns}")


def test_a_statement_that_may_not_run_long_here_runs_in_a_process_of_its_own(
    service: Service,
) -> None:
    sql = "SELECT count(*) AS n FROM numbers a JOIN numbers b ON a.n = b.n"
    assert ask(service, sql).to_pylist() == [{"n": ROWS}]


def test_only_questions_are_told_from_what_would_change_something(service: Service) -> None:
    with pytest.raises(ForbiddenError):
        ask(service, "DROP TABLE numbers")
