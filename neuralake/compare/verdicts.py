"""From pairs to verdicts: the records of a comparison, of the statistics in ``stats``."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from neuralake.results.comparison import Change, Pair
from neuralake.results.comparison import Verdict as ChangeVerdict
from neuralake.stats.paired import Judgement, Question, judge, query_units, suite_units
from neuralake.stats.sequential import estimate

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Measured:
    """What was measured of one engine.

    Attributes
    ----------
    queries
        Names, in order.
    units
        Pairs of each pair of processes.
    faults
        Queries without a time: ``wrong`` or ``failed``, and why.
    rounds
        Pairs of each query in the units to come.
    """

    queries: tuple[str, ...]
    units: tuple[Sequence[Pair], ...]
    faults: Mapping[str, tuple[str, str]]
    rounds: int


def engine_verdicts(measured: Measured, question: Question) -> tuple[Change, tuple[Change, ...]]:
    """The verdict on the suite, and those on the queries.

    A query that was wrong or failed once, in either arm, is in none of the ratios.
    """
    sound = [query for query in measured.queries if query not in measured.faults]
    rounds = [_whole_rounds(unit, sound) for unit in measured.units]
    units = [unit for unit in rounds if unit]
    if not sound or not units:
        return _nothing(measured)
    wall = [_log_ratios(unit, sound, cpu=False) for unit in units]
    cpu = [_log_ratios(unit, sound, cpu=True) for unit in units]
    suite, queries = judge(wall, question)
    spread = _pair_spreads(wall)
    pairs = [len(unit) for unit in wall]
    suite_cpu, query_cpu = suite_units(cpu).values, query_units(cpu).values
    medians = {query: _medians(units, query) for query in sound}
    changes = {
        query: _change(
            query, queries[i], _Cpu.of(query_cpu[:, i]), medians[query], pairs, measured, spread[i]
        )
        for i, query in enumerate(sound)
    }
    totals = (sum(m[0] for m in medians.values()), sum(m[1] for m in medians.values()))
    suite_spread = _pair_spreads([unit.mean(axis=1, keepdims=True) for unit in wall])[0]
    whole = _change(None, suite, _Cpu.of(suite_cpu[:, 0]), totals, pairs, measured, suite_spread)
    if whole.verdict == "faster" and measured.faults:  # what is wrong or missing is never faster
        kinds = {kind for kind, _ in measured.faults.values()}
        gravest: ChangeVerdict = "wrong" if "wrong" in kinds else "failed"
        named = ", ".join(sorted(measured.faults))
        whole = replace(whole, verdict=gravest, message=f"not among the ratios: {named}")
    return whole, tuple(changes.get(q) or _fault(q, measured) for q in measured.queries)


@dataclass(frozen=True)
class _Cpu:
    ratio: float | None
    low: float | None
    high: float | None

    @staticmethod
    def of(values: Array) -> _Cpu:
        if not np.all(np.isfinite(values)):
            return _Cpu(None, None, None)
        found = estimate(values)
        ends = (None if x is None else math.exp(x) for x in (found.low, found.high))
        return _Cpu(math.exp(found.mean), *ends)


def _change(
    query: str | None,
    judgement: Judgement,
    cpu: _Cpu,
    medians: tuple[float, float],
    pairs: Sequence[int],
    measured: Measured,
    spread: float | None,
) -> Change:
    decided, more, fixed = judgement.decided_after, judgement.more, judgement.fixed_size
    return Change(
        query=query,
        verdict=judgement.verdict,
        ratio=judgement.ratio,
        low=judgement.low,
        high=judgement.high,
        cpu_ratio=cpu.ratio,
        cpu_low=cpu.low,
        cpu_high=cpu.high,
        base_ns=medians[0],
        candidate_ns=medians[1],
        pairs=sum(pairs),
        decided_after_pairs=None if decided is None else sum(pairs[:decided]),
        more_pairs=None if more is None else more * measured.rounds,
        fixed_size_pairs=None if fixed is None else fixed * sum(pairs) / len(pairs),
        spread=spread,
        unit_spread=judgement.unit_spread,
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


def _whole_rounds(unit: Sequence[Pair], queries: Sequence[str]) -> list[dict[str, Pair]]:
    """The rounds of a unit in which every sound query has a pair."""
    rounds: dict[int, dict[str, Pair]] = {}
    for pair in unit:
        rounds.setdefault(pair.round, {})[pair.query] = pair
    return [found for found in rounds.values() if all(query in found for query in queries)]


def _log_ratios(
    rounds: Sequence[Mapping[str, Pair]], queries: Sequence[str], *, cpu: bool
) -> Array:
    """Logarithms of candidate ÷ base, of shape (rounds, queries); nan where one is not known."""
    found = np.full((len(rounds), len(queries)), math.nan)
    for i, pairs in enumerate(rounds):
        for j, query in enumerate(queries):
            pair = pairs[query]
            base = pair.base_cpu_ns if cpu else pair.base_wall_ns
            candidate = pair.candidate_cpu_ns if cpu else pair.candidate_wall_ns
            if base and candidate:
                found[i, j] = math.log(candidate / base)
    return found


def _medians(units: Sequence[Sequence[Mapping[str, Pair]]], query: str) -> tuple[float, float]:
    pairs = [found[query] for unit in units for found in unit]
    base = float(np.median([pair.base_wall_ns for pair in pairs]))
    return base, float(np.median([pair.candidate_wall_ns for pair in pairs]))


def _pair_spreads(units: Sequence[Array]) -> list[float | None]:
    """Standard deviation of a pair's log ratio within its unit, for each column."""
    several = [unit for unit in units if unit.shape[0] > 1]
    if not several:
        return [None] * units[0].shape[1]
    squares = sum(((unit - unit.mean(axis=0)) ** 2).sum(axis=0) for unit in several)
    freedom = sum(unit.shape[0] - 1 for unit in several)
    return [float(x) for x in np.sqrt(squares / freedom)]
