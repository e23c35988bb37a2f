"""The substitution parameters of a stream: for a seed exactly those that TPC's own qgen draws.

Each query has a generator of its own, so that neither the order of a stream nor what other queries
draw changes its values (TPC-H 2.1.3, 2.4; the source of qgen 2.17, ``qgen.c`` and ``varsub.c``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from types import MappingProxyType
from typing import Final

from neuralake.errors import ParameterError
from neuralake.tpch.distributions import (
    COLORS,
    CONTAINERS,
    NATIONS,
    Q13_FIRST_WORDS,
    Q13_SECOND_WORDS,
    REGION_OF,
    REGIONS,
    SEGMENTS,
    SHIP_MODES,
    TYPES,
)
from neuralake.tpch.scale import check_scale_factor
from neuralake.tpch.streams import ordering

_MULTIPLIER = 16807
_MODULUS = 2**31 - 1
# From here on the first step of qgen's own 64 bits overflows.
LARGEST_SEED: Final = (2**63 - 1) // _MULTIPLIER


@dataclass(frozen=True)
class QueryParameters:
    """What one query of a stream is asked with.

    Attributes
    ----------
    query
        Its name, such as ``q14``.
    values
        By the names of the query's parameters, in qgen's order; as text, as
        :meth:`neuralake.queries.query.Query.sql` takes them.
    """

    query: str
    values: Mapping[str, str]


def parameters(seed: int, stream: int, scale_factor: float) -> tuple[QueryParameters, ...]:
    """What ``qgen -r SEED -p STREAM -s SCALE_FACTOR`` draws.

    Parameters
    ----------
    seed
        Of qgen; in a run each stream has its own (:func:`stream_seed`).
    stream
        Whose order the queries have: 0 for the power stream, or 1 to 40. It changes no value.
    scale_factor
        Of the dataset: Q11's fraction is 0.0001 / SF.

    Returns
    -------
    tuple of QueryParameters
        The 22 queries in the stream's order.

    Raises
    ------
    ParameterError
        If qgen has no such seed or stream.
    DatasetError
        If no dataset has the scale factor.
    """
    check_seed(seed)
    check_scale_factor(scale_factor)
    names = ordering(stream)
    drawn: dict[str, dict[str, str]] = {}
    state = seed
    for number, draw in _DRAWS.items():
        state = _next(state)
        drawn[f"q{number:02d}"] = draw(_Generator(state))
    drawn["q11"]["fraction"] = f"{0.0001 / scale_factor:.10f}"
    return tuple(QueryParameters(name, MappingProxyType(drawn[name])) for name in names)


def stream_seed(seed: int, stream: int) -> int:
    """Seed of one stream of a run: the run's seed + the stream's number (TPC-H 2.1.3.3).

    Parameters
    ----------
    seed
        Of the run, which is that of its power stream.
    stream
        0 for the power stream, or a throughput stream's number.

    Raises
    ------
    ParameterError
        If qgen has no such seed.
    """
    check_seed(seed + stream)
    return seed + stream


def check_seed(seed: int) -> None:
    """Refuse a seed with which qgen draws nothing.

    Raises
    ------
    ParameterError
        If the seed is out of range, or a multiple of 2147483647: all that follows such a one is 0,
        and qgen looks for Q7's second nation for ever.
    """
    if not 1 <= seed <= LARGEST_SEED:
        raise ParameterError(
            f"seed {seed!s:.40} is out of range: expected a whole number from 1 to {LARGEST_SEED}"
        )
    if seed % _MODULUS == 0:
        raise ParameterError(
            f"seed {seed} is a multiple of {_MODULUS}, from which nothing random follows: "
            f"expected another, such as {seed + 1}"
        )


def _next(state: int) -> int:
    return _MULTIPLIER * state % _MODULUS


class _Generator:
    """Park and Miller's minimal standard generator (CACM 31/10, 1988), as qgen uses it."""

    def __init__(self, state: int) -> None:
        self._state = state

    def integer(self, low: int, high: int) -> int:
        """A number from ``low`` to ``high``; in doubles, as qgen does it."""
        self._state = _next(self._state)
        return low + int(self._state / float(_MODULUS) * float(high - low + 1))

    def index(self, count: int, weight: int = 1) -> int:
        """Place in a list whose entries all have the same weight."""
        return (self.integer(1, count * weight) - 1) // weight

    def pick(self, texts: Sequence[str], weight: int = 1) -> str:
        """One of a list."""
        return texts[self.index(len(texts), weight)]

    def other(self, texts: Sequence[str], than: str) -> str:
        """One of a list that is not this one."""
        while (text := self.pick(texts)) == than:
            pass
        return text

    def permuted(self, numbers: Sequence[int]) -> list[int]:
        """The numbers in another order: each place in turn swaps with one of the rest."""
        order = list(numbers)
        for place in range(len(order)):
            other = self.integer(place, len(order) - 1)
            order[place], order[other] = order[other], order[place]
        return order

    def brand(self) -> str:
        """Such as ``Brand#45``."""
        return f"Brand#{self.integer(1, 5)}{self.integer(1, 5)}"

    def new_year(self) -> str:
        """First of January of 1993 to 1997."""
        return f"{self.integer(1993, 1997)}-01-01"

    def month(self, first: int, last: int) -> str:
        """First day of a month; they are counted from January 1993, which is 0."""
        years, months = divmod(self.integer(first, last), 12)
        return f"{1993 + years}-{months + 1:02d}-01"


