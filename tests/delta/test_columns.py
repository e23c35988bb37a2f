"""Columns of data files become those of their table, by name or id, in its types."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pyarrow as pa
import pytest

from neuralake.delta.columns import conform, find_field, physical_name

MAPPED = pa.field(
    "name",
    pa.string(),
    metadata={"delta.columnMapping.physicalName": "col-1", "delta.columnMapping.id": "7"},
)


def stored(name: str, number: int | None = None) -> pa.Field:
    metadata = None if number is None else {"PARQUET:field_id": str(number)}
    return pa.field(name, pa.string(), metadata=metadata)


class TestAFieldIsFound:
    def test_by_its_name_before_any_other_spelling(self) -> None:
        wanted = pa.field("Id", pa.int64())
        assert find_field(wanted, [stored("id"), stored("Id")], "none") == 1
        assert find_field(wanted, [stored("ID")], "none") == 0
        assert find_field(wanted, [stored("other")], "none") is None

    def test_by_its_physical_name_and_not_its_own(self) -> None:
        assert physical_name(MAPPED) == "col-1"
        assert find_field(MAPPED, [stored("name"), stored("col-1")], "name") == 1
        assert find_field(MAPPED, [stored("name")], "name") is None

    def test_by_its_id_whatever_it_is_called(self) -> None:
        assert find_field(MAPPED, [stored("col-1", 8), stored("old", 7)], "id") == 1
        assert find_field(MAPPED, [stored("col-1", 8)], "id") is None

    def test_by_its_physical_name_where_a_file_has_no_ids(self) -> None:
        assert find_field(MAPPED, [stored("x"), stored("col-1")], "id") == 1


STRUCT = pa.struct([("x", pa.int32()), ("y", pa.string())])


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (pa.array([1, None], pa.int8()), pa.int64()),
        (pa.array(["a", None, "a"]).dictionary_encode(), pa.string()),
        (pa.array(["a", None], pa.string_view()), pa.string()),
        (pa.array([b"a", None], pa.large_binary()), pa.binary()),
        (pa.array([None, None], pa.null()), STRUCT),
        (pa.array([dt.date(2024, 2, 29), None]), pa.timestamp("us")),
        (pa.array([[1], None, []], pa.list_(pa.int16())), pa.list_(pa.int64())),
        (pa.array([[1], None, []], pa.large_list(pa.int16())), pa.list_(pa.int64())),
        (pa.array([{"x": 1}, None], pa.struct([("x", pa.int8())])), STRUCT),
        (
            pa.array([[("k", 1)], None, []], pa.map_(pa.large_string(), pa.int8())),
            pa.map_(pa.string(), pa.int64()),
        ),
        (
            pa.array([[{"y": "b", "x": 2}], None], pa.list_(pa.struct(list(STRUCT)[::-1]))),
            pa.list_(STRUCT),
        ),
    ],
    ids=str,
)
def test_values_stay_what_they_are(values: pa.Array, kind: pa.DataType) -> None:
    expected = [as_of(kind, value) for value in values.to_pylist()]
    for part in (slice(None), slice(1, None)):  # a part of an array, too
        found = conform(values[part], pa.field("c", kind))
        assert found.type == kind
        assert found.to_pylist() == expected[part]
        found.validate(full=True)


def as_of(kind: pa.DataType, value: Any) -> Any:
    """A value as the wider type has it."""
    if value is None:
        return None
    if kind == STRUCT:
        return {"x": None, "y": None} | value
    if pa.types.is_list(kind):
        return [as_of(kind.value_type, item) for item in value]
    if pa.types.is_timestamp(kind):
        return dt.datetime.combine(value, dt.time())
    return value


def test_fields_within_are_found_by_their_physical_names() -> None:
    inner = pa.field("x", pa.int64(), metadata={"delta.columnMapping.physicalName": "col-2"})
    wanted = pa.field("s", pa.list_(pa.struct([inner])))
    values = pa.array([[{"col-2": 1, "x": 99}]])
    assert conform(values, wanted, "name").to_pylist() == [[{"x": 1}]]


def test_a_null_has_no_fields_that_could_be_missing() -> None:
    """As a variant: its fields are never null, and it may be."""
    needed = pa.struct([pa.field("x", pa.int64(), nullable=False)])
    stored = pa.struct([pa.field("x", pa.int32())])
    conformed = conform(pa.array([{"x": 1}, None], stored), pa.field("s", needed))
    assert conformed.type == needed
    assert conformed.to_pylist() == [{"x": 1}, None]
    with pytest.raises(pa.ArrowInvalid, match="field x has nulls"):
        conform(pa.array([{"x": None}, None], stored), pa.field("s", needed))


def test_a_value_that_does_not_fit_is_an_error() -> None:
    with pytest.raises(pa.ArrowInvalid):
        conform(pa.array([2**40]), pa.field("c", pa.int32()))
