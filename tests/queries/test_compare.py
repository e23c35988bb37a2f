"""When an answer is right."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuralake.errors import QueryError
from neuralake.queries.answers import Answer, Mismatch, compare
from neuralake.queries.query import Query, SortKey

UNORDERED = Query("q", "", "SELECT")
BY_A = Query("q", "", "SELECT", order_by=(SortKey("a", False),))
BY_A_DESCENDING = Query("q", "", "SELECT", order_by=(SortKey("a", True),))
TOP_3 = Query("q", "", "SELECT", order_by=(SortKey("a", False),), limit=3)
NAN = float("nan")


def answer(*rows: Sequence[Any], scales: tuple[int | None, ...] | None = None) -> Answer:
    """A result of these rows; a decimal without a scale is a number without a last digit."""
    width = len(rows[0]) if rows else 2
    columns = [
        column([row[i] for row in rows], None if scales is None else scales[i])
        for i in range(width)
    ]
    return Answer.of(pa.table(columns, names=list("abcdefgh"[:width])))


def column(values: list[Any], scale: int | None) -> pa.Array:
    decimals = [value for value in values if isinstance(value, Decimal)]
    if scale is not None:
        return pa.array(values, pa.decimal128(38, scale))
    if decimals and all(value.as_tuple().exponent == 0 for value in decimals):
        return pa.array(values, pa.decimal128(38, 0))
    if decimals:
        return pa.array([None if v is None else float(v) for v in values], pa.float64())
    return pa.array(values)


def test_an_answer_is_right_if_it_is_the_same() -> None:
    rows = [(1, "x", date(1995, 1, 1)), (2, None, None), (3, "", date(1, 1, 1))]
    assert compare(answer(*rows), answer(*rows), BY_A) is None
    assert compare(answer(), answer(), BY_A) is None


@given(st.permutations([(1, "x", 0.5), (1, "y", 1.5), (1, None, 2.5), (1, "y", NAN)]))
def test_ties_come_in_any_order(rows: list[tuple[Any, ...]]) -> None:
    expected = [(0, "z", 9.0), (1, "y", NAN), (1, "y", 1.5), (1, "x", 0.5), (1, None, 2.5)]
    assert compare(answer((0, "z", 9.0), *rows), answer(*expected), BY_A) is None


@given(st.permutations(list(range(8, 13))))
def test_rows_pair_up_whichever_number_type_an_engine_has(numbers: list[int]) -> None:
    expected = answer(*[(Decimal(n), "same") for n in sorted(numbers)])
    assert compare(answer(*[(n, "same") for n in numbers]), expected, UNORDERED) is None
    assert compare(answer(*[(float(n), "same") for n in numbers]), expected, UNORDERED) is None


def test_without_an_order_by_any_order_is_right() -> None:
    assert compare(answer((2, "y"), (1, "x")), answer((1, "x"), (2, "y")), UNORDERED) is None


def test_a_wrong_order_is_wrong() -> None:
    right = [(1, "x"), (2, "y"), (3, "z")]
    found = compare(answer(right[0], right[2], right[1]), answer(*right), BY_A)
    assert found == Mismatch("row 3 breaks the ORDER BY", 2, (2, "y"), (3, "z"))
    assert compare(answer(*right[::-1]), answer(*right[::-1]), BY_A_DESCENDING) is None
    assert compare(answer(*right), answer(*right[::-1]), BY_A_DESCENDING) is not None


def test_later_keys_of_the_order_count_within_ties_of_the_first() -> None:
    query = Query("q", "", "", order_by=(SortKey("a", False), SortKey("b", True)))
    right = answer((1, 9), (1, 8), (2, 1))
    assert compare(right, right, query) is None
    found = compare(answer((1, 8), (1, 9), (2, 1)), right, query)
    assert found is not None
    assert found.reason == "row 2 breaks the ORDER BY"


@pytest.mark.parametrize("missing", [None, NAN])
def test_where_nulls_and_nan_stand_is_the_engines_default(missing: float | None) -> None:
    first = answer((missing, "x"), (1, "y"), (2, "z"))
    assert compare(first, first, BY_A) is None
    last = answer((1, "y"), (2, "z"), (missing, "x"))
    assert compare(last, last, BY_A) is None


def test_a_limit_may_cut_anywhere_inside_a_tie() -> None:
    expected = answer((1, "x"), (2, "p"), (2, "q"))
    assert compare(answer((1, "x"), (2, "r"), (2, "s")), expected, TOP_3) is None


def test_a_limit_excuses_only_the_last_tie() -> None:
    expected = answer((1, "x"), (2, "p"), (3, "q"))
    assert compare(answer((1, "x"), (2, "r"), (3, "s")), expected, TOP_3) is not None
    assert compare(answer((1, "x"), (2, "p"), (4, "q")), expected, TOP_3) is not None


def test_an_offset_may_cut_inside_the_first_tie_too() -> None:
    page = Query("q", "", "", order_by=(SortKey("a", False),), limit=4, offset=4)
    expected = answer((1, "x"), (2, "p"), (3, "q"))
    assert compare(answer((1, "y"), (2, "p"), (3, "q")), expected, page) is None
    assert compare(answer((1, "x"), (2, "r"), (3, "q")), expected, page) is not None
    assert compare(answer((1, "x"), (2, "p"), (3, "r")), expected, page) is not None
    assert compare(answer((1, "y"), (2, "p"), (3, "q")), expected, BY_A) is not None


def test_a_result_that_does_not_reach_its_limit_is_compared_whole() -> None:
    expected = answer((1, "x"), (2, "p"))
    assert compare(answer((1, "x"), (2, "q")), expected, TOP_3) is not None


@pytest.mark.parametrize(
    ("actual", "expected"),
    [
        (1.0, 1.0 + 9e-7),
        (Decimal("123456789.00"), Decimal("123456889.00")),
        (5, Decimal("5.0")),
        (5.0, 5),
        (NAN, NAN),
        (float("inf"), float("inf")),
        (-0.0, 0.0),
        (None, None),
        (True, True),
    ],
)
def test_values_within_tolerance_are_the_same(actual: Any, expected: Any) -> None:
    assert compare(answer((actual,)), answer((expected,)), UNORDERED) is None


@pytest.mark.parametrize(
    ("actual", "expected"),
    [
        (1.0, 1.0 + 2e-6),
        (-1.0, 1.0),
        (2_000_000, 2_000_001),
        (Decimal(2_000_000), 2_000_001),
        (Decimal(2_000_000), Decimal(2_000_001)),
        (10**17, 10**17 + 1),
        (0.0, 1e-9),
        (None, 0),
        ("", None),
        (NAN, 1.0),
        (None, NAN),
        (float("inf"), 1e308),
        (float("inf"), float("-inf")),
        (True, 1),
        ("1", 1),
        ("a", "a "),
        (date(1995, 1, 1), date(1995, 1, 2)),
    ],
)
def test_values_beyond_tolerance_differ(actual: Any, expected: Any) -> None:
    for a, b in ((actual, expected), (expected, actual)):
        assert compare(answer((a,)), answer((b,)), UNORDERED) is not None


def test_one_unit_in_the_last_digit_shown_is_rounding() -> None:
    def differs(a: str, b: str, scales: tuple[int | None, int | None]) -> bool:
        actual, expected = (
            answer((Decimal(value),), scales=(scale,))
            for value, scale in zip((a, b), scales, strict=True)
        )
        return compare(actual, expected, UNORDERED) is not None

    assert not differs("0.05", "0.06", (2, 2))
    assert differs("0.05", "0.07", (2, 2))
    assert not differs("0.050000", "0.06", (6, 2))  # the coarser side decides
    assert differs("0.050000", "0.06", (6, 6))
    assert not differs("0.05", "0.0512", (2, None))
    assert differs("3", "4", (0, 0))  # a whole number has no unit to spare


def test_shapes_are_compared_first() -> None:
    assert str(compare(answer((1, 2)), answer((1,)), BY_A)) == "2 columns, expected 1"
    assert str(compare(answer((1, 2)), answer(), BY_A)) == "1 rows, expected 0"


def test_a_mismatch_shows_both_rows() -> None:
    found = compare(answer((1, "x"), (2, None)), answer((1, "x"), (2, "y")), BY_A)
    assert str(found) == "row 2, column b: None is not y; got (2, null), expected (2, y)"


def test_columns_of_different_types_are_a_mismatch_and_no_accident() -> None:
    rows = [(Decimal(1), "x"), (Decimal(2), "y")]
    swapped = [(text, number) for number, text in rows]
    assert compare(answer(*swapped), answer(*rows), UNORDERED) is not None
    assert compare(answer(*swapped), answer(*rows), BY_A) is not None


def renamed(answer: Answer, *names: str) -> Answer:
    return Answer.of(pa.Table.from_batches(answer.batches()).rename_columns(list(names)))


def test_columns_go_by_position_and_their_names_by_either_side() -> None:
    named = answer((1, "x"), (2, "y"))
    foreign = renamed(named, "C0", "C1")
    assert compare(foreign, named, BY_A) is None
    assert compare(named, foreign, BY_A) is None
    shouted = renamed(named, "A", "B")
    assert compare(shouted, named, BY_A) is None


def test_an_order_column_that_nobody_has_is_the_querys_fault() -> None:
    query = Query("q", "", "", order_by=(SortKey("z", False),))
    with pytest.raises(
        QueryError, match=r"file q\.sql: its header says 'order by z', .*it has a, b"
    ):
        compare(answer((1, 2)), answer((1, 2)), query)


ROWS = st.lists(
    st.tuples(
        st.none() | st.integers(0, 3),
        st.none() | st.sampled_from(["x", "y"]),
        st.decimals(0, 10**6, places=2),
    ),
    max_size=8,
)


@given(ROWS, st.randoms(use_true_random=False))
def test_any_shuffle_of_an_unordered_answer_is_right(rows: list[Any], random: Any) -> None:
    shuffled = list(rows)
    random.shuffle(shuffled)
    assert compare(answer(*shuffled), answer(*rows), UNORDERED) is None or not rows


@given(ROWS.filter(bool), st.data())
def test_any_changed_value_is_wrong(rows: list[Any], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(rows) - 1))
    a, b, c = rows[index]
    changed = list(rows)
    changed[index] = (a, b, c * 2 + 1)
    assert compare(answer(*changed), answer(*rows), UNORDERED) is not None


def test_nulls_and_nan_stand_at_one_end_only() -> None:
    assert compare(answer((1,), (None,), (2,)), answer((1,), (2,), (None,)), BY_A) is not None
    assert compare(answer((NAN,), (1.0,), (NAN,)), answer((NAN,), (NAN,), (1.0,)), BY_A) is not None
    assert compare(answer((None,), (1,), (2,)), answer((1,), (2,), (None,)), BY_A) is None
    assert compare(answer((NAN,), (1.0,)), answer((1.0,), (NAN,)), BY_A) is None
    # the same end in each tie of the keys before
    query = Query("q", "", "", order_by=(SortKey("a", False), SortKey("b", False)))
    rows = [(1, None), (1, 5), (2, None), (2, 6)]
    assert compare(answer(*rows), answer(*rows), query) is None
    assert compare(answer(*rows[:2], *rows[:1:-1]), answer(*rows), query) is not None


@pytest.mark.parametrize(("nulls", "rows"), [("first", [None, 1]), ("last", [1, None])])
@pytest.mark.parametrize("descending", [False, True])
def test_a_header_says_where_nulls_stand(
    nulls: Any, rows: list[int | None], descending: bool
) -> None:
    query = Query("q", "", "", order_by=(SortKey("a", descending, nulls),))
    right, wrong = answer(*[(n,) for n in rows]), answer(*[(n,) for n in rows[::-1]])
    assert compare(right, right, query) is None
    assert "breaks the ORDER BY" in str(compare(wrong, right, query))


def test_both_zeros_tie_and_text_is_in_the_order_of_its_bytes() -> None:
    assert compare(answer((-0.0, 1), (0.0, 2)), answer((0.0, 2), (-0.0, 1)), BY_A) is None
    words = [("B",), ("a",), ("z",), ("Ä",), ("\uff5e",), ("𝄞",)]
    assert compare(answer(*words), answer(*words[::-1]), BY_A) is None
    assert compare(answer(*sorted(words, key=str)[::-1]), answer(*words), BY_A) is not None


def test_a_limit_that_nulls_decide_asks_for_their_place() -> None:
    found = compare(answer((None,), (1,), (2,)), answer((1,), (2,), (3,)), TOP_3)
    assert "the query needs NULLS FIRST or NULLS LAST; row 1, column a: None is not 3" in str(found)
    found = compare(answer((4,), (5,), (6,)), answer((1,), (2,), (3,)), TOP_3)
    assert "NULLS" not in str(found)


def test_all_rows_are_right_wherever_a_limit_would_have_cut() -> None:
    rows = [(1, "x"), (2, "y")]
    first, last = answer((None, "z"), *rows), answer(*rows, (None, "z"))
    assert compare(first, last, TOP_3) is None


def test_rows_whose_numbers_nearly_tie_find_their_partners() -> None:
    near, nearer = 1.0, 1.0 + 1e-12
    assert (
        compare(answer((near, 5.0), (nearer, 9.0)), answer((nearer, 5.0), (near, 9.0)), UNORDERED)
        is None
    )
    assert (
        compare(answer((near, 5.0), (nearer, 9.0)), answer((nearer, 5.0), (near, 8.0)), UNORDERED)
        is not None
    )


def floats(*values: Any, dtype: pa.DataType) -> Answer:
    return Answer.of(pa.table({"a": pa.array(values, dtype)}))


@pytest.mark.parametrize(
    ("dtype", "near", "far"),
    [
        (pa.float64(), 1.4e-17, 1e-9),
        (pa.float32(), 2e-7, 1e-5),
        (pa.float16(), 5e-4, 1e-2),
    ],
    ids=str,
)
def test_the_tolerance_near_zero_is_one_of_the_type(
    dtype: pa.DataType, near: float, far: float
) -> None:
    zero = floats(0.0, dtype=dtype)
    assert compare(floats(near, dtype=dtype), zero, UNORDERED) is None
    assert compare(floats(far, dtype=dtype), zero, UNORDERED) is not None


@pytest.mark.parametrize("other", [pa.float32(), pa.float64()], ids=str)
def test_sums_of_small_floats_may_be_a_little_more_off(other: pa.DataType) -> None:
    total = floats(1.0, dtype=pa.float32())
    assert compare(floats(1 + 3.4e-6, dtype=other), total, UNORDERED) is None
    assert compare(floats(1 + 3.4e-4, dtype=other), total, UNORDERED) is not None


NESTINGS: dict[str, Callable[[float], Any]] = {
    "list": lambda x: [[1.0, x], [x]],
    "struct": lambda x: [{"s": "a", "x": x}, {"s": "b", "x": None}],
    "list of structs": lambda x: [[{"x": [x, 2.0]}], []],
    "map": lambda x: [{"k": x}, None],
}


@pytest.mark.parametrize("nest", NESTINGS.values(), ids=NESTINGS)
def test_numbers_within_lists_and_structs_are_compared_as_such(
    nest: Callable[[float], Any],
) -> None:
    def of(x: float) -> Answer:
        dtype = pa.map_(pa.string(), pa.float64()) if "k" in str(nest(x)) else None
        values = [list(v.items()) if dtype and v else v for v in nest(x)]
        return Answer.of(pa.table({"a": pa.array(values, dtype)}))

    assert compare(of(0.1 + 0.2), of(0.3), UNORDERED) is None
    assert compare(of(0.31), of(0.3), UNORDERED) is not None
    assert compare(of(NAN), of(0.3), UNORDERED) is not None


@given(
    st.lists(st.tuples(st.integers(0, 2), st.floats(-1e3, 1e3), st.floats(-1e3, 1e3)), min_size=1),
    st.randoms(use_true_random=False),
    st.data(),
)
def test_any_row_that_is_lost_or_off_is_found(rows: list[Any], random: Any, data: Any) -> None:
    noisy = [(a, x * (1 + 1e-13), y * (1 - 1e-13)) for a, x, y in rows]
    random.shuffle(noisy)
    assert compare(answer(*noisy), answer(*rows), UNORDERED) is None
    index = data.draw(st.integers(0, len(noisy) - 1))
    a, x, y = noisy[index]
    noisy[index] = (a, x, y + 1 + abs(y) * 1e-3)
    assert compare(answer(*noisy), answer(*rows), UNORDERED) is not None


def test_an_answer_is_read_from_a_result() -> None:
    result = pa.table(
        {
            "n": pa.array([1, None]),
            "d": pa.array([Decimal("1.50"), None], pa.decimal128(15, 2)),
            "s": pa.array(["x", None], pa.string_view()),
        }
    )
    found = Answer.of(result)
    assert (found.columns, found.count) == (["n", "d", "s"], 2)
    assert found.rows([1, 0, 5]) == {0: (1, Decimal("1.50"), "x"), 1: (None, None, None)}
    empty = Answer.of(pa.table({"n": pa.array([], pa.int64())}))
    assert (empty.columns, empty.count, empty.rows([0])) == (["n"], 0, {})
