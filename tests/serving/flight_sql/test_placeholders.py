"""Placeholders as clients write them."""

from __future__ import annotations

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
