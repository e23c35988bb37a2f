"""When an answer is right, whatever its format and whatever the types of its engine."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import datafusion
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from neuralake.results.serving.records import Mix
from neuralake.workloads.serving.contestants.messages import (
    parse_json,
    stream_of,
    table_of_rows,
    table_of_stream,
)
from neuralake.workloads.serving.events import CODES, SCHEMA, make_events
from neuralake.workloads.serving.expected import Expected
from neuralake.workloads.serving.requests import Request, Requests

ROWS = 3000
POINT, AGGREGATE = 0, 1
EVENTS = make_events(ROWS, seed=1)
REQUESTS = Requests(Mix({"point": 0.5, "aggregate": 0.5}, "uniform", ROWS))
EXPECTED = Expected(REQUESTS, EVENTS)
Change = Callable[[pa.Table], pa.Table]


def from_stream(body: bytes, _: pa.Schema) -> pa.Table:
    return table_of_stream(body)


def from_json(body: bytes, schema: pa.Schema) -> pa.Table:
    return table_of_rows(parse_json(body), schema)


def stream(table: pa.Table) -> bytes:
    return stream_of(table.schema, table.to_batches())


def judged(request: Request, body: bytes, read: Any = from_stream) -> str | None:
    (verdict,) = EXPECTED.judge([(request, body)], read)
    return verdict.fault


@pytest.fixture(scope="module")
def engine() -> datafusion.SessionContext:
    context = datafusion.SessionContext()
    context.from_arrow(EVENTS, "events")
    return context


def test_the_table_has_keys_and_values_that_no_float_can_tell() -> None:
    assert EVENTS.schema == SCHEMA
    assert EVENTS["id"].to_pylist() == list(range(ROWS))
    assert pc.max(pc.abs_checked(EVENTS["account"].drop_null())).as_py() > 2**53
    assert EVENTS.equals(make_events(ROWS, seed=1))
    assert not EVENTS.equals(make_events(ROWS, seed=2))


@pytest.mark.parametrize("code", [0, 17, 999])
def test_what_an_engine_answers_is_right(engine: datafusion.SessionContext, code: int) -> None:
    """SQL on another engine than what the expectation was made with: its own types included."""
    for request in (Request(POINT, code), Request(AGGREGATE, code)):
        answer = engine.sql(REQUESTS.sql(request)).to_arrow_table()
        assert judged(request, stream(answer)) is None


def test_an_aggregate_without_a_row_is_empty(engine: datafusion.SessionContext) -> None:
    few = make_events(20, seed=1)
    missing = next(code for code in range(CODES) if code not in few["code"].to_pylist())
    expected = Expected(REQUESTS, few)
    assert expected.table(Request(AGGREGATE, missing)).num_rows == 0


def with_value(column: str, value: Any) -> Change:
    def change(table: pa.Table) -> pa.Table:
        index = table.schema.get_field_index(column)
        values = [value, *table[column].to_pylist()[1:]]
        return table.set_column(
            index, table.schema.field(index), pa.array(values, table.schema.types[index])
        )

    return change


CHANGES: dict[str, Change] = {
    "another row": lambda _: EVENTS.slice(8, 1),
    "no row": lambda t: t.slice(0, 0),
    "two rows": lambda t: pa.concat_tables([t, t]),
    "a column less": lambda t: t.drop_columns(["share"]),
    "another name": lambda t: t.rename_columns(["key", *t.schema.names[1:]]),
    "the last digit of 64 bits": lambda t: with_value("account", t["account"][0].as_py() ^ 1)(t),
    "a cent": lambda t: with_value("amount", t["amount"][0].as_py() + Decimal("0.01"))(t),
    "a microsecond": lambda t: t.set_column(
        2, t.schema.field(2), pa.array([t["happened_at"][0].value + 1], t.schema.types[2])
    ),
    "a null": with_value("message", None),
}


@pytest.mark.parametrize("change", CHANGES)
def test_any_difference_is_wrong(change: str) -> None:
    right = EXPECTED.table(Request(POINT, 7))
    assert judged(Request(POINT, 7), stream(right)) is None
    fault = judged(Request(POINT, 7), stream(CHANGES[change](right)))
    assert fault is not None
    assert fault.startswith("point 7")


def test_bytes_that_are_no_answer_are_wrong() -> None:
    for read in (from_stream, from_json):
        fault = judged(Request(POINT, 7), b"<html>", read)
        assert fault is not None
        assert "cannot be read" in fault


def as_json(table: pa.Table) -> list[dict[str, Any]]:
    """Rows as our server and others write them: decimals as strings, times in ISO 8601."""

    def plain(value: Any, dtype: pa.DataType) -> Any:
        if isinstance(value, Decimal):
            return str(value)
        if pa.types.is_timestamp(dtype) and value is not None:
            return value.isoformat()
        if pa.types.is_float32(dtype) and value is not None:
            return float(pa.scalar(value, pa.float32()).cast(pa.string()).as_py())
        return value

    return [{f.name: plain(row[f.name], f.type) for f in table.schema} for row in table.to_pylist()]


def test_json_is_read_without_rounding() -> None:
    for request in (Request(POINT, 7), Request(AGGREGATE, 17)):
        rows = as_json(EXPECTED.table(request))
        assert judged(request, json.dumps(rows).encode(), from_json) is None
    (row,) = as_json(EXPECTED.table(Request(POINT, 7)))
    rounded = {**row, "account": float(row["account"])}
    assert judged(Request(POINT, 7), json.dumps([rounded]).encode(), from_json) is not None
    off = {**row, "amount": str(Decimal(row["amount"]) + Decimal("0.001"))}
    assert judged(Request(POINT, 7), json.dumps([off]).encode(), from_json) is not None
    other_order = dict(reversed(row.items()))
    assert judged(Request(POINT, 7), json.dumps([other_order]).encode(), from_json) is not None


def test_rows_in_another_order_are_wrong_where_an_order_was_asked_for() -> None:
    right = EXPECTED.table(Request(AGGREGATE, 17))
    assert right.num_rows > 1
    backwards = right.sort_by([("device", "descending")])
    assert judged(Request(AGGREGATE, 17), stream(backwards)) is not None
