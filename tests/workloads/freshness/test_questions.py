"""Whether an answer is possible: every record that is missing, double or wrong is told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuralake.workloads.freshness.questions import Checker, ImpossibleError, Question

NAMES = ("producer", "n", "total", "squares", "least", "most")


def table(names: Sequence[str], rows: Sequence[tuple[int, ...]]) -> pa.Table:
    columns = list(zip(*rows, strict=True)) or [()] * len(names)
    return pa.table({name: pa.array(c, pa.int64()) for name, c in zip(names, columns, strict=True)})


def answer(numbers: Sequence[Sequence[int]], floor: int) -> pa.Table:
    """What an engine answers of a table with these numbers of each producer."""
    rows = []
    for producer, own in enumerate(numbers):
        kept = [n for n in own if n >= floor]
        if kept:
            squares = sum((n - floor) ** 2 for n in kept)
            rows.append((producer, len(kept), sum(kept), squares, min(kept), max(kept)))
    return table(NAMES, rows)


def whole(numbers: Sequence[Sequence[int]]) -> pa.Table:
    rows = [
        (producer, len(own), sum(own), sum((n % 65_536) ** 2 for n in own), min(own), max(own))
        for producer, own in enumerate(numbers)
        if own
    ]
    return table(NAMES, rows)


@given(steps=st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=20))
def test_a_table_that_grows_in_order_is_possible_and_its_ends_are_known(
    steps: list[tuple[int, int]],
) -> None:
    checker = Checker(due=(1000, 1000), window=25)
    ends = [0, 0]
    for step in steps:
        ends = [end + more for end, more in zip(ends, step, strict=True)]
        question = checker.question()
        found = checker.check(question, answer([range(end) for end in ends], question.floor))
        assert list(found) == ends
    assert list(checker.held) == ends
    checker.check_whole(whole([range(end) for end in ends]))


@given(
    end=st.integers(1, 200),
    lost=st.lists(st.integers(0, 199), max_size=3),
    double=st.lists(st.integers(0, 199), max_size=3),
    floor=st.integers(0, 50),
)
def test_whatever_is_lost_or_double_is_told(
    end: int, lost: list[int], double: list[int], floor: int
) -> None:
    counts = Counter(range(end))
    counts.subtract(set(lost))
    counts.update(double)
    numbers = sorted((+counts).elements())
    floor = min(floor, end)
    seen = [n for n in numbers if n >= floor]
    checker = Checker(due=(1000,), window=0)
    question = Question("", floor, (floor,))
    if seen == list(range(floor, max(seen, default=floor - 1) + 1)):
        assert checker.check(question, answer([numbers], floor)) == (floor + len(seen),)
    else:
        with pytest.raises(ImpossibleError):
            checker.check(question, answer([numbers], floor))


def test_one_lost_for_another_that_is_double_is_told_too() -> None:
    """The same count, sum, least and greatest: 4 and 6 are lost, and 5 is there three times."""
    checker = Checker(due=(100,), window=0)
    numbers = [0, 1, 2, 3, 5, 5, 5, 7, 8]
    with pytest.raises(ImpossibleError, match="their squares"):
        checker.check(checker.question(), answer([numbers], 0))
    with pytest.raises(ImpossibleError, match="their squares"):
        checker.check_whole(whole([numbers]))


@pytest.mark.parametrize(
    ("numbers", "said"),
    [
        ([[0, 1, 3]], "records are missing: from 0 to 3 there are 3"),
        ([[1, 2]], "records are missing: from 0 to 2 there are 2, the least is 1"),
        ([[0, 1, 1, 2]], "records are double: from 0 to 2 there are 4"),
        ([[*range(11)]], "record 10, which is never sent: the last one is 9"),
        ([[0], [0]], "records of producer 1, who does not exist"),
    ],
)
def test_what_is_wrong_is_named(numbers: list[list[int]], said: str) -> None:
    checker = Checker(due=(10,), window=100)
    with pytest.raises(ImpossibleError, match=said):
        checker.check(checker.question(), answer(numbers, 0))


def test_an_answer_that_takes_records_back_is_impossible() -> None:
    checker = Checker(due=(100,), window=5)
    first = checker.question()
    assert checker.check(first, answer([range(20)], 0)) == (20,)
    second = checker.question()
    assert second.floor == 15
    with pytest.raises(ImpossibleError, match="up to 19 were there, and now only those up to 17"):
        checker.check(second, answer([range(18)], 15))
    with pytest.raises(ImpossibleError, match="up to 19 were there, and now only those up to 14"):
        checker.check(second, answer([range(10)], 15))
    with pytest.raises(ImpossibleError, match="20 records were there, and now 10 are"):
        checker.check_whole(whole([range(10)]))


def test_a_whole_table_of_more_numbers_than_a_cycle_is_checked_as_well() -> None:
    count = 65_536 + 1000
    checker = Checker(due=(count,), window=0)
    checker.check_whole(whole([range(count)]))
    changed = [*range(65_540), 65_542, 65_542, 65_542, *range(65_543, count)]
    changed = [number for number in changed if number not in (65_541, 65_543)]
    with pytest.raises(ImpossibleError):
        checker.check_whole(whole([changed]))


def test_answers_that_overtake_one_another_are_possible() -> None:
    """A question that was asked earlier may be answered later, with less."""
    checker = Checker(due=(100,), window=5)
    slow, quick = checker.question(), checker.question()
    assert checker.check(quick, answer([range(20)], quick.floor)) == (20,)
    assert checker.check(slow, answer([range(10)], slow.floor)) == (10,)
    assert checker.held == (20,)


@pytest.mark.parametrize(
    ("given_table", "said"),
    [
        (pa.table({"n": [1]}), "without the column producer"),
        (answer([[0]], 0).set_column(1, "n", pa.array([None], pa.int64())), "with nulls"),
        (pa.concat_tables([answer([[0]], 0)] * 2), "two rows for one producer"),
    ],
)
def test_an_answer_of_another_shape_is_impossible(given_table: pa.Table, said: str) -> None:
    checker = Checker(due=(10,), window=0)
    with pytest.raises(ImpossibleError, match=said):
        checker.check(checker.question(), given_table)
