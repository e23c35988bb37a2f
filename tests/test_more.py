"""What is left to ``make test-all``."""

from __future__ import annotations

import pytest

from tests.more import few


def by_default(values: list[object]) -> list[object]:
    """Those of a parameter's values that have no mark."""
    return [value.values for value in values if not value.marks]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("values", "chosen", "expected"),
    [
        ("abc", (), [("a",)]),
        ("abc", ("c", "a"), [("a",), ("c",)]),
        ([("a", 1), ("b", 2)], ("b",), [("b", 2)]),
        ([("a", 1), ("a", 2)], (("a", 2),), [("a", 2)]),
        ({"a": 1, "b": 2}, ("b",), [("b",)]),
    ],
)
def test_the_first_value_or_the_chosen_ones_stand_for_all(
    values: object, chosen: tuple[object, ...], expected: list[object]
) -> None:
    found = few(values, *chosen)  # type: ignore[arg-type]
    assert by_default(found) == expected
    assert len(found) == len(values)  # type: ignore[arg-type]


def test_a_choice_that_there_is_not_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="'d' is none of"):
        few("abc", "d")
