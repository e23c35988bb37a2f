"""Placeholders as clients write them."""

from __future__ import annotations

import pyarrow as pa
import pytest

from neuralake.serving.flight_sql.placeholders import numbered, parameter_schema


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("a = ? AND b > ?", "a = $1 AND b > $2"),
        ("a = '?' AND b = ?", "a = '?' AND b = $1"),
        ("a = 'it''s ?' AND \"?\" = ?", "a = 'it''s ?' AND \"?\" = $1"),
        ("-- why?\na = ? /* or ? */", "-- why?\na = $1 /* or ? */"),
        ("a = $2", "a = $2"),
    ],
)
def test_question_marks_are_numbered(sql: str, expected: str) -> None:
    assert numbered(sql) == expected


def test_each_is_told_once() -> None:
    assert parameter_schema("a = $2 OR b = $1 OR c = $2 OR d = '$3'").names == ["$1", "$2"]
    assert len(parameter_schema("SELECT 1")) == 0


@pytest.mark.parametrize(
    "condition",
    [
        "id = $1",
        "$1 <= o.id",
        "id BETWEEN 1 AND $1",
        "id IN (3, $1)",
        "(ID) > -($1)",
        '"id" = ($1)',
        "id + $1 > 5",
    ],
)
def test_a_parameter_is_of_the_type_of_its_column(condition: str) -> None:
    kinds = {"id": pa.int64()}
    schema = parameter_schema(f"SELECT 1 FROM orders o WHERE {condition}", kinds.get)
    assert schema == pa.schema([("$1", pa.int64())])


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT $1",
        "SELECT 1 FROM orders WHERE upper(name) = $1",
        "SELECT 1 FROM orders WHERE nowhere = $1",
        "no SQL at all ( $1",
    ],
)
def test_of_any_other_it_is_a_text(sql: str) -> None:
    kinds = {"id": pa.int64()}
    assert parameter_schema(sql, kinds.get) == pa.schema([("$1", pa.string())])
