"""Our reading and writing of Protocol Buffers, held against Google's."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.any_pb2 import Any as AnyMessage
from hypothesis import given
from hypothesis import strategies as st

from neuralake.serving.flight_sql.commands import Statement, pack, parse_command
from neuralake.serving.flight_sql.wire import WireError, decode, encode

FIELD = descriptor_pb2.FieldDescriptorProto


def _message() -> Any:
    """A message with a field of each kind that Flight SQL has, made by Google's library."""
    file = descriptor_pb2.FileDescriptorProto(name="t.proto", package="t", syntax="proto3")
    message = file.message_type.add(name="T")
    kinds = {
        1: (FIELD.TYPE_STRING, FIELD.LABEL_OPTIONAL),
        2: (FIELD.TYPE_BYTES, FIELD.LABEL_OPTIONAL),
        3: (FIELD.TYPE_UINT32, FIELD.LABEL_REPEATED),
        4: (FIELD.TYPE_STRING, FIELD.LABEL_REPEATED),
        5: (FIELD.TYPE_BOOL, FIELD.LABEL_OPTIONAL),
        6: (FIELD.TYPE_INT64, FIELD.LABEL_OPTIONAL),
        700: (FIELD.TYPE_FIXED64, FIELD.LABEL_OPTIONAL),
    }
    for number, (kind, label) in kinds.items():
        message.field.add(name=f"f{number}", number=number, type=kind, label=label)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("t.T"))


MESSAGE = _message()
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=300)


@given(
    TEXTS,
    st.binary(max_size=300),
    st.lists(st.integers(0, 2**32 - 1), max_size=5),
    st.lists(TEXTS, max_size=4),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.integers(0, 2**64 - 1),
)
def test_what_google_wrote_is_read(
    text: str,
    data: bytes,
    numbers: list[int],
    texts: list[str],
    flag: bool,
    number: int,
    fixed: int,
) -> None:
    wanted = MESSAGE(f1=text, f2=data, f3=numbers, f4=texts, f5=flag, f6=number, f700=fixed)
    found = decode(wanted.SerializeToString())
    assert (found.text(1), found.data(2)) == (text, data)
    assert (found.numbers(3), found.texts(4)) == (numbers, texts)
    assert bool(found.number(5)) is flag
    assert found.number(6) == number % 2**64
    assert found.number(700) == fixed


@given(TEXTS, st.binary(max_size=300), st.booleans(), st.integers(-(2**63), 2**63 - 1))
def test_what_is_written_google_reads(text: str, data: bytes, flag: bool, number: int) -> None:
    found = MESSAGE.FromString(encode((1, text), (2, data), (5, flag), (6, number)))
    assert (found.f1, found.f2, found.f5, found.f6) == (text, data, flag, number)


def test_numbers_that_are_not_packed() -> None:
    assert decode(encode((3, 7)) + encode((3, 300))).numbers(3) == [7, 300]


def test_a_command_is_what_google_calls_any() -> None:
    packed = AnyMessage.FromString(pack("CommandGetTables", (3, "ord%"), (5, True)))
    assert packed.type_url == "type.googleapis.com/arrow.flight.protocol.sql.CommandGetTables"
    command = parse_command(packed.SerializeToString())
    assert command.name == "CommandGetTables"
    assert command.message.optional(3) == "ord%"
    assert command.message.optional(2) is None


@given(st.binary(max_size=400))
def test_hostile_bytes_are_refused_or_read_and_nothing_else(data: bytes) -> None:
    for read in (decode, parse_command, Statement.from_handle):
        try:
            read(data)
        except WireError as error:
            assert str(error)


@given(st.binary(max_size=100), TEXTS)
def test_a_handle_is_its_statement(parameters: bytes, sql: str) -> None:
    statement = Statement(sql, parameters)
    assert Statement.from_handle(statement.handle) == statement


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\x0a\xff\xff\xff\xff\x0f", "beyond the end"),
        (b"\x0a\x05ab", "beyond the end"),
        (b"\xff" * 11, "more than 64 bits"),
        (b"\x00\x01", "the number 0"),
        (b"\x0b", "of the kind 3"),
        (b"\x08", "beyond the end"),
    ],
)
def test_what_is_no_message(data: bytes, message: str) -> None:
    with pytest.raises(WireError, match=message):
        decode(data)


def test_a_field_of_another_kind() -> None:
    with pytest.raises(WireError, match="is a number"):
        decode(encode((1, 5))).text(1)
    with pytest.raises(WireError, match="no UTF-8"):
        decode(encode((1, b"\xff"))).text(1)
    with pytest.raises(WireError, match="is bytes"):
        decode(encode((1, b"x"))).number(1)


def test_a_statement_that_is_too_large() -> None:
    with pytest.raises(WireError, match="expected at most"):
        _ = Statement("x" * (3 << 20)).handle
