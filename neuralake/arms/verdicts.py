"""From pairs to verdicts: the records of a comparison, of the statistics in ``stats``."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from statistics import fmean
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from neuralake.results.comparison import BETTER, SIDES, By, Change, Pair, Side
from neuralake.results.comparison import Verdict as ChangeVerdict
from neuralake.stats.paired import Judgement, Question, judge, query_units, suite_units
from neuralake.stats.sequential import estimate

Array = npt.NDArray[np.float64]
What = Literal["wall", "cpu", "instructions", "cycles"]
# Of each query that was run in it, one pair of executions or more
Round: TypeAlias = Mapping[str, Sequence[Pair]]
# What decides, and what is told beside it
_DECIDING: Mapping[By, What] = {"time": "wall", "instructions": "instructions"}
_BESIDE: Mapping[By, What] = {"time": "cpu", "instructions": "cycles"}
_OF_WORK: Mapping[ChangeVerdict, ChangeVerdict] = {
    "slower": "more work",
    "faster": "less work",
    "unchanged": "same work",
}


@dataclass(frozen=True)
class Unit:
    """What was measured in one pair of processes.

    Attributes
    ----------
    queries
        Names of those that were to be run.
    pairs
        Of them, in the order of time.
    """

    queries: frozenset[str]
    pairs: Sequence[Pair]


@dataclass(frozen=True)
class Measured:
    """What was measured of one engine.

    Attributes
    ----------
    queries
        Names, in order.
    units
        The pairs of processes, in the order of time.
    faults
        Queries without a time: ``wrong`` or ``failed``, and why.
    rounds
        Pairs of each query in the units to come.
    by
        What is compared.
    """

    queries: tuple[str, ...]
    units: tuple[Unit, ...]
    faults: Mapping[str, tuple[str, str]]
    rounds: int
    by: By = "time"


def engine_verdicts(measured: Measured, question: Question) -> tuple[Change, tuple[Change, ...]]:
    """The verdict on the suite, and those on the queries.

    A query that was wrong or failed once, in either arm, is in none of the ratios.
    """
    sound = [query for query in measured.queries if query not in measured.faults]
    rounds = [_whole_rounds(unit, sound) for unit in measured.units]
    units = [unit for unit in rounds if unit]
    whole = [unit for unit in units if unit[0].keys() >= set(sound)]
    if not sound or not whole:
        return _nothing(measured)
    deciding, beside = _DECIDING[measured.by], _BESIDE[measured.by]
    sides = [_log_sides(unit, sound, deciding) for unit in units]
    ratios = [candidate - base for base, candidate in sides]
    query_beside = query_units([_log_ratios(unit, sound, beside) for unit in units]).values
    # Nothing but the two processes themselves has made counts
    suite, queries = judge(ratios, question, sides if measured.by == "instructions" else None)
    spread = _spreads([_log_sides(_apart(unit), sound, deciding) for unit in units], measured.by)
    medians = {query: _medians(units, query, deciding) for query in sound}
    changes = {}
    for i, query in enumerate(sound):
        pairs = [_count(unit, query) for unit in units if query in unit[0]]
        beside_it = _Beside.of(query_beside[: len(pairs), i])
        changes[query] = _change(
            query, queries[i], beside_it, medians[query], pairs, measured, spread[i]
        )
    change = _suite_change(suite, whole, list(medians.values()), measured)
    if change.verdict in BETTER and measured.faults:  # what is wrong or missing is never better
        kinds = {kind for kind, _ in measured.faults.values()}
        gravest: ChangeVerdict = "wrong" if "wrong" in kinds else "failed"
        named = ", ".join(sorted(measured.faults))
        change = replace(change, verdict=gravest, message=f"not among the ratios: {named}")
    return change, tuple(changes.get(q) or _fault(q, measured) for q in measured.queries)


def _suite_change(
    suite: Judgement,
    whole: Sequence[Sequence[Round]],
    medians: Sequence[tuple[float, float]],
    measured: Measured,
) -> Change:
    """The change of all sound queries together, of the units that ran all of them."""
    sound = list(whole[0][0])
    deciding = [_log_sides(unit, sound, _DECIDING[measured.by]) for unit in whole]
    beside = [_log_ratios(unit, sound, _BESIDE[measured.by]) for unit in whole]
    known = all(np.isfinite(unit).all() for unit in beside)
    beside_it = _Beside.of(suite_units(beside).values[:, 0]) if known else _Beside(None, None, None)
    totals = (sum(base for base, _ in medians), sum(candidate for _, candidate in medians))
    (spread,) = _spreads([unit.mean(axis=2, keepdims=True) for unit in deciding], measured.by)
    pairs = [len(unit) for unit in whole]
    return _change(None, suite, beside_it, totals, pairs, measured, spread)


@dataclass(frozen=True)
class _Beside:
    ratio: float | None
    low: float | None
    high: float | None

    @staticmethod
    def of(values: Array) -> _Beside:
        if not np.all(np.isfinite(values)):
            return _Beside(None, None, None)
        found = estimate(values)
        ends = (None if x is None else math.exp(x) for x in (found.low, found.high))
        return _Beside(math.exp(found.mean), *ends)


def _change(
    query: str | None,
    judgement: Judgement,
    beside: _Beside,
    medians: tuple[float, float],
    pairs: Sequence[int],
    measured: Measured,
    spread: float | None,
) -> Change:
    decided, more, fixed = judgement.decided_after, judgement.more, judgement.fixed_size
    found = Change(
        query=query,
        verdict=judgement.verdict,
        ratio=judgement.ratio,
        low=judgement.low,
        high=judgement.high,
        pairs=sum(pairs),
        decided_after_pairs=None if decided is None else sum(pairs[:decided]),
        more_pairs=None if more is None else more * max(measured.rounds, pairs[-1]),
        fixed_size_pairs=None if fixed is None else fixed * sum(pairs) / len(pairs),
        spread=spread,
        unit_spread=judgement.unit_spread,
    )
    base, candidate = medians
    if measured.by == "time":
        return replace(
            found,
            cpu_ratio=beside.ratio,
            cpu_low=beside.low,
            cpu_high=beside.high,
            base_ns=base,
            candidate_ns=candidate,
        )
    return replace(
        found,
        verdict=_OF_WORK.get(found.verdict, found.verdict),
        cycles_ratio=beside.ratio,
        cycles_low=beside.low,
        cycles_high=beside.high,
        base_instructions=base,
        candidate_instructions=candidate,
    )


def _fault(query: str, measured: Measured) -> Change:
    kind, message = measured.faults[query]
    verdict: ChangeVerdict = "wrong" if kind == "wrong" else "failed"
    return Change(query, verdict, message=message)


def _nothing(measured: Measured) -> tuple[Change, tuple[Change, ...]]:
    """Verdicts where there is not one whole round."""
    queries = tuple(
        _fault(query, measured) if query in measured.faults else Change(query, "inconclusive")
        for query in measured.queries
    )
    if all(query in measured.faults for query in measured.queries):
        return Change(None, "failed", message="no query was answered rightly in both arms"), queries
    return Change(None, "inconclusive"), queries


def _whole_rounds(unit: Unit, sound: Sequence[str]) -> list[dict[str, list[Pair]]]:
    """The rounds of a unit in which each sound query that was to be run in it has a pair."""
    names = [query for query in sound if query in unit.queries]
    rounds: dict[int, dict[str, list[Pair]]] = {}
    for pair in unit.pairs:
        rounds.setdefault(pair.round, {}).setdefault(pair.query, []).append(pair)
    return [
        {query: found[query] for query in names}
        for found in rounds.values()
        if names and found.keys() >= set(names)
    ]


def _apart(rounds: Sequence[Round]) -> list[dict[str, list[Pair]]]:
    """The pairs of each round as rounds of one pair of each query, or none of some."""
    return [
        {query: [pair] for query, pair in zip(turn, pairs, strict=True) if pair is not None}
        for turn in rounds
        for pairs in zip_longest(*turn.values())
    ]


def _log_ratios(rounds: Sequence[Round], queries: Sequence[str], what: What) -> Array:
    """Logarithms of candidate ÷ base, of shape (rounds, queries); nan where one is not known."""
    found: Array = np.diff(_log_sides(rounds, queries, what), axis=0)[0]
    return found


def _log_sides(rounds: Sequence[Round], queries: Sequence[str], what: What) -> Array:
    """Logarithms of base and candidate, of shape (2, rounds, queries); nan as there.

    Of several pairs in a round it is their mean.
    """
    found = np.full((len(SIDES), len(rounds), len(queries)), math.nan)
    for place in np.ndindex(found.shape):
        side, turn, query = place
        values = [_value(pair, SIDES[side], what) for pair in rounds[turn].get(queries[query], ())]
        if values and all(values):
            found[place] = fmean(math.log(value) for value in values if value)
    return found


def _value(pair: Pair, side: Side, what: What) -> int | None:
    of_base, of_candidate = {
        "wall": (pair.base_wall_ns, pair.candidate_wall_ns),
        "cpu": (pair.base_cpu_ns, pair.candidate_cpu_ns),
        "instructions": (pair.base_instructions, pair.candidate_instructions),
        "cycles": (pair.base_cycles, pair.candidate_cycles),
    }[what]
    return of_base if side == "base" else of_candidate


def _count(rounds: Sequence[Round], query: str) -> int:
    """Number of a query's pairs in rounds that have some."""
    return sum(len(turn[query]) for turn in rounds)


