"""What the tests leave to ``make test-all``: another combination of what they try anyway."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import settings


def few(values: Iterable[Any], *chosen: Any) -> list[Any]:
    """Values of a parameter, of which some stand for all by default.

    Parameters
    ----------
    values
        All of them, in their order; a tuple is one of several parameters.
    chosen
        Those that are tried by default, whole or by their first element: the first value where
        none is given. All others are marked ``more``.

    Raises
    ------
    ValueError
        Where one of the chosen is no value.
    """
    every = [value if isinstance(value, tuple) else (value,) for value in values]
    kept = chosen or every[:1]
    if absent := [one for one in kept if not any(one in (value, value[0]) for value in every)]:
        raise ValueError(f"{absent[0]!r} is none of {every}")
    return [
        pytest.param(*value, marks=[] if value in kept or value[0] in kept else pytest.mark.more)
        for value in every
    ]


def is_by_day(config: pytest.Config) -> bool:
    """Whether this is ``make test``, which leaves something to the other."""
    return bool(config.option.markexpr == "not more")


def often(times: int, by_day: int) -> int:
    """How many times something is done that is random, or may go wrong now and then.

    Parameters
    ----------
    times
        In ``make test-all``, and where a test is asked for alone.
    by_day
        In ``make test``.
    """
    return by_day if settings().max_examples < 100 else times


def drawn(examples: int) -> int:
    """How many examples of so many hypothesis draws: the whole of them in ``make test-all``.

    Profiles (``tests/conftest.py``) say by their own number how thorough a run is, of 100.
    """
    return max(5, examples * settings().max_examples // 100)
