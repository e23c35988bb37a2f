"""HTTP/1.1 messages of contestants, and their answers as tables."""

from __future__ import annotations

import http.client
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import pyarrow as pa

ARROW = "application/vnd.apache.arrow.stream"
JSON = "application/json"
_PATIENCE_S = 10.0
_DECIMAL = re.compile(r"-?\d+(\.\d+)?")


def post(address: tuple[str, int], path: str, body: bytes, headers: Mapping[str, str]) -> bytes:
    """A request as bytes."""
    host, port = address
    lines = [
        f"POST {path} HTTP/1.1",
        f"Host: {host}:{port}",
        *(f"{name}: {value}" for name, value in headers.items()),
        f"Content-Length: {len(body)}",
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def ask_by_post(
    address: tuple[str, int], path: str, body: bytes, headers: Mapping[str, str]
) -> bytes:
    """The body of an answer, over a connection of its own.

    Raises
    ------
    OSError
        If there is no server, or it answers anything but 200.
    """
    connection = http.client.HTTPConnection(*address, timeout=_PATIENCE_S)
    try:
        connection.request("POST", path, body, dict(headers))
        answer = connection.getresponse()
        content = answer.read()
    except http.client.HTTPException as error:
        raise OSError(f"the answer is no HTTP/1.1: {error!r}") from error
    finally:
        connection.close()
    if answer.status != http.client.OK:
        raise OSError(f"{answer.status}: {content[:300].decode(errors='replace')}")
    return content


def table_of_stream(body: bytes) -> pa.Table:
    """The table in an Arrow IPC stream.

    Raises
    ------
    ValueError
        If it is none (``pyarrow.ArrowInvalid`` is one).
    """
    try:
        with pa.ipc.open_stream(body) as stream:
            return stream.read_all()
    except (OSError, EOFError) as error:
        raise ValueError(f"no Arrow IPC stream: {error}") from error


def table_of_rows(rows: Sequence[Mapping[str, Any]], schema: pa.Schema) -> pa.Table:
    """Rows of a JSON answer with the types of the expected one, as far as they say none themselves.

    A number in a string is a decimal of just its digits, whatever type another engine has for it;
    a number is a float where a decimal is expected. So nothing is rounded that the answer says.

    Parameters
    ----------
    rows
        From :func:`parse_json`.
    schema
        Of the expected answer.

    Raises
    ------
    ValueError
        If a row has other columns, or a value does not fit its type.
    """
    for row in rows:
        if [*row] != schema.names:
            raise ValueError(f"columns {', '.join(row)}: expected {', '.join(schema.names)}")
    columns = []
    for field in schema:
        values = [row[field.name] for row in rows]
        try:
            columns.append(_array(values, field.type))
        except (pa.ArrowException, ArithmeticError, TypeError, ValueError) as error:
            raise ValueError(f"column {field.name} is no {field.type}: {error}") from error
    return pa.table(columns, names=schema.names)


def parse_json(body: bytes) -> Any:
    """JSON with numbers as they are written: integers of any size, and decimals.

    Raises
    ------
    ValueError
        If it is none.
    """
    return json.loads(body, parse_float=Decimal)


def _array(values: list[Any], dtype: pa.DataType) -> pa.Array:
    if pa.types.is_floating(dtype) or pa.types.is_decimal(dtype):
        known = [value for value in values if value is not None]
        if known and all(isinstance(value, str) and _DECIMAL.fullmatch(value) for value in known):
            scale = max(len(value.partition(".")[2]) for value in known)
            decimals = [None if value is None else Decimal(value) for value in values]
            return pa.array(decimals, pa.decimal128(38, scale))
        floats = [None if value is None else float(value) for value in values]
        if not known:
            return pa.nulls(len(values), dtype)
        return pa.array(floats, dtype if pa.types.is_floating(dtype) else pa.float64())
    if pa.types.is_timestamp(dtype) or pa.types.is_date(dtype):
        return pa.array(values, pa.string()).cast(dtype)
    if pa.types.is_dictionary(dtype):
        return _array(values, dtype.value_type).cast(dtype)
    return pa.array(values, dtype)


def stream_of(schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> bytes:
    """Batches as an Arrow IPC stream, as a client over a network would have them."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, schema) as stream:
        for batch in batches:
            stream.write_batch(batch)
    content: bytes = sink.getvalue().to_pybytes()
    return content