def _medians(units: Sequence[Sequence[Round]], query: str, what: What) -> tuple[float, float]:
    pairs = [pair for unit in units for turn in unit for pair in turn.get(query, ())]
    base, candidate = (
        float(np.median([_value(pair, side, what) or 0 for pair in pairs])) for side in SIDES
    )
    return base, candidate


def _spreads(units: Sequence[Array], by: By) -> list[float | None]:
    """:func:`pair_spreads` of ratios, from both sides, of shape (2, rounds, columns) each.

    Counts of the two sides have nothing in common, so that the noise of each tells of that of their
    ratio, which is known by twice as many values.
    """
    if by == "time":
        return pair_spreads([np.diff(unit, axis=0)[0] for unit in units])
    sides = [pair_spreads([unit[side] for unit in units]) for side in range(len(SIDES))]
    return [
        None if base is None or candidate is None else math.hypot(base, candidate)
        for base, candidate in zip(*sides, strict=True)
    ]


def pair_spreads(units: Sequence[Array]) -> list[float | None]:
    """Standard deviation of a pair's log ratio within its unit, for each column.

    Parameters
    ----------
    units
        Logarithms of ratios, each of shape (rounds, columns); nan where a column was not run.

    Returns
    -------
    list
        None where no unit has two pairs.
    """
    return [_pair_spread([unit[:, i] for unit in units]) for i in range(units[0].shape[1])]


def _pair_spread(units: Sequence[Array]) -> float | None:
    several = [known for unit in units if (known := unit[~np.isnan(unit)]).size > 1]
    if not several:
        return None
    squares = sum(float(((unit - unit.mean()) ** 2).sum()) for unit in several)
    return math.sqrt(squares / sum(unit.size - 1 for unit in several))
