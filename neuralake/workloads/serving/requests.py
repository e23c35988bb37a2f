"""What is asked: kinds of requests, and the keys that they are made with.

Keys are drawn as Zipf's law has them with YCSB's constant, and scattered over the table (Cooper et
al., Benchmarking Cloud Serving Systems with YCSB, 2010): a cache meets a few keys often and most of
them hardly ever. ``uniform`` is what no cache helps with.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from neuralake.errors import LoadError, did_you_mean
from neuralake.lists import names_in, require_once
from neuralake.queries.query import Query, parse_query
from neuralake.results.serving.records import Keys, Mix
from neuralake.workloads.serving.events import CODES, EVENTS

KINDS = ("point", "aggregate", "tpch")
ZIPF = 0.99
_BLOCK = 4096

_POINT = f"SELECT * FROM {EVENTS} WHERE id = "  # noqa: S608 (our own)
_AGGREGATE = f"""\
SELECT device, COUNT(*) AS n, SUM(amount) AS amount, MAX(happened_at) AS latest,
       MIN(account) AS account
FROM {EVENTS} WHERE code = """  # noqa: S608 (our own)
_GROUPED = " GROUP BY device ORDER BY device"


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked: requests that are equal have the same answer.

    Attributes
    ----------
    kind
        Its place in :data:`KINDS`.
    key
        The ``id`` of a point query, the ``code`` of an aggregate, the place of a TPC-H query.
    """

    kind: int
    key: int


class Requests:
    """Requests of a mix, drawn and written as SQL.

    Parameters
    ----------
    mix
        What is asked.
    queries
        TPC-H's, where the mix has them.
    """

    def __init__(self, mix: Mix, queries: Sequence[Query] = ()) -> None:
        self.mix = mix
        self._queries = tuple(queries)
        self._texts = [query.sql() for query in queries]
        self._weights = [mix.weights.get(kind, 0.0) for kind in KINDS]
        sizes = (mix.table_rows, CODES, max(len(queries), 1))
        # each query of TPC-H is as likely as any other
        skews: tuple[Keys, ...] = (mix.keys, mix.keys, "uniform")
        self._draws = [_Draw(size, keys) for size, keys in zip(sizes, skews, strict=True)]

    def draw(self, seed: int) -> Iterator[Request]:
        """Requests without end, the same from the same seed."""
        random = np.random.default_rng((seed, 0x5E4))
        while True:
            kinds = random.choice(len(KINDS), _BLOCK, p=self._weights)
            keys = [draw(random, _BLOCK) for draw in self._draws]
            for place, kind in enumerate(kinds.tolist()):
                yield Request(kind, int(keys[kind][place]))

    def sql(self, request: Request) -> str:
        """The text."""
        kind = KINDS[request.kind]
        if kind == "point":
            return f"{_POINT}{request.key}"
        if kind == "aggregate":
            return f"{_AGGREGATE}{request.key}{_GROUPED}"
        return self._texts[request.key]

    def query(self, request: Request) -> Query:
        """What says when an answer is right."""
        if KINDS[request.kind] == "tpch":
            return self._queries[request.key]
        return parse_query(KINDS[request.kind], self.sql(request))


class _Draw:
    """Draws keys from 0 to a number."""

    def __init__(self, size: int, keys: Keys) -> None:
        self._size = size
        self._shares: npt.NDArray[np.float64] | None = None
        if keys == "zipf":
            weights = np.arange(1, size + 1, dtype=float) ** -ZIPF
            self._shares = np.cumsum(weights) / weights.sum()
            # which key is the most frequent one does not depend on what is drawn
            self._places = np.random.default_rng(0x21F).permutation(size)

    def __call__(self, random: np.random.Generator, count: int) -> npt.NDArray[np.int64]:
        if self._shares is None:
            return random.integers(0, self._size, count)
        ranks = np.searchsorted(self._shares, random.random(count), side="right")
        return self._places[np.minimum(ranks, self._size - 1)]


def parse_mix(text: str, keys: Keys, table_rows: int) -> Mix:
    """A mix such as ``point`` or ``point=90,aggregate=9,tpch=1``.

    Raises
    ------
    LoadError
        If a kind is not known or named twice, or a weight is no number above 0.
    """
    words = names_in(text)
    require_once((word.partition("=")[0].strip() for word in words), "kind of request", LoadError)
    weights: dict[str, float] = {}
    for word in words:
        kind, _, number = (part.strip() for part in word.partition("="))
        if kind not in KINDS:
            raise LoadError(
                f"unknown kind of request {kind!r}: expected some of {', '.join(KINDS)}"
                f"{did_you_mean(kind, KINDS)}"
            )
        try:
            weights[kind] = float(number) if number or "=" in word else 1.0
        except ValueError:
            weights[kind] = 0.0
        if not 0 < weights[kind] < 1e9:
            raise LoadError(f"{word!r} has no weight: expected such as {kind}=10")
    total = sum(weights.values())
    return Mix({kind: weight / total for kind, weight in weights.items()}, keys, table_rows)
