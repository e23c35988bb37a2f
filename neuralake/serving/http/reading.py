"""What a client sends: a body of bounded size and in bounded time, and what it asks for."""

from __future__ import annotations

import asyncio
import base64
import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from urllib.parse import unquote_to_bytes

import msgspec
import pyarrow as pa
from starlette.datastructures import QueryParams
from starlette.requests import Request

from neuralake.errors import did_you_mean
from neuralake.lists import names_in, require_once
from neuralake.quantities import whole_number
from neuralake.serving.answers import AsOf, Limits
from neuralake.serving.http.problems import ProblemError
from neuralake.serving.partitions import typed_text

FORMATS = {
    "json": "application/json",
    "csv": "text/csv",
    "arrow": "application/vnd.apache.arrow.stream",
}
_TYPES = {
    "int8": pa.int8(),
    "int16": pa.int16(),
    "int32": pa.int32(),
    "int64": pa.int64(),
    "uint64": pa.uint64(),
    "float32": pa.float32(),
    "float64": pa.float64(),
    "double": pa.float64(),
    "string": pa.string(),
    "bool": pa.bool_(),
    "date32": pa.date32(),
    "timestamp": pa.timestamp("us", "UTC"),
    "timestamp_ntz": pa.timestamp("us"),
}
# Of a body that is too large: a client that is still sending would not see the answer
_PASSED_OVER_BYTES = 64 << 20
# Whole numbers below it come through JSON's readers as they are, whatever follows their point
_EXACT_FLOATS = 2**53
# A weight (RFC 9110, 12.4.2)
_QUALITY = re.compile(r"0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?")
_DECIMAL = re.compile(r"decimal(?:128)?\((\d+), ?(\d+)\)")


@dataclass(frozen=True)
class Asked:
    """A statement as it was asked.

    Attributes
    ----------
    sql, parameters
        The statement, and the values of its parameters.
    as_of, limits
        As of :meth:`neuralake.serving.service.Service.query`.
    format
        One of ``FORMATS``.
    """

    sql: str
    parameters: Sequence[pa.Scalar] | Mapping[str, pa.Scalar]
    as_of: AsOf
    limits: Limits
    format: str


class _Body(msgspec.Struct, forbid_unknown_fields=True):
    sql: str
    parameters: list[Any] | dict[str, Any] = msgspec.field(default_factory=list)


_BODY = msgspec.json.Decoder(_Body)


async def read_body(request: Request, most_bytes: int, most_s: float) -> bytes:
    """The body of a request.

    Raises
    ------
    ProblemError
        If it is larger (413), or does not come in time (408).
    """
    told = request.headers.get("content-length", "")
    too_large = ProblemError(
        413,
        f"the body has more than {most_bytes} bytes",
        {"connection": "close"},
        limit="text",
    )
    is_too_large = told.isdecimal() and int(told) > most_bytes
    body = bytearray()
    passed = 0
    try:
        async with asyncio.timeout(most_s):
            async for piece in request.stream():
                passed += len(piece)
                is_too_large = is_too_large or passed > most_bytes
                if not is_too_large:
                    body += piece
                elif passed > _PASSED_OVER_BYTES:
                    break
        if is_too_large:
            raise too_large
    except TimeoutError:
        raise ProblemError(
            408, f"the body did not come within {most_s:g} s", {"connection": "close"}
        ) from None
    return bytes(body)


