from __future__ import annotations

import json

import deltalake
import pyarrow as pa
import pytest

from neuralake.delta.schema import schema_string
from tests.writer.tables import SCALARS


def test_a_schema_is_written_as_deltalake_writes_it() -> None:
    kinds = pa.schema([pa.field("a b", pa.int64(), nullable=False), *SCALARS])
    expected = deltalake.Schema.from_arrow(kinds).to_json()
    assert json.loads(schema_string(kinds)) == json.loads(expected)


@pytest.mark.parametrize("kind", [pa.list_(pa.int64()), pa.timestamp("us"), pa.duration("us")])
def test_what_asks_more_of_a_reader_is_refused(kind: pa.DataType) -> None:
    with pytest.raises(ValueError, match="column c is"):
        schema_string(pa.schema([("c", kind)]))
