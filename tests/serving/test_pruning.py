"""Of a large table a statement is given what its filter does not rule out, and answers the same."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import deltalake
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from datafusion import SessionContext
from hypothesis import given, settings
from hypothesis import strategies as st

from neuralake.catalog.tables import DeltaTable
from neuralake.delta.rows import PlainFiles
from neuralake.delta.snapshot import DataFile
from neuralake.serving import light_answer
from neuralake.serving.hot import HotTable
from neuralake.serving.options import ServiceOptions
from neuralake.serving.prepared import InMemory, Mixed, answer_batches, make_context, plan
from neuralake.serving.pruning import BatchRanges, Comparison, FileRanges, comparisons
from neuralake.serving.service import Service
from tests.more import drawn

SCHEMA = pa.schema(
    [
        ("n", pa.int64()),
        ("small", pa.int8()),
        ("day", pa.date32()),
        ("moment", pa.timestamp("us", "UTC")),
        ("local", pa.timestamp("us")),
        ("x", pa.float64()),
        ("name", pa.string()),
    ]
)
DAY = dt.date(2026, 1, 1)
NUMBERS = st.none() | st.integers(-5, 5)
IS_FIVE = "SELECT n FROM t WHERE n = 5"
OPERATORS = ("=", "<", "<=", ">", ">=")


def row(number: int | None) -> dict[str, object]:
    if number is None:
        return dict.fromkeys(SCHEMA.names)
    day = DAY + dt.timedelta(number)
    moment = dt.datetime.combine(day, dt.time(12))
    return {
        "n": number,
        "small": number,
        "day": day,
        "moment": moment.replace(tzinfo=dt.UTC),
        "local": moment,
        "x": float("nan") if number == 5 else number / 2,
        "name": f"row {number}",
    }


def rows(*numbers: int | None) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist([row(number) for number in numbers], schema=SCHEMA)


def in_memory(*batches: pa.RecordBatch) -> InMemory:
    ranges = tuple(BatchRanges(batch) for batch in batches)
    count, size = (
        sum(values) for values in zip(*((b.num_rows, b.nbytes) for b in batches), strict=True)
    )
    return InMemory(SCHEMA, batches, count, size, ranges)


def answer(source: InMemory | Mixed, sql: str) -> pa.Table:
    context = make_context(1, 1 << 28)
    source.register(context, "t")
    frame = plan(context, sql, ())
    schema = pa.schema(frame.schema())
    return pa.Table.from_batches(answer_batches(frame, schema), schema)


@cache
def empty() -> SessionContext:
    context = make_context(1, 1 << 28)
    InMemory(SCHEMA, (), 0, 0).register(context, "t")
    return context


def comparisons_of(sql: str) -> list[Comparison]:
    return comparisons(plan(empty(), sql, ()), SCHEMA)


def asked(sql: str) -> list[tuple[str, str, int]]:
    return [(c.column, c.operator, c.value) for c in comparisons_of(sql)]


@st.composite
def conditions(draw: st.DrawFn) -> str:
    number = draw(st.integers(-6, 6))
    day = DAY + dt.timedelta(number)
    column, literal = draw(
        st.sampled_from(
            [
                ("n", str(number)),
                ("n", f"{number}.5"),
                ("small", str(number)),
                ("small", str(number * 1000)),
                ("n + 1", str(number)),
                ("day", f"'{day}'"),
                ("moment", f"'{day}T12:00:00Z'"),
                ("local", f"'{day}T00:00:00'"),
                ("x", str(number)),
                ("name", f"'row {number}'"),
            ]
        )
    )
    operator = draw(st.sampled_from([*OPERATORS, "<>", "IS DISTINCT FROM"]))
    one, other = draw(st.permutations([column, literal])) if operator != "<>" else (column, literal)
    return f"({one} {operator} {other})"


@settings(max_examples=drawn(100))
@given(
    st.lists(st.lists(NUMBERS, min_size=1, max_size=4), min_size=1, max_size=4),
    st.lists(conditions(), min_size=1, max_size=3),
    st.sampled_from([" AND ", " OR ", " AND NOT "]),
)
def test_what_is_ruled_out_changes_no_answer(
    batches: list[list[int | None]], found: list[str], joined: str
) -> None:
    sql = f"SELECT n, name FROM t WHERE {joined.join(found)}"
    whole = in_memory(*(rows(*numbers) for numbers in batches))
    needed = whole.needed(comparisons_of(sql))
    assert answer(needed, sql).equals(answer(whole, sql))


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ("n >= 3", [("n", ">=", 3)]),
        ("3 > n", [("n", "<", 3)]),
        ("n BETWEEN 2 AND 4", [("n", ">=", 2), ("n", "<=", 4)]),
        ("small = 3 AND name > 'a'", [("small", "=", 3)]),
        ("day < '1970-01-03'", [("day", "<", 2)]),
        ("moment >= '1970-01-01T00:00:01Z'", [("moment", ">=", 1_000_000)]),
        ("n = 1 OR n = 3", []),
        ("NOT (n = 1)", []),
        ("n <> 1", []),
        ("n > 1.5", []),
        ("n > small", []),
        ("n + 1 > 3", []),
        ("x > 1", []),
        ("n IS NULL", []),
        ("n = NULL", []),
        ("n IN (SELECT 1)", []),
    ],
)
def test_only_comparisons_that_hold_for_every_row_rule_anything_out(
    condition: str, found: list[tuple[str, str, int]]
) -> None:
    assert sorted(asked(f"SELECT count(*) FROM t WHERE {condition}")) == sorted(found)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM (SELECT n + 1 AS n FROM t) AS u WHERE n > 3",
        "SELECT count(*) FILTER (WHERE n > 3) FROM t",
        "SELECT n, count(*) FROM t GROUP BY n HAVING count(*) > 3",
        "SELECT a.n FROM t AS a JOIN t AS b ON a.n = b.n WHERE a.n > 3",
        "SELECT n FROM t WHERE n > 3 UNION ALL SELECT n FROM t",
    ],
)
def test_a_filter_of_something_else_rules_nothing_out(sql: str) -> None:
    assert asked(sql) == []


class TestFiles:
    """Files tell by their footers."""

    @pytest.fixture
    def files(self, tmp_path: Path) -> Mixed:
        """Rows 0 to 3 in memory; 10 to 13 and 20 to 23 in files."""
        place = tmp_path / "t"
        for start in (10, 20):
            batch = rows(*range(start, start + 4))
            deltalake.write_deltalake(place, pa.table(batch), mode="append")
        hot = HotTable(DeltaTable(name="t", location=str(place)), 1 << 30, large_bytes=1)
        source = hot.snapshot().source
        assert isinstance(source, Mixed)
        return Mixed(in_memory(rows(0, 1, 2, 3)), source.files)

    @pytest.mark.parametrize(
        ("condition", "in_memory"),
        [
            ("n < 10", True),
            ("n <= 10", False),
            ("n = 15", True),
            ("n = 11", False),
            ("day > '2026-01-24'", True),
            ("moment < '2026-01-05T00:00:00Z'", True),
            ("name = 'row 2'", False),
        ],
    )
    def test_without_a_file_that_is_needed_the_answer_is_in_memory(
        self, files: Mixed, condition: str, in_memory: bool
    ) -> None:
        sql = f"SELECT count(*) AS n FROM t WHERE {condition}"
        needed = files.needed(comparisons_of(sql))
        assert isinstance(needed, InMemory) == in_memory
        assert answer(needed, sql).equals(answer(files, sql))

    @pytest.mark.parametrize(
        "stored",
        [
            pa.table({"n": pa.array([5], pa.int32())}),
            pa.table({"n": pa.array([{"n": 5}])}),
            pa.table({"other": [5]}),
            pa.table({"n": pa.array([5, None], pa.int64())}),
        ],
        ids=["another type", "a struct", "absent", "in it"],
    )
    def test_a_footer_that_may_mean_something_else_rules_nothing_out(
        self, tmp_path: Path, stored: pa.Table
    ) -> None:
        file = tmp_path / "odd.parquet"
        pq.write_table(stored, file)
        odd = [DataFile(str(file), {})]
        assert FileRanges().needed(PlainFiles(SCHEMA, odd), comparisons_of(IS_FIVE)) == odd

    def test_nulls_alone_fulfil_no_comparison(self, tmp_path: Path) -> None:
        file = tmp_path / "nulls.parquet"
        pq.write_table(pa.table({"n": pa.array([None, None], pa.int64())}), file)
        nulls = PlainFiles(SCHEMA, [DataFile(str(file), {})])
        assert FileRanges().needed(nulls, comparisons_of(IS_FIVE)) == []


@dataclass
class Lake:
    """A table of 1,000 rows in memory and 1,000 in a file, and what serves it."""

    place: Path
    service: Service

    def ask(self, sql: str) -> list[dict[str, object]]:
        found = self.service.query(sql)
        self.kind = type(found).__name__
        answer: list[dict[str, object]] = pa.Table.from_batches(found, found.schema).to_pylist()
        return answer


@pytest.fixture
def lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lake]:
    monkeypatch.setattr(light_answer, "_FEW_ROWS", 100)
    place = tmp_path / "t"
    wide = pa.table({"n": pa.array(range(1000)), "text": [f"{i * 7919:064d}" for i in range(1000)]})
    deltalake.write_deltalake(place, wide)
    large = sum(file.stat().st_size for file in place.glob("*.parquet"))
    for start in range(1000, 2000, 100):
        table = pa.table({"n": pa.array(range(start, start + 100)), "text": ["x"] * 100})
        deltalake.write_deltalake(place, table, mode="append")
    options = ServiceOptions(hot_bytes=1 << 30, large_file_bytes=large)
    service = Service({"t": DeltaTable(name="t", location=str(place))}, options)
    yield Lake(place, service)
    service.close()


def test_a_question_of_the_newest_rows_is_answered_without_a_look_at_the_others(lake: Lake) -> None:
    assert lake.ask("SELECT count(*) AS n, min(n) AS least FROM t WHERE n >= 1500") == [
        {"n": 500, "least": 1500}
    ]
    assert lake.kind == "LightAnswer"
    assert lake.ask("SELECT count(*) AS n FROM t WHERE n >= 999") == [{"n": 1001}]
    assert lake.kind == "FencedAnswer"


def test_what_is_committed_afterwards_is_in_the_next_answer(lake: Lake) -> None:
    sql = "SELECT count(*) AS n FROM t WHERE n >= 1950"
    assert lake.ask(sql) == [{"n": 50}]
    more = pa.table({"n": pa.array([5, 1999]), "text": ["y", "y"]})
    deltalake.write_deltalake(lake.place, more, mode="append")
    assert lake.ask(sql) == [{"n": 51}]
    deltalake.DeltaTable(lake.place).delete("n >= 1990")
    assert lake.ask(sql) == [{"n": 40}]
    deltalake.DeltaTable(lake.place).optimize.compact()
    assert lake.ask(sql) == [{"n": 40}]


def test_a_range_is_looked_up_once() -> None:
    ranges = BatchRanges(rows(3, None, -2))
    assert [ranges.of("n"), ranges.of("n"), ranges.of("small")] == [(-2, 3)] * 3
    assert BatchRanges(rows(None)).of("n") is None
    assert ranges.of("day") == tuple(
        pc.min_max(ranges.batch["day"])[end].value for end in ("min", "max")
    )
