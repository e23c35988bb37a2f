"""What of a library's error is told: real errors of the engines, and traces as Spark gives them."""

from __future__ import annotations

from collections.abc import Callable

import datafusion
import duckdb
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuralake.errors import reason_of, telling_part

JAVA_TRACE = """\
An error occurred while calling o64.getResult.
: org.apache.spark.SparkException: Exception thrown in awaitResult: 
\tat org.apache.spark.util.SparkThreadUtils$.awaitResult(SparkThreadUtils.scala:70)
\tat java.base/java.lang.Thread.run(Thread.java:840)
Caused by: {cause}
\tat org.apache.spark.scheduler.Task.run(Task.scala:171)
\t... 25 more
"""  # noqa: W291 (as Spark writes it)


def error_of(call: Callable[[], object]) -> BaseException:
    try:
        call()
    except BaseException as error:  # noqa: BLE001 (a Rust panic is not an Exception)
        return error
    raise AssertionError("nothing was raised")


def test_polars_keeps_its_plan_to_itself() -> None:
    frame = pl.LazyFrame({"a": [1]})
    error = error_of(lambda: pl.SQLContext(t=frame).execute("SELECT b FROM t").collect())
    assert "\n" in str(error)
    assert reason_of(error) == 'unable to find column "b"; valid columns: ["a"]'


def test_datafusion_tells_the_innermost_cause() -> None:
    sql = "SELECT CAST('x' AS INT) + a FROM (VALUES (1)) AS t(a)"
    error = error_of(lambda: datafusion.SessionContext().sql(sql).collect())
    assert str(error).startswith("DataFusion error: Optimizer rule")
    assert (
        reason_of(error) == "Arrow error: Cast error: Cannot cast string 'x' to value of Int32 type"
    )


def test_datafusion_hides_why_it_cannot_read_deletion_vectors() -> None:
    text = (
        "DataFusion error: EnsureCooperative\ncaused by\nFFI error: Error during planning: "
        "DeltaScanExec rejects node CooperativeExec during sequential deletion vector scans"
    )
    assert telling_part(text) == text.partition("caused by\n")[2]


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        (
            "SELECT nope FROM (SELECT 1 AS a)",
            (
                'Binder Error: Referenced column "nope" not found in FROM clause! '
                'Candidate bindings: "a"'
            ),
        ),
        ("SELEC 1", 'Parser Error: syntax error at or near "SELEC"'),
        (
            "SELECT sum('a'::VARCHAR)",
            (
                "Binder Error: No function matches the given name and argument types "
                "'sum(VARCHAR)'. You might need to add explicit type casts."
            ),
        ),
    ],
)
def test_duckdb_keeps_its_hint_and_not_the_excerpt(sql: str, told: str) -> None:
    assert reason_of(error_of(lambda: duckdb.connect().execute(sql))) == told


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            (
                "\n[PARSE_SYNTAX_ERROR] Syntax error at or near 'SELEC'. SQLSTATE: 42601 "
                "(line 1, pos 0)\n\n== SQL ==\nSELEC 1\n^^^\n"
            ),
            "[PARSE_SYNTAX_ERROR] Syntax error at or near 'SELEC'. (line 1, pos 0)",
        ),
        (
            (
                "[MISSING_GROUP_BY] The query does not include a GROUP BY clause. SQLSTATE: 42803; "
                "line 1 pos 0;\nAggregate [a#1, count(1) AS n#2L]\n+- SubqueryAlias t\n"
            ),
            "[MISSING_GROUP_BY] The query does not include a GROUP BY clause. line 1 pos 0",
        ),
        (
            (
                "[DIVIDE_BY_ZERO] Division by zero. SQLSTATE: 22012\n"
                "== SQL (line 1, position 8) ==\nSELECT 1/0\n       ^^^\n"
            ),
            "[DIVIDE_BY_ZERO] Division by zero.",
        ),
        (
            JAVA_TRACE.format(
                cause="org.apache.spark.SparkException: [SCALAR_SUBQUERY_TOO_MANY_ROWS] More than "
                "one row returned by a subquery. SQLSTATE: 21000\n== SQL (line 1, position 8) =="
            ),
            "[SCALAR_SUBQUERY_TOO_MANY_ROWS] More than one row returned by a subquery.",
        ),
        (
            JAVA_TRACE.format(
                cause="org.apache.spark.SparkException: [FAILED_READ_FILE.NO_HINT] Encountered "
                "error while reading file file:/t/1. SQLSTATE: KD001\n"
                "\tat org.apache.spark.sql.FileScanRDD.next(FileScanRDD.scala:1)\n"
                "Caused by: java.lang.RuntimeException: file:/t/1 is not a Parquet file"
            ),
            (
                "[FAILED_READ_FILE.NO_HINT] Encountered error while reading file file:/t/1. "
                "(caused by RuntimeException: file:/t/1 is not a Parquet file)"
            ),
        ),
        (
            JAVA_TRACE.format(cause="java.io.IOException: No space left on device"),
            "IOException: No space left on device",
        ),
        (
            JAVA_TRACE.format(
                cause="java.io.IOException: cannot read the footer\n\tat a.B.c(B.java:1)\n"
                "Caused by: java.lang.NullPointerException"
            ),
            "IOException: cannot read the footer",
        ),
        (
            (
                "An error occurred while calling o1.nothing. Trace:\n"
                "py4j.Py4JException: Method nothing([]) does not exist\n"
                "\tat py4j.reflection.ReflectionEngine.getMethod(ReflectionEngine.java:321)\n"
            ),
            "Py4JException: Method nothing([]) does not exist",
        ),
    ],
    ids=["parser", "plan", "excerpt", "trace", "its cause", "Java", "no message", "py4j"],
)
def test_spark_tells_its_condition_or_the_java_exception(text: str, told: str) -> None:
    assert telling_part(text) == told


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (ValueError("one\nand two"), "one and two"),
        (ValueError("\x1b[31mred\x1b[0m\n\n   0: std::backtrace\n   1: main"), "red"),
        (
            ValueError("several faults:\n\n- the first\n\n- the second"),
            "several faults: - the first",
        ),
        (
            OSError(
                "Could not create local directory: /lake/t\n"
                'Error: Os { code: 30, kind: ReadOnlyFilesystem, message: "Read-only file system" }'
            ),
            "Could not create local directory: /lake/t: Read-only file system",
        ),
        (
            OSError('Os { code: 13, kind: PermissionDenied, message: "Permission denied" }'),
            "Permission denied",
        ),
        (KeyError("n_name"), "KeyError: 'n_name'"),
        (ValueError(), "ValueError"),
        (ValueError("the [ORDER_ID] column"), "the [ORDER_ID] column"),
    ],
)
def test_any_other_error_is_its_first_paragraph(error: Exception, told: str) -> None:
    assert reason_of(error) == told


def test_an_error_without_words_gives_its_cause() -> None:
    error = ValueError()
    error.__cause__ = OSError("the disk is gone")
    assert reason_of(error) == "ValueError: the disk is gone"


def test_an_error_that_cannot_say_what_it_is_gives_its_type() -> None:
    class GoneError(Exception):
        def __str__(self) -> str:
            raise ConnectionError("the JVM is gone")

    assert reason_of(GoneError()) == "GoneError"


def test_secrets_are_hidden() -> None:
    assert reason_of(ValueError("key abc refused"), ["abc"]) == "key *** refused"


@given(st.text())
def test_whatever_is_said_is_one_short_line_that_is_not_empty(text: str) -> None:
    told = reason_of(ValueError(text))
    assert told
    assert told.isprintable()
    assert len(told) <= 301