def _q02(generator: _Generator) -> dict[str, str]:
    size = generator.integer(1, 50)
    type_ = generator.pick(TYPES).rpartition(" ")[2]
    return {"size": str(size), "type": type_, "region": generator.pick(REGIONS)}


def _q03(generator: _Generator) -> dict[str, str]:
    segment = generator.pick(SEGMENTS)
    day = date(1995, 3, 1) + timedelta(days=generator.integer(0, 30))
    return {"segment": segment, "date": day.isoformat()}


def _q06(generator: _Generator) -> dict[str, str]:
    return {
        "date": generator.new_year(),
        "discount": f"0.{generator.integer(2, 9):02d}",
        "quantity": str(generator.integer(24, 25)),
    }


def _q07(generator: _Generator) -> dict[str, str]:
    nation = generator.pick(NATIONS)
    return {"nation1": nation, "nation2": generator.other(NATIONS, nation)}


def _q08(generator: _Generator) -> dict[str, str]:
    nation = generator.pick(NATIONS)
    return {"nation": nation, "region": REGION_OF[nation], "type": generator.pick(TYPES)}


def _q12(generator: _Generator) -> dict[str, str]:
    mode = generator.pick(SHIP_MODES)
    other = generator.other(SHIP_MODES, mode)
    return {"shipmode1": mode, "shipmode2": other, "date": generator.new_year()}


def _q13(generator: _Generator) -> dict[str, str]:
    return {
        "word1": generator.pick(Q13_FIRST_WORDS, weight=20),
        "word2": generator.pick(Q13_SECOND_WORDS, weight=40),
    }


def _q16(generator: _Generator) -> dict[str, str]:
    brand = generator.brand()
    type_ = generator.pick(TYPES).rpartition(" ")[0]
    sizes = generator.permuted(range(1, 51))[:8]
    return {"brand": brand, "type": type_, "sizes": ", ".join(map(str, sizes))}


def _q19(generator: _Generator) -> dict[str, str]:
    brands = {f"brand{number}": generator.brand() for number in (1, 2, 3)}
    quantities = {
        f"quantity{number}": str(generator.integer(low, low + width))
        for number, (low, width) in enumerate(((1, 9), (10, 10), (20, 10)), start=1)
    }
    return brands | quantities


def _q20(generator: _Generator) -> dict[str, str]:
    return {
        "color": generator.pick(COLORS),
        "date": generator.new_year(),
        "nation": generator.pick(NATIONS),
    }


def _q22(generator: _Generator) -> dict[str, str]:
    codes = generator.permuted(range(10, 35))[:7]
    return {"codes": ", ".join(map(str, codes))}


# In the order of the queries' numbers, in which their generators are seeded. Q11's fraction is not
# drawn.
_DRAWS: Mapping[int, Callable[[_Generator], dict[str, str]]] = MappingProxyType(
    {
        1: lambda generator: {"delta": str(generator.integer(60, 120))},
        2: _q02,
        3: _q03,
        4: lambda generator: {"date": generator.month(0, 57)},
        5: lambda generator: {"region": generator.pick(REGIONS), "date": generator.new_year()},
        6: _q06,
        7: _q07,
        8: _q08,
        9: lambda generator: {"color": generator.pick(COLORS)},
        10: lambda generator: {"date": generator.month(1, 24)},
        11: lambda generator: {"nation": generator.pick(NATIONS)},
        12: _q12,
        13: _q13,
        14: lambda generator: {"date": generator.month(0, 59)},
        15: lambda generator: {"date": generator.month(0, 57)},
        16: _q16,
        17: lambda g: {"brand": g.brand(), "container": g.pick(CONTAINERS)},
        18: lambda generator: {"quantity": str(generator.integer(312, 315))},
        19: _q19,
        20: _q20,
        21: lambda generator: {"nation": generator.pick(NATIONS)},
        22: _q22,
    }
)
