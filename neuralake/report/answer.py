"""The result of a query, as a table for people or as a format for programs."""

from __future__ import annotations

import io
import json
from typing import Any, BinaryIO, Literal

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
from rich.console import Console
from rich.text import Text

from neuralake.queries.digest import plain_column
from neuralake.report.rows import Column, print_rows
from neuralake.report.text import one_line

Format = Literal["table", "csv", "json", "parquet"]
ROWS_SHOWN = 100


def write_answer(result: pa.Table, format: Format, sink: BinaryIO) -> None:
    """Write a result in a format for programs.

    Parameters
    ----------
    result
        Any result.
    format
        ``csv`` (with a header), ``json`` (an array of objects; decimals and dates as strings, so
        that nothing is lost) or ``parquet``.
    sink
        Receives the bytes.
    """
    if format == "csv":
        plain = [plain_column(column) for column in result.columns]
        pacsv.write_csv(pa.table(plain, names=result.column_names), sink)
    elif format == "json":
        sink.write(json.dumps(result.to_pylist(), default=str, indent=1).encode() + b"\n")
    else:
        buffer = io.BytesIO()  # a pipe cannot be asked for its position
        pq.write_table(result, buffer)
        sink.write(buffer.getbuffer())


def print_answer(result: pa.Table, console: Console) -> None:
    """Print a result as a table: its first 100 rows, and how many more there are.

    In a terminal that is too narrow for its numbers they stand a field a line.
    """
    columns = [_column(field) for field in result.schema]
    rows = zip(*[c.to_pylist() for c in result.slice(0, ROWS_SHOWN).columns], strict=True)
    print_rows(columns, [[_shown(value) for value in row] for row in rows], console)
    if result.num_rows > ROWS_SHOWN:
        console.print(f"{result.num_rows - ROWS_SHOWN:,} more rows; --format csv prints all")


def _column(field: pa.Field) -> Column:
    kind = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
    is_number = pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
    return Column(
        one_line(field.name),
        is_whole=is_number or pa.types.is_temporal(kind) or pa.types.is_boolean(kind),
        is_right=is_number,
    )


def _shown(value: Any) -> Text:
    return Text("null", style="dim") if value is None else Text(one_line(str(value)))
