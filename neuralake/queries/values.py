"""Values of any plain column as Python has them, or as text where Python has none."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import numpy as np
import pyarrow as pa

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_US = timedelta(microseconds=1)
_FIRST_US = (datetime.min.replace(tzinfo=UTC) - _EPOCH) // _US
_LAST_US = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // _US
_FIRST_DAY, _LAST_DAY = (d.toordinal() - date(1970, 1, 1).toordinal() for d in (date.min, date.max))
_NS = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}
_DAY_NS = 86_400 * 10**9


def python_values(array: pa.Array) -> list[Any]:  # noqa: PLR0911 (a case a type)
    """The values of a plain array, None for what is missing.

    Python's own dates and times end at the year 9999 and at microseconds, and it has no interval of
    months: what it cannot hold is text. Timestamps with a zone are in UTC. A struct is a dict, a
    map a list of pairs.

    Parameters
    ----------
    array
        A plain array (:mod:`neuralake.queries.plain`).
    """
    dtype = array.type
    if pa.types.is_timestamp(dtype):
        return [_timestamp(v, dtype) for v in array.cast(pa.int64()).to_pylist()]
    if pa.types.is_date32(dtype):
        return [_date(v) for v in array.cast(pa.int32()).to_pylist()]
    if pa.types.is_time64(dtype):
        return [_time(v) for v in array.cast(pa.int64()).to_pylist()]
    if pa.types.is_duration(dtype):
        factor = _NS[dtype.unit]
        ticks = array.cast(pa.int64()).to_pylist()
        return [None if v is None else _duration(v * factor) for v in ticks]
    if pa.types.is_interval(dtype):
        return [None if v is None else _interval(*v) for v in array.to_pylist()]
    if pa.types.is_struct(dtype):
        return _structs(array)
    if pa.types.is_map(dtype):
        entry = pa.struct([("key", dtype.key_type), ("value", dtype.item_type)])
        lists = _lists(array.cast(pa.large_list(entry)))
        return [None if v is None else [(e["key"], e["value"]) for e in v] for v in lists]
    if pa.types.is_large_list(dtype):
        return _lists(array)
    values: list[Any] = array.to_pylist()
    return values


def _structs(array: pa.StructArray) -> list[Any]:
    names = [array.type.field(i).name for i in range(array.type.num_fields)]
    columns = [python_values(child) for child in array.flatten()]
    valid = array.is_valid().to_pylist()
    rows = zip(*columns, strict=True) if columns else [()] * len(array)
    return [
        dict(zip(names, row, strict=True)) if there else None
        for there, row in zip(valid, rows, strict=True)
    ]


def _lists(array: pa.LargeListArray) -> list[Any]:
    values = python_values(array.flatten())
    lengths = array.value_lengths().to_pylist()
    found: list[Any] = []
    start = 0
    for length in lengths:
        found.append(None if length is None else values[start : start + length])
        start += length or 0
    return found


def _timestamp(ticks: int | None, dtype: pa.TimestampType) -> datetime | str | None:
    if ticks is None:
        return None
    microseconds, nanoseconds = divmod(ticks * _NS[dtype.unit], 1000)
    if nanoseconds == 0 and _FIRST_US <= microseconds <= _LAST_US:
        found = _EPOCH + microseconds * _US
        return found.replace(tzinfo=None) if dtype.tz is None else found
    days, rest = divmod(ticks * _NS[dtype.unit], _DAY_NS)
    zone = "" if dtype.tz is None else "+00:00"
    return f"{_day(days)} {_clock(rest)}{zone}"


def _date(days: int | None) -> date | str | None:
    if days is None:
        return None
    if _FIRST_DAY <= days <= _LAST_DAY:
        return date(1970, 1, 1) + timedelta(days=days)
    return _day(days)


def _day(days: int) -> str:
    year, month, day = str(np.datetime64(days, "D")).rsplit("-", 2)
    return f"{year[0]}{year[1:]:0>4}-{month}-{day}" if year[0] == "-" else f"{year}-{month}-{day}"


def _time(nanoseconds: int | None) -> time | str | None:
    if nanoseconds is None:
        return None
    if nanoseconds % 1000 == 0 and 0 <= nanoseconds < _DAY_NS:
        return (_EPOCH + nanoseconds // 1000 * _US).time()
    return _clock(nanoseconds)


def _duration(nanoseconds: int) -> timedelta | str:
    microseconds, rest = divmod(nanoseconds, 1000)
    try:
        if rest == 0:
            return microseconds * _US
    except OverflowError:
        pass
    return _interval(0, 0, nanoseconds)


def _interval(months: int, days: int, nanoseconds: int) -> str:
    """In the words of PostgreSQL, such as ``1 month 2 days 03:00:00``."""
    parts = [
        f"{n} {unit}{'' if n == 1 else 's'}" for n, unit in ((months, "month"), (days, "day")) if n
    ]
    if nanoseconds or not parts:
        parts.append(("-" if nanoseconds < 0 else "") + _clock(abs(nanoseconds)))
    return " ".join(parts)


def _clock(nanoseconds: int) -> str:
    seconds, fraction = divmod(nanoseconds, 10**9)
    minutes, second = divmod(seconds, 60)
    hours, minute = divmod(minutes, 60)
    shown = f"{fraction:09d}".rstrip("0")
    return f"{hours:02d}:{minute:02d}:{second:02d}" + (f".{shown}" if shown else "")
