"""Keys are dbgen's: each order has one of each generation, and no two have the same."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuralake.errors import DatasetError, ParameterError
from neuralake.tpch.refresh.keys import (
    KeyMapping,
    check_sets,
    generation_of,
    index_of,
    indexes_of_set,
    order_key,
    orders_of_set,
    parse_sets,
)
from neuralake.tpch.scale import row_count

INDEXES = st.integers(1, 150_000_000_000)  # orders of scale factor 100,000
SCALES = st.floats(0.001, 100_000).map(lambda scale: float(f"{scale:.3g}"))


def test_a_fresh_dataset_has_8_keys_of_each_32() -> None:
    keys = [order_key(index) for index in range(1, 20)]
    assert keys == [1, 2, 3, 4, 5, 6, 7, *range(32, 40), *range(64, 68)]


def test_set_1_at_scale_factor_01_inserts_9_10_and_so_on() -> None:
    indexes = indexes_of_set(1, 0.1)
    assert [order_key(index, 1) for index in indexes][:8] == [9, 10, 11, 12, 13, 14, 15, 40]
    assert [order_key(index) for index in indexes][:3] == [1, 2, 3]
    assert len(indexes) == 150


@given(index=INDEXES, generation=st.integers(0, 3))
def test_a_key_says_which_order_it_belongs_to(index: int, generation: int) -> None:
    key = order_key(index, generation)
    assert (index_of(key), generation_of(key)) == (index, generation)


@given(a=INDEXES, b=INDEXES, of_a=st.integers(0, 3), of_b=st.integers(0, 3))
def test_no_two_orders_have_the_same_key(a: int, b: int, of_a: int, of_b: int) -> None:
    assert (order_key(a, of_a) == order_key(b, of_b)) == ((a, of_a) == (b, of_b))


@given(a=INDEXES, b=INDEXES)
def test_keys_of_a_generation_stand_in_the_order_of_the_indexes(a: int, b: int) -> None:
    assert (order_key(a) < order_key(b)) == (a < b)


@given(start=INDEXES)
def test_arrays_have_the_keys_of_their_numbers(start: int) -> None:
    indexes = np.arange(start, start + 50, dtype=np.int64)
    assert order_key(indexes, 1).tolist() == [order_key(index, 1) for index in indexes.tolist()]


@given(scale=SCALES)
def test_all_sets_together_are_at_most_the_dataset(scale: float) -> None:
    sets = [indexes_of_set(number, scale) for number in (1, 2, 999)]
    assert sets[0].start == 1
    assert sets[0].stop == sets[1].start
    assert len(sets[2]) == orders_of_set(scale)
    assert sets[2].stop - 1 <= row_count("orders", scale).start


@pytest.mark.parametrize(
    ("scale", "orders"),
    [
        (0.001, 1),
        (0.01, 15),
        (0.07, 105),
        (0.29, 435),
        (1, 1500),
        (0.003, 4),
        (100_000, 150_000_000),
    ],
)
def test_a_set_has_1500_orders_at_scale_factor_1(scale: float, orders: int) -> None:
    assert orders_of_set(scale) == orders


def test_pairs_map_the_keys_of_their_orders_and_of_no_other() -> None:
    mapping = KeyMapping((2, 4), 0.01)
    replaced = [*range(16, 31), *range(46, 61)]
    base = [order_key(index) for index in range(1, 76)]
    after = [order_key(index, 1 if index in replaced else 0) for index in range(1, 76)]
    assert mapping(base).tolist() == after
    assert mapping(after).tolist() == after
    assert KeyMapping((), 0.01)(base).tolist() == base


@given(numbers=st.lists(st.integers(1, 999), unique=True, max_size=30))
def test_pairs_leave_as_many_keys_and_none_of_those_that_they_delete(numbers: list[int]) -> None:
    base = order_key(np.arange(1, 4501, dtype=np.int64))  # scale factor 0.003
    now = KeyMapping(tuple(numbers), 0.003)(base)
    deleted = {order_key(i) for number in numbers for i in indexes_of_set(number, 0.003)}
    inserted = {order_key(i, 1) for number in numbers for i in indexes_of_set(number, 0.003)}
    assert len(set(now.tolist())) == len(base)
    assert set(now.tolist()) == (set(base.tolist()) - deleted) | inserted
    assert not inserted & set(base.tolist())


def test_sets_are_named_by_numbers_and_ranges() -> None:
    assert parse_sets("1") == (1,)
    assert parse_sets("3, 1,7-9") == (3, 1, 7, 8, 9)
    assert len(parse_sets("1-999")) == 999


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("0", "refresh set 0 does not exist: expected 1 to 999"),
        ("1000", "refresh set 1000 does not exist"),
        ("1-1000", "refresh set 1000 does not exist"),
        ("999999999", "refresh set 999999999 does not exist"),
        ("1,2,1", "refresh set 1 is named twice"),
        ("1-5,3", "refresh set 3 is named twice"),
        ("5-1", "refresh sets 5-1 are none: expected 1-5"),
        ("one", "'one' is no refresh set: expected numbers and ranges such as 1,3-5"),
        ("1,", "'' is no refresh set"),
        ("-1", "'-1' is no refresh set"),
        ("1.5", "'1.5' is no refresh set"),
    ],
)
def test_sets_that_cannot_be_are_refused(text: str, words: str) -> None:
    with pytest.raises(ParameterError, match=words):
        parse_sets(text)


def test_no_set_and_no_dataset_are_refused() -> None:
    with pytest.raises(ParameterError, match="no refresh set is named"):
        check_sets([])
    with pytest.raises(DatasetError, match="scale factor 0 is out of range"):
        orders_of_set(0)
