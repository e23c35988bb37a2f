"""What readers ask, and whether an answer is possible.

Each producer numbers its records from 0 without a gap, and they are committed in this order: so the
records of a producer that a version of the table holds are always the first so many. An answer
gives, for each producer, count, sum, sum of squares, least and greatest of the numbers from a floor
on. If these are those of all numbers from the floor up to the greatest, each once, then the answer
holds just the records up to the greatest, and none other: one number tells of each of a hundred
thousand records whether it was there. If they are not, a record is missing, double or wrong.

The floor is a second of records below the last one that was seen, so that a question costs the same
however long the table is, and records that are compacted meanwhile are looked at again. What lies
below the floor has been checked by an answer before; at the end everything is asked for once more.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from neuralake.workloads.freshness.events import TABLE

_NUMBERS = ("producer", "n", "total", "squares", "least", "most")
SCHEMA = pa.schema([(name, pa.int64()) for name in _NUMBERS])
_CYCLE = 65_536


class ImpossibleError(Exception):
    """An answer that no state of the table could give, or that takes records back."""


@dataclass(frozen=True)
class Question:
    """A question, and what is known when it is asked.

    Attributes
    ----------
    sql
        The question; ``None`` stands for no floor.
    floor
        Least number that it asks for.
    held
        Up to where an answer that was there before had the records of each producer.
    """

    sql: str
    floor: int
    held: tuple[int, ...]


def question_from(floor: int) -> str:
    """Count, sum, sum of squares, least and greatest of the numbers from a floor on."""
    return (
        "SELECT producer, COUNT(*) AS n, SUM(number) AS total, "  # noqa: S608 (our own)
        f"SUM((number - {floor}) * (number - {floor})) AS squares, "
        f"MIN(number) AS least, MAX(number) AS most FROM {TABLE} "
        f"WHERE number >= {floor} GROUP BY producer"
    )


# Of a whole table the squares would not fit into 64 bits: those of what is left by a division do.
# Distinct numbers would tell as much, and take a server more memory than it gives to a question.
WHOLE_QUESTION = (
    "SELECT producer, COUNT(*) AS n, SUM(number) AS total, "  # noqa: S608 (our own)
    f"SUM((number % {_CYCLE}) * (number % {_CYCLE})) AS squares, "
    f"MIN(number) AS least, MAX(number) AS most FROM {TABLE} GROUP BY producer"
)


class Checker:
    """What has been seen so far, and whether the next answer fits; safe for many threads.

    Parameters
    ----------
    due
        How many records each producer sends in all.
    window
        Records of each producer that are asked for again.
    """

    def __init__(self, due: Sequence[int], window: int) -> None:
        self._due, self._window = tuple(due), window
        self._held = (0,) * len(due)
        self._lock = threading.Lock()

    @property
    def held(self) -> tuple[int, ...]:
        """Up to where answers had the records of each producer."""
        with self._lock:
            return self._held

    def question(self) -> Question:
        """The next question."""
        held = self.held
        floor = max(min(held) - self._window, 0)
        return Question(question_from(floor), floor, held)

    def check(self, question: Question, answer: pa.Table) -> tuple[int, ...]:
        """Up to where an answer has the records of each producer.

        Parameters
        ----------
        question
            That was asked.
        answer
            Columns in any order and case, one row for each producer that has records.

        Raises
        ------
        ImpossibleError
            If records are missing, double, wrong, or held before and not now.
        """
        ends = [question.floor] * len(self._due)
        for producer, n, total, squares, least, most in _rows(answer):
            count = self._check_ends(producer, n, least, most, question.floor)
            expected = (question.floor + most) * count // 2
            ends_ = (question.floor, most)
            _check_sums(producer, ends_, (total, squares), (expected, _squares(count)))
            ends[producer] = most + 1
        for producer, (end, before) in enumerate(zip(ends, question.held, strict=True)):
            if end < before:
                raise ImpossibleError(
                    f"producer {producer}: records up to {before - 1:,} were there, "
                    f"and now only those up to {end - 1:,}"
                )
        with self._lock:
            pairs = zip(self._held, ends, strict=True)
            self._held = tuple(max(before, end) for before, end in pairs)
        return tuple(ends)

    def check_whole(self, answer: pa.Table) -> None:
        """Check an answer to ``WHOLE_QUESTION`` that was asked when everything had been seen.

        Raises
        ------
        ImpossibleError
            If it does not hold every record once.
        """
        seen = [0] * len(self._due)
        for producer, n, total, squares, least, most in _rows(answer):
            count = self._check_ends(producer, n, least, most, 0)
            cycles, rest = divmod(count, _CYCLE)
            expected = most * count // 2
            of_squares = cycles * _squares(_CYCLE) + _squares(rest)
            _check_sums(producer, (0, most), (total, squares), (expected, of_squares))
            seen[producer] = count
        for producer, (found, held) in enumerate(zip(seen, self.held, strict=True)):
            if found < held:
                raise ImpossibleError(
                    f"producer {producer}: {held:,} records were there, and now {found:,} are"
                )

    def _check_ends(self, producer: int, n: int, least: int, most: int, floor: int) -> int:
        """How many records there must be from the floor to the greatest."""
        if not 0 <= producer < len(self._due):
            raise ImpossibleError(f"records of producer {producer}, who does not exist")
        if most >= self._due[producer]:
            raise ImpossibleError(
                f"producer {producer}: record {most:,}, which is never sent: the last one is "
                f"{self._due[producer] - 1:,}"
            )
        count = most - floor + 1
        if n != count or least != floor:
            what = "double" if n > count else "missing"
            raise ImpossibleError(
                f"producer {producer}: records are {what}: from {floor:,} to {most:,} there are "
                f"{n:,}, the least is {least:,}: {count:,} from {floor:,} on were due"
            )
        return count


def _squares(count: int) -> int:
    """Sum of the squares of the numbers from 0 on, so many of them."""
    return (count - 1) * count * (2 * count - 1) // 6


def _check_sums(
    producer: int, ends: tuple[int, int], found: tuple[int, int], due: tuple[int, int]
) -> None:
    if found != due:
        raise ImpossibleError(
            f"producer {producer}: the numbers from {ends[0]:,} to {ends[1]:,} add up to "
            f"{found[0]:,}, their squares to {found[1]:,}: {due[0]:,} and {due[1]:,} were due"
        )


def _rows(answer: pa.Table) -> list[tuple[int, ...]]:
    """Rows of an answer, whose columns an engine may call ``PRODUCER``."""
    by_name = {name.lower(): name for name in answer.column_names}
    try:
        columns = [answer[by_name[name]].to_pylist() for name in _NUMBERS]
    except KeyError as error:
        raise ImpossibleError(f"an answer without the column {error.args[0]}") from None
    rows = list(zip(*columns, strict=True))
    if any(value is None for row in rows for value in row):
        raise ImpossibleError("an answer with nulls where numbers are")
    if len({row[0] for row in rows}) < len(rows):
        raise ImpossibleError("an answer with two rows for one producer")
    return [tuple(int(value) for value in row) for row in rows]
