"""A table's live schema against its declaration."""

import pyarrow as pa
import pytest

from neuralake.arrow import plain_type
from neuralake.catalog.columns import Column, arrow_schema, check_schema
from neuralake.errors import SchemaMismatchError

DECLARED = (
    Column("id", pa.int64(), "Number of the order.", nullable=False),
    Column("price", pa.decimal128(15, 2)),
    Column("note", pa.string()),
)


def live(**changes: pa.Field | None) -> pa.Schema:
    fields = {field.name: field for field in arrow_schema(DECLARED)} | changes
    return pa.schema([field for field in fields.values() if field is not None])


def test_the_declaration_is_an_arrow_schema() -> None:
    assert arrow_schema(DECLARED) == pa.schema(
        [
            pa.field("id", pa.int64(), nullable=False),
            pa.field("price", pa.decimal128(15, 2)),
            pa.field("note", pa.string()),
        ]
    )


@pytest.mark.parametrize(
    "schema",
    [
        live(),
        live(note=pa.field("note", pa.large_string())),
        live(note=pa.field("note", pa.string_view())),
        live(note=pa.field("note", pa.dictionary(pa.int32(), pa.string()))),
        live(price=pa.field("price", pa.decimal128(15, 2), nullable=False)),
        pa.schema(list(reversed(live()))),
    ],
    ids=["same", "large", "view", "dictionary", "stricter", "other order"],
)
def test_the_same_columns_in_another_encoding_or_order_are_accepted(schema: pa.Schema) -> None:
    check_schema("orders", DECLARED, schema)


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        (live(price=None), "orders has no column price"),
        (live(price=pa.field("price", pa.float64())), r"orders\.price is double, declared as deci"),
        (live(price=pa.field("price", pa.decimal128(15, 3))), r"orders\.price is decimal"),
        (live(id=pa.field("id", pa.int32(), nullable=False)), r"orders\.id is int32"),
        (live(id=pa.field("id", pa.int64())), r"orders\.id may be null, declared as not null"),
        (live(extra=pa.field("extra", pa.int8())), "orders has a column extra that its decl"),
        (live(note=None, Note=pa.field("Note", pa.string())), "orders has no column note"),
    ],
)
def test_a_difference_is_an_error_that_names_the_column(schema: pa.Schema, message: str) -> None:
    with pytest.raises(SchemaMismatchError, match=message):
        check_schema("orders", DECLARED, schema)


def test_a_column_that_is_there_twice_is_an_error() -> None:
    schema = pa.schema([*live(), pa.field("note", pa.int64())])
    with pytest.raises(SchemaMismatchError, match=r"orders has two columns named note"):
        check_schema("orders", DECLARED, schema)


def test_no_declared_columns_leave_the_schema_open() -> None:
    check_schema("orders", (), live())


@pytest.mark.parametrize(
    ("encoded", "plain"),
    [
        (pa.large_binary(), pa.binary()),
        (pa.large_list(pa.field("item", pa.large_string())), pa.list_(pa.string())),
        (pa.list_view(pa.field("element", pa.int8(), nullable=False)), pa.list_(pa.int8())),
        (pa.list_(pa.large_string(), 3), pa.list_(pa.string(), 3)),
        (pa.struct({"a": pa.large_string()}), pa.struct({"a": pa.string()})),
        (pa.map_(pa.large_string(), pa.string_view()), pa.map_(pa.string(), pa.string())),
    ],
)
def test_a_type_has_one_plain_form(encoded: pa.DataType, plain: pa.DataType) -> None:
    assert plain_type(encoded) == plain
