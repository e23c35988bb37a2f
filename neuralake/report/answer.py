"""The result of a query, as a table for people or as a format for programs."""

from __future__ import annotations

import base64
import io
import json
import math
from typing import Any, BinaryIO, Literal

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
from rich.console import Console
from rich.text import Text

from neuralake.errors import QueryError, reason_of
from neuralake.queries.plain import plain_batches
from neuralake.queries.values import python_values
from neuralake.report.rows import Column, print_rows
from neuralake.report.text import one_line

Format = Literal["table", "csv", "json", "parquet"]
ROWS_SHOWN = 100
# Days since 1970 of 0001-01-01 and of 9999-12-31, between which all writers agree
_FIRST_DAY, _LAST_DAY = -719_162, 2_932_896
_TICKS_A_DAY = {"s": 86_400, "ms": 86_400 * 10**3, "us": 86_400 * 10**6, "ns": 86_400 * 10**9}


def write_answer(result: pa.Table, format: Format, sink: BinaryIO) -> None:
    """Write a result in a format for programs.

    Parameters
    ----------
    result
        Any result, of any types.
    format
        ``csv`` (with a header), ``json`` (an array of objects) or ``parquet``. What a format has no
        type for is text in it: in JSON decimals, dates and times, so that nothing is lost, and
        numbers that are infinite or none; in CSV lists, structs and maps, as JSON; in both bytes,
        in base64 as the API and the writer have them; in all of them intervals.
    sink
        Receives the bytes.

    Raises
    ------
    QueryError
        If the format cannot hold the result.
    """
    if format == "csv":
        _write_csv(result, sink)
    elif format == "json":
        _write_json(result, sink)
    else:
        _write_parquet(result, sink)


def _write_csv(result: pa.Table, sink: BinaryIO) -> None:
    for number, batch in enumerate(plain_batches(result)):
        plain = [_csv_column(column) for column in batch.columns]
        options = pacsv.WriteOptions(include_header=number == 0)
        pacsv.write_csv(pa.table(plain, names=result.column_names), sink, options)


def _csv_column(column: pa.Array) -> pa.Array:
    dtype = column.type
    if pa.types.is_nested(dtype):
        texts = [None if v is None else _json(v) for v in python_values(column)]
    elif pa.types.is_large_binary(dtype):
        texts = [None if v is None else _base64(v) for v in column.to_pylist()]
    elif pa.types.is_interval(dtype) or _is_spare(dtype) or _is_beyond(column):
        texts = [None if v is None else str(v) for v in python_values(column)]
    else:
        return column
    return pa.array(texts, pa.large_string())


def _is_spare(dtype: pa.DataType) -> bool:
    """Whether the writer of CSV writes a count in place of a time."""
    return bool(pa.types.is_duration(dtype))


def _is_beyond(column: pa.Array) -> bool:
    """Whether a day or a moment is so far that CSV's writer might say ``<value out of range>``."""
    if pa.types.is_date32(column.type):
        a_day, counts = 1, column.cast(pa.int32())
    elif pa.types.is_timestamp(column.type):
        a_day, counts = _TICKS_A_DAY[column.type.unit], column.cast(pa.int64())
    else:
        return False
    least, greatest = pc.min_max(counts).as_py().values()
    return least is not None and (least // a_day < _FIRST_DAY or greatest // a_day > _LAST_DAY)


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode()


def _write_json(result: pa.Table, sink: BinaryIO) -> None:
    names = result.column_names
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise QueryError(
            f"two columns are called {twice[0]}, which JSON cannot hold: expected an alias of its "
            f"own for each, or --format csv"
        )
    before = b"["
    for batch in plain_batches(result):
        columns = [python_values(column) for column in batch.columns]
        for row in zip(*columns, strict=True):
            sink.write(before + b"\n " + _json(dict(zip(names, row, strict=True))).encode())
            before = b","
    sink.write(b"\n]\n" if before == b"," else b"[]\n")


def _json(value: Any) -> str:
    return json.dumps(_json_value(value), ensure_ascii=False)


def _json_value(value: Any) -> Any:
    """A value as JSON has it; text where it has none."""
    if isinstance(value, dict):
        return {key: _json_value(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_json_value(item) for item in value]
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    return _base64(value) if isinstance(value, bytes) else str(value)


def _write_parquet(result: pa.Table, sink: BinaryIO) -> None:
    buffer = io.BytesIO()  # a pipe cannot be asked for its position
    writer = None
    try:
        for batch in plain_batches(result):
            columns = [_parquet_column(column) for column in batch.columns]
            plain = pa.table(columns, names=result.column_names)
            if writer is None:
                writer = pq.ParquetWriter(buffer, plain.schema)
            writer.write_table(plain)
        if writer is not None:
            writer.close()
    except pa.ArrowException as error:
        raise QueryError(f"Parquet cannot hold the result: {reason_of(error)}") from error
    sink.write(buffer.getbuffer())


def _parquet_column(column: pa.Array) -> pa.Array:
    if not pa.types.is_interval(column.type):
        return column
    return pa.array(python_values(column), pa.large_string())


def print_answer(result: pa.Table, console: Console) -> None:
    """Print a result as a table: its first 100 rows, and how many more there are.

    In a terminal that is too narrow for its numbers they stand a field a line.
    """
    batches = list(plain_batches(result.slice(0, ROWS_SHOWN)))
    columns = [_column(field) for field in batches[0].schema]
    parts = [[python_values(column) for column in batch.columns] for batch in batches]
    rows = [[_shown(value) for value in row] for part in parts for row in zip(*part, strict=True)]
    print_rows(columns, rows, console)
    if result.num_rows > ROWS_SHOWN:
        console.print(f"{result.num_rows - ROWS_SHOWN:,} more rows; --format csv prints all")


def _column(field: pa.Field) -> Column:
    kind = field.type
    is_number = pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
    return Column(
        one_line(field.name),
        is_whole=is_number or pa.types.is_temporal(kind) or pa.types.is_boolean(kind),
        is_right=is_number,
    )


def _shown(value: Any) -> Text:
    return Text("null", style="dim") if value is None else Text(one_line(str(value)))
