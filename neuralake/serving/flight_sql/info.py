"""What the server is and can, as ``SqlInfo`` numbers it (Arrow, ``FlightSql.proto``)."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from neuralake.version import __version__

Value = str | bool | int

_BOOL, _INT32 = 1, 3  # places in the union
_TYPES: list[pa.Field] = [
    pa.field("string_value", pa.string()),
    pa.field("bool_value", pa.bool_()),
    pa.field("bigint_value", pa.int64()),
    pa.field("int32_bitmask", pa.int32()),
    pa.field("string_list", pa.list_(pa.field("item", pa.string()))),
    pa.field("int32_to_int32_list_map", pa.map_(pa.int32(), pa.list_(pa.int32()))),
]
SCHEMA = pa.schema(
    [
        pa.field("info_name", pa.uint32(), nullable=False),
        pa.field("value", pa.dense_union(_TYPES), nullable=False),
    ]
)
_FACTS: dict[int, tuple[int, Value]] = {
    0: (0, "Neuralake"),
    1: (0, __version__),
    2: (0, pa.__version__),
    3: (_BOOL, True),  # read-only
    4: (_BOOL, True),  # SQL
    5: (_BOOL, False),  # Substrait
    8: (_INT32, 0),  # transactions
    9: (_BOOL, False),  # CancelQuery: a client that goes ends its query
    100: (_INT32, 0),  # a prepared statement never runs out
    500: (_BOOL, False),
    501: (_BOOL, False),
    502: (_BOOL, False),
    503: (_INT32, 3),  # names without quotes are lower case
    504: (0, '"'),
    505: (_INT32, 0),
    506: (_BOOL, True),
    507: (_INT32, 0),  # nulls are sorted high
    513: (0, "\\"),
    515: (_BOOL, True),
    516: (_BOOL, True),
    529: (0, "schema"),
    531: (0, ""),  # there are no catalogs
    532: (_BOOL, False),
    563: (_BOOL, False),  # transactions
}


def sql_info(wanted: Sequence[int]) -> pa.Table:
    """The facts of some numbers, or all.

    Parameters
    ----------
    wanted
        Numbers; what is not known of is left out.
    """
    facts = {number: _FACTS[number] for number in wanted or _FACTS if number in _FACTS}
    places: list[int] = []
    offsets: list[int] = []
    values: list[list[Value]] = [[] for _ in _TYPES]
    for place, value in facts.values():
        places.append(place)
        offsets.append(len(values[place]))
        values[place].append(value)
    union = pa.UnionArray.from_dense(
        pa.array(places, pa.int8()),
        pa.array(offsets, pa.int32()),
        [pa.array(found, kind.type) for found, kind in zip(values, _TYPES, strict=True)],
        [kind.name for kind in _TYPES],
    )
    names = pa.array(list(facts), pa.uint32())
    return pa.Table.from_batches([pa.record_batch([names, union], schema=SCHEMA)])
