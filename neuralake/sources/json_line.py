"""One line of JSON as a row of a schema, or the reason why it is none, in words.

Slow, and the measure of what is right: what decodes many lines at once must agree with this.
"""

from __future__ import annotations

import base64
import json
import math
import re
import struct
from collections.abc import Callable, Iterable
from decimal import Context, Decimal
from typing import Any, NoReturn, TypeAlias

import pyarrow as pa

from neuralake.errors import shortened

_DECIMAL = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?")
_DIGITS = Context(prec=1000)
_SHOWN = 40

_Read: TypeAlias = Callable[[Any], Any]


class RowError(ValueError):
    """A line is no row of the table; the message says why."""


class _Number(str):
    """A number as it is written."""

    __slots__ = ()


def line_reader(schema: pa.Schema) -> Callable[[bytes], dict[str, Any]]:
    """What makes a row of a line.

    Parameters
    ----------
    schema
        Of the rows, of types that :mod:`neuralake.sources.json_rows` has made plain.

    Returns
    -------
    callable
        Values by column as :func:`pyarrow.array` takes them, or a ``RowError``.
    """
    row = _object(list(schema), "")

    def read(line: bytes) -> dict[str, Any]:
        try:
            value = json.loads(
                line.decode(),
                parse_int=_Number,
                parse_float=_Number,
                parse_constant=_refuse_constant,
                object_pairs_hook=_unique,
            )
        except UnicodeDecodeError as error:
            raise RowError(f"it is not UTF-8 at byte {error.start + 1}") from error
        except json.JSONDecodeError as error:
            raise RowError(f"it is not JSON: {error.msg} at character {error.pos + 1}") from error
        except RecursionError as error:
            raise RowError("it is nested too deeply") from error
        if not isinstance(value, dict):
            raise RowError(f"it is {_shown(value)}: expected a JSON object")
        found: dict[str, Any] = row(value)
        return found

    return read