def statement(request: Request, body: bytes) -> tuple[str, Any]:
    """The SQL of a body, and its parameters as JSON has them.

    Raises
    ------
    ProblemError
        If it is of another kind (415), or not what its kind says (400).
    """
    coding = request.headers.get("content-encoding", "identity").strip().lower()
    if coding != "identity":
        raise ProblemError(
            415,
            f"the body is encoded as {coding[:100]!r}: expected it plain",
            {"accept-encoding": ""},
        )
    kind, *more = (
        part.strip().lower()
        for part in request.headers.get("content-type", "application/sql").split(";")
    )
    for parameter in more:
        name, _, value = parameter.partition("=")
        if name == "charset" and value.strip('"') not in {"utf-8", "utf8", "us-ascii"}:
            raise ProblemError(415, f"the charset is {value[:100]!r}: expected utf-8")
    if kind == "application/json":
        try:
            found = _BODY.decode(body)
            json.loads(body.decode(), object_pairs_hook=_each_once)
        except (msgspec.DecodeError, ValueError, RecursionError) as error:
            raise ProblemError(
                400, f'the body is not such as {{"sql": "SELECT 1", "parameters": []}}: {error}'
            ) from None
        return found.sql, found.parameters
    if kind in {"application/sql", "text/plain", "text/sql", "application/x-www-form-urlencoded"}:
        try:
            return body.decode(), []
        except UnicodeDecodeError:
            raise ProblemError(400, "the statement is not text in UTF-8") from None
    raise ProblemError(
        415, f"the content type is {kind!r}: expected application/json or application/sql"
    )


def parameters(given: Any) -> Sequence[pa.Scalar] | Mapping[str, pa.Scalar]:
    """Values of parameters: plain ones of JSON, or ``{"type": …, "value": …}``.

    Raises
    ------
    ProblemError
        If one is neither.
    """
    if isinstance(given, Mapping):
        return {name: _scalar(f"parameter {name}", value) for name, value in given.items()}
    return [_scalar(f"parameter ${i}", value) for i, value in enumerate(given, 1)]


def as_of(query: QueryParams) -> AsOf:
    """The state that ``as_of`` asks for: a version, or a time by RFC 3339.

    Raises
    ------
    ProblemError, RefusedError
        If it is neither.
    """
    text = query.get("as_of")
    if text is None:
        return AsOf()
    if (version := whole_number(text)) is not None:
        return AsOf(version=version)
    try:
        # A + in a URL is a space to whoever decodes it
        return AsOf(time=datetime.fromisoformat(text.replace(" ", "+") if "T" in text else text))
    except ValueError:
        raise ProblemError(
            400, f"as_of is {text!r}: expected a version or a time such as 2026-11-26T12:00:00Z"
        ) from None


def limits(query: QueryParams, most: Limits) -> Limits:
    """The limits that ``max_rows`` and ``timeout`` ask for, within those of the server.

    Raises
    ------
    ProblemError
        If one is no such number.
    """
    rows = whole(query, "max_rows", most.rows)
    text = query.get("timeout")
    try:
        time_s = most.time_s if text is None else float(text)
    except ValueError:
        time_s = -1.0
    if not 0 < time_s < 1e9:
        raise ProblemError(400, f"timeout is {text!r}: expected seconds")
    return Limits(rows, most.bytes, time_s, most.memory_bytes).within(most)


def whole(query: QueryParams, name: str, default: int) -> int:
    """A number of the query string.

    Raises
    ------
    ProblemError
        If it is none.
    """
    text = query.get(name)
    if text is None:
        return default
    if (number := whole_number(text)) is None:
        raise ProblemError(400, f"{name} is {text!r}: expected a whole number")
    return number


def check_text(request: Request) -> None:
    """Refuse a query string that is no text: what stood for its bytes would be compared.

    Raises
    ------
    ProblemError
        If it is not UTF-8.
    """
    try:
        unquote_to_bytes(request.scope["query_string"]).decode()
    except UnicodeDecodeError as error:
        place = f"{error.object[error.start]:02X}"
        raise ProblemError(400, f"the query has %{place}, which is no UTF-8 there") from None


def check_query(
    query: QueryParams, known: Collection[str], several: Collection[str] = (), more: str = ""
) -> None:
    """Refuse what would be passed over: an unknown name, and a second value of one.

    Parameters
    ----------
    query
        The query string.
    known
        Names that it may have.
    several
        Those of them that may be there again and again.
    more
        The end of what is said of an unknown name.

    Raises
    ------
    ProblemError
        If it has another, or one twice.
    """
    for name in query:
        if name not in known:
            names = sorted(known)
            raise ProblemError(
                400,
                f"no parameter {name[:100]!r}: there are {', '.join(names)}"
                f"{did_you_mean(name, names)}{more}",
            )
        if name not in several and len(query.getlist(name)) > 1:
            raise ProblemError(
                400, f"{name} is there {len(query.getlist(name))} times: say it once"
            )


