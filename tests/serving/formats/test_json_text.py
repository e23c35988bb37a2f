"""A row is written as JSON alike, alone and among many: each has a way of its own."""

from __future__ import annotations

import json
from decimal import Decimal

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from neuralake.serving.formats.json_text import encode


@given(
    number=st.decimals(-(10**9), 10**9, places=9),
    at=st.integers(-(10**11), 10**14),
    scale=st.sampled_from([0, 2, 9]),
    unit=st.sampled_from(["s", "ms", "us", "ns"]),
    zone=st.sampled_from([None, "UTC", "Europe/Berlin"]),
)
def test_a_row_is_written_alike_alone_and_among_many(
    number: Decimal, at: int, scale: int, unit: str, zone: str | None
) -> None:
    exact = number.quantize(Decimal(1).scaleb(-scale))
    schema = pa.schema([("d", pa.decimal128(38, scale)), ("t", pa.timestamp(unit, zone))])
    few = pa.table(
        {
            "d": pa.array([exact, None], schema.field("d").type),
            "t": pa.array([at, None], pa.int64()).cast(schema.field("t").type),
        },
        schema,
    )
    many = pa.concat_tables([few] * 40).combine_chunks()
    alone, among = (b"".join(encode(schema, t.to_batches())) for t in (few, many))
    assert json.loads(alone) * 40 == json.loads(among)