def _unique(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise RowError(f"it has {_shown(key)} twice in one object")
        found[key] = value
    return found


def _refuse_constant(name: str) -> NoReturn:
    raise RowError(f"it is not JSON: {name} is none of its values")


def _shown(value: Any) -> str:
    """The beginning of what JSON has there, in characters that any text may have."""
    if isinstance(value, _Number):
        return shortened(str(value), _SHOWN)
    try:
        text = json.dumps(value, ensure_ascii=False)
    except RecursionError:  # it was read with less of the stack in use
        return "nested too deeply"
    # half a surrogate pair, which JSON can spell, is no text that could be passed on
    return shortened(text, _SHOWN).encode("utf-8", "backslashreplace").decode()


def _field(field: pa.Field, path: str) -> _Read:
    """What makes a value of a field from what JSON has there."""
    read = _of_type(field.type, path)

    def read_or_null(value: Any) -> Any:
        if value is None and not field.nullable:
            raise RowError(f"column {path} is null or missing, which it must not be")
        return None if value is None else read(value)

    return read_or_null


def _of_type(kind: pa.DataType, path: str) -> _Read:
    types = pa.types
    if types.is_struct(kind):
        return _object(list(kind), path)
    if types.is_list(kind):
        return _list(_field(kind.value_field, f"{path}[]"), path)
    if types.is_map(kind):
        return _map(kind, path)
    read, expected = _simple(kind)

    def read_simple(value: Any) -> Any:
        try:
            return read(value)
        except (TypeError, ValueError, ArithmeticError) as error:
            raise RowError(f"column {path} is {_shown(value)}: expected {expected}") from error

    return read_simple


def _simple(kind: pa.DataType) -> tuple[_Read, str]:
    """What reads a type without others in it, and what it expects, in words."""
    types = pa.types
    if types.is_boolean(kind):
        return _boolean, "true or false"
    if types.is_integer(kind):
        return _integer(kind.bit_width), f"a whole number of {kind.bit_width} bits"
    if types.is_floating(kind):
        return _float(kind), f"a number of {kind.bit_width} bits"
    if types.is_decimal(kind):
        return _decimal(
            kind
        ), f"a number of at most {kind.precision} digits, {kind.scale} of them decimals"
    if types.is_binary(kind):
        return _bytes, "a text in base64"
    if types.is_temporal(kind):
        return _moment(kind), _example(kind)
    if types.is_string(kind):
        return _text, "a text"
    return _none_of_it, f"null: JSON has no {kind}"


def _example(kind: pa.DataType) -> str:
    if not pa.types.is_timestamp(kind):
        return "a date such as 2026-11-25"
    zone, offset = ("Z", "an offset") if kind.tz else ("", "no offset")
    return f"a time such as 2026-11-25T01:02:03.5{zone}, with {offset} from UTC"


def _object(fields: list[pa.Field], path: str) -> _Read:
    within = f"{path}." if path else ""
    readers = {field.name: _field(field, f"{within}{field.name}") for field in fields}

    def read(value: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise RowError(f"column {path} is {_shown(value)}: expected an object")
        for key in value:
            if key not in readers:
                raise RowError(
                    f"it has {_shown(within + key)}, of which the table has no column: "
                    f"there are {', '.join(readers)}"
                )
        return {name: reader(value.get(name)) for name, reader in readers.items()}

    return read


def _list(item: _Read, path: str) -> _Read:
    def read(value: Any) -> list[Any]:
        if not isinstance(value, list):
            raise RowError(f"column {path} is {_shown(value)}: expected a list")
        return [item(element) for element in value]

    return read


def _map(kind: pa.MapType, path: str) -> _Read:
    read_key = _of_type(kind.key_type, f"{path} (key)")
    read_item = _field(kind.item_field, f"{path}{{}}")
    is_number = not (pa.types.is_string(kind.key_type) or pa.types.is_temporal(kind.key_type))

    def read(value: Any) -> list[tuple[Any, Any]]:
        if not isinstance(value, dict):
            raise RowError(f"column {path} is {_shown(value)}: expected an object")
        return [
            (read_key(_Number(key) if is_number else key), read_item(item))
            for key, item in value.items()
        ]

    return read


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError
    return value


def _integer(bits: int) -> _Read:
    least, greatest = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1

    def read(value: Any) -> int:
        number = int(_written(value))
        if not least <= number <= greatest:
            raise ValueError
        return number

    return read


def _float(kind: pa.DataType) -> _Read:
    def read(value: Any) -> float:
        number = float(_written(value))
        if kind.bit_width < 64:
            struct.pack("<f", number)  # which raises OverflowError where it is too large
        if not math.isfinite(number):
            raise ValueError
        return number

    return read


def _decimal(kind: pa.Decimal128Type) -> _Read:
    def read(value: Any) -> Decimal:
        if not isinstance(value, str) or not _DECIMAL.fullmatch(value):
            raise TypeError
        number = Decimal(value)
        if number == 0:
            return Decimal(0).scaleb(-kind.scale)
        if number.adjusted() >= kind.precision - kind.scale:
            raise ValueError
        exact = number.quantize(Decimal(1).scaleb(-kind.scale), context=_DIGITS)
        if exact != number:
            raise ValueError
        return exact

    return read


def _text(value: Any) -> str:
    if not isinstance(value, str) or isinstance(value, _Number):
        raise TypeError
    value.encode()  # half a surrogate pair is no text
    return value


def _bytes(value: Any) -> bytes:
    return base64.b64decode(_text(value), validate=True)


def _moment(kind: pa.DataType) -> _Read:
    def read(value: Any) -> int:
        moment: int = pa.scalar(_text(value)).cast(kind).value
        return moment

    return read


def _none_of_it(value: Any) -> NoReturn:
    raise TypeError(value)


def _written(value: Any) -> str:
    if not isinstance(value, _Number):
        raise TypeError
    return value