def answer_format(request: Request) -> str:
    """The format that ``format`` or ``Accept`` asks for; JSON if neither does.

    Raises
    ------
    ProblemError
        If there is no such format.
    """
    name = request.query_params.get("format")
    if name is not None:
        if name not in FORMATS:
            raise ProblemError(406, f"format is {name!r}: expected one of {', '.join(FORMATS)}")
        return name
    wanted = ",".join(request.headers.getlist("accept")).lower()
    ranges = [_range(text) for text in names_in(wanted) if text] or [("*/*", 1.0)]
    best, chosen = (0.0, 0), ""
    for name, media_type in FORMATS.items():
        places = _fitting(media_type, [kind for kind, _ in ranges])
        # what says most of a format decides, and of equal wishes the one that is said first
        wish = (ranges[places[0]][1], -places[0]) if places else (0.0, 0)
        if wish[0] > 0 and (not chosen or wish > best):
            best, chosen = wish, name
    if not chosen:
        raise ProblemError(
            406, f"Accept is {wanted[:100]!r}: expected one of {', '.join(FORMATS.values())}"
        )
    return chosen


def _range(text: str) -> tuple[str, float]:
    """A range of media types, and how much it is wished for (RFC 9110, 12.5.1)."""
    kind, *parameters = (part.strip() for part in text.split(";"))
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            return kind, float(value) if _QUALITY.fullmatch(value.strip()) else 1.0
    return kind, 1.0


def _fitting(media_type: str, ranges: Sequence[str]) -> list[int]:
    """Places of the ranges that a media type is in, the one that says most of it first."""
    says_most = (media_type, f"{media_type.partition('/')[0]}/*", "*/*")
    return [place for said in says_most for place, kind in enumerate(ranges) if kind == said]


def _each_once(pairs: list[tuple[str, Any]]) -> None:
    """Refuse an object with a key that is there twice, of which readers take one or the other."""
    require_once((key for key, _ in pairs), "key", ValueError)


def _scalar(what: str, value: Any) -> pa.Scalar:
    try:
        if isinstance(value, Mapping):
            return _typed(value)
        if value is None or isinstance(value, bool | int | float | str):
            return pa.scalar(value)
    except (pa.ArrowException, OverflowError, TypeError, ValueError) as error:
        raise ProblemError(400, f"{what} does not fit its type: {error}") from None
    raise ProblemError(
        400,
        f"{what} is {value!r:.60}: expected a number, a text, true, false, null or "
        '{"type": "decimal(12, 2)", "value": "1.50"}',
    )


def _typed(value: Mapping[str, Any]) -> pa.Scalar:
    if value.keys() != {"type", "value"}:
        raise ValueError(
            f"it has {', '.join(map(repr, value)) or 'nothing'}: expected type and value"
        )
    name, given = value["type"], value["value"]
    if name == "binary":
        return pa.scalar(None if given is None else base64.b64decode(given, validate=True))
    match = _DECIMAL.fullmatch(str(name))
    kind = pa.decimal128(int(match[1]), int(match[2])) if match else _TYPES.get(str(name))
    if kind is None:
        known = ", ".join([*_TYPES, "decimal(p, s)", "binary"])
        raise ValueError(f"type {name!r} is none of {known}")
    if given is None:
        return pa.scalar(None, kind)
    return typed_text(given if isinstance(given, str) else _written(given, kind), kind)


def _written(given: Any, kind: pa.DataType) -> str:
    """A number, true or false as text, where it is of a type; one of the others is a text."""
    types = pa.types
    if isinstance(given, bool):
        fits = types.is_boolean(kind)
        text = str(given).lower()
    elif isinstance(given, int | float):
        is_whole = isinstance(given, int) or (given.is_integer() and abs(given) < _EXACT_FLOATS)
        fits = types.is_decimal(kind) or types.is_floating(kind)
        fits = fits or (types.is_integer(kind) and is_whole)
        exact = int(given) if types.is_integer(kind) and is_whole else given
        text = format(Decimal(repr(exact)), "f")
    else:
        fits, text = False, ""
    if not fits:
        raise ValueError(f"{given!r:.60} is no {kind}")
    return text
