"""Whether the least and the greatest decimals that a log tells are those of its files.

deltalake 1.6 writes them as doubles (1234567890.12345678 becomes 1234567890.1234567) and whole ones
as 64-bit integers (10^38 - 1 becomes 2^63 - 1). A reader that passes over files by the log then
passes over a row that is there. The footers have them exactly.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from neuralake.delta.snapshot import Snapshot

# A decimal of so many digits comes back from a double as it was
_DIGITS_OF_DOUBLE = 15


def has_wide_decimals(kind: pa.DataType) -> bool:
    """Whether a type is, or a struct holds at any depth, a decimal that a double cannot hold."""
    if pa.types.is_struct(kind):
        return any(has_wide_decimals(field.type) for field in kind)
    return bool(pa.types.is_decimal(kind) and kind.precision > _DIGITS_OF_DOUBLE)


def narrows_decimals(snapshot: Snapshot, footers: Mapping[str, pq.FileMetaData]) -> bool:
    """Whether the log tells narrower bounds of a decimal, in one file at least, than its footer.

    Parameters
    ----------
    snapshot
        Without column mapping, under which deltalake writes no statistics.
    footers
        Of its files, by their URIs.
    """
    wide = [f for f in snapshot.schema if has_wide_decimals(f.type)]
    if not wide or snapshot.mapping != "none":
        return False
    paths = [path for field in wide for path in _wide_paths(field.type, (field.name,))]
    told = snapshot.bounds([field.name for field in wide])
    return any(_narrows(told[uri], footer, paths) for uri, footer in footers.items() if uri in told)


def _wide_paths(kind: pa.DataType, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    if pa.types.is_struct(kind):
        for field in kind:
            yield from _wide_paths(field.type, (*path, field.name))
    elif has_wide_decimals(kind):
        yield path


def _narrows(
    told: tuple[Mapping[str, Any], Mapping[str, Any]],
    footer: pq.FileMetaData,
    paths: list[tuple[str, ...]],
) -> bool:
    places = {footer.schema.column(i).path: i for i in range(len(footer.schema.names))}
    for path in paths:
        least, greatest = (_at(bounds, path) for bounds in told)
        place = places.get(".".join(path))
        if place is None or (least is None and greatest is None):
            continue
        known = [footer.row_group(g).column(place).statistics for g in range(footer.num_row_groups)]
        for statistics in known:
            if statistics is None or not statistics.has_min_max:
                if statistics is None or statistics.num_values:
                    return True  # for all that is known
            elif (least is not None and statistics.min < least) or (
                greatest is not None and statistics.max > greatest
            ):
                return True
    return False


def _at(bounds: Mapping[str, Any], path: tuple[str, ...]) -> Decimal | None:
    value: Any = bounds
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value if isinstance(value, Decimal) else None
