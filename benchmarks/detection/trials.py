"""Trials from recorded pairs of one code with itself: resampled, and slowed down by a known factor.

A recording is what ``neuralake calibrate`` measured: pairs of processes ("units"), each with a few
rounds of paired executions of every query. A trial draws units from it with replacement and
exchanges the arms of each by the toss of a coin, which is fair since both are the same code. A
slowdown multiplies the candidate's times.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt

from neuralake.arms.pairs import RUN_ON
from neuralake.arms.rounds import planned_rounds
from neuralake.arms.verdicts import pair_spreads
from neuralake.results.comparison import Comparison
from neuralake.results.comparisons import DOCUMENT
from neuralake.results.pairs import read_pairs
from neuralake.stats.paired import Question, query_units, suite_units
from neuralake.stats.sequential import Decision, Design, decide
from neuralake.stats.student import t_quantile

Array = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Recording:
    """Pairs of one engine.

    Attributes
    ----------
    name
        What was recorded.
    queries
        Names.
    base_s, candidate_s
        Wall time in seconds, of shape (units, rounds, queries).
    unit_s
        Seconds that a unit took, from the start of its processes to their end.
    """

    name: str
    queries: tuple[str, ...]
    base_s: Array
    candidate_s: Array
    unit_s: float

    @property
    def rounds(self) -> int:
        """Pairs of a query in a unit."""
        return int(self.base_s.shape[1])

    @property
    def query_s(self) -> Array:
        """Seconds of a pair of each query on average, of shape (queries,)."""
        return np.asarray((self.base_s + self.candidate_s).mean(axis=(0, 1)), dtype=float)

    @property
    def start_s(self) -> float:
        """Seconds of a unit that are not in its pairs: starts, checks of answers, ends."""
        return self.unit_s - self.rounds * float(self.query_s.sum())

    def units_within(self, seconds: float) -> int:
        """Units of all queries that the time is enough for, at least one."""
        return max(int(seconds / self.unit_s), 1)

    def log_ratios(self) -> Array:
        """Logarithms of candidate ÷ base, of the same shape."""
        return np.asarray(np.log(self.candidate_s / self.base_s))


def quieter(recording: Recording, factor: float) -> Recording:
    """The recording as a machine with so much of its noise would have given it.

    The logarithm of each pair's ratio is multiplied; the base keeps its times.
    """
    candidate_s = recording.base_s * np.exp(factor * recording.log_ratios())
    return replace(recording, name=f"{recording.name} × {factor:g}", candidate_s=candidate_s)


def planned(recording: Recording, question: Question) -> Recording:
    """The recording with as many rounds in a unit as ``neuralake compare`` would have planned.

    Where these are fewer than were recorded, each unit is cut into several, one after the other,
    and each of them is given the whole time that the processes took to start.
    """
    logs = list(recording.log_ratios())
    queries = [spread for spread in pair_spreads(logs) if spread is not None]
    (suite,) = pair_spreads([unit.mean(axis=1, keepdims=True) for unit in logs])
    rounds = planned_rounds(suite or 0.0, queries, question)
    parts = recording.rounds // rounds
    if parts < 2:
        return recording
    times = [
        side[:, : parts * rounds].reshape(-1, rounds, side.shape[2])
        for side in (recording.base_s, recording.candidate_s)
    ]
    unit_s = recording.unit_s - (recording.rounds - rounds) * float(recording.query_s.sum())
    return replace(recording, base_s=times[0], candidate_s=times[1], unit_s=unit_s)


def read_recording(path: Path, name: str | None = None) -> Recording:
    """A recording from a file of pairs of one engine (``pairs.jsonl``) or of arrays (``.npz``).

    Beside the pairs lies the document of their comparison. Units of fewer rounds than the others
    are left out.
    """
    if path.suffix == ".npz":
        with np.load(path, allow_pickle=False) as arrays:
            queries = tuple(str(query) for query in arrays["queries"])
            base_s, candidate_s = (arrays[side].astype(float) for side in ("base_s", "candidate_s"))
            unit_s = float(arrays["unit_s"])
            return Recording(name or path.stem, queries, base_s, candidate_s, unit_s)
    units: dict[int, dict[tuple[int, str], tuple[int, int]]] = {}
    queries_seen: dict[str, None] = {}
    for pair in read_pairs(path):
        queries_seen.setdefault(pair.query)
        took = (pair.base_wall_ns, pair.candidate_wall_ns)
        units.setdefault(pair.processes, {})[pair.round, pair.query] = took
    names = tuple(sorted(queries_seen))
    rounds = max(turn for unit in units.values() for turn, _ in unit) + 1
    whole = [unit for unit in units.values() if len(unit) == rounds * len(names)]
    times = np.array(
        [[[unit[turn, query] for query in names] for turn in range(rounds)] for unit in whole]
    )
    document = (path.parent / DOCUMENT).read_bytes()
    (engine,) = msgspec.json.decode(document, type=Comparison).engines
    # the short ones count as whole ones: the time of a unit is rather too long than too short
    unit_s = engine.elapsed_s / len(whole)
    base_s, candidate_s = times[..., 0] / 1e9, times[..., 1] / 1e9
    return Recording(name or engine.engine, names, base_s, candidate_s, unit_s)


def write_recording(recording: Recording, path: Path) -> None:
    """Keep a recording in a small file of arrays."""
    np.savez_compressed(
        path,
        queries=np.array(recording.queries),
        base_s=recording.base_s.astype(np.float32),
        candidate_s=recording.candidate_s.astype(np.float32),
        unit_s=np.float32(recording.unit_s),
    )


@dataclass(frozen=True)
class Drawn:
    """The units of many trials.

    Attributes
    ----------
    values, within
        Of the queries, of shape (units, trials, queries) (:class:`neuralake.stats.paired.Units`).
    suite_values, suite_within
        Of the suite, of shape (units, trials).
    sides, suite_sides
        Of shapes (2, units, trials, queries) and (2, units, trials), where the sides are
        independent of one another; or None.
    """

    values: Array
    within: Array
    suite_values: Array
    suite_within: Array
    sides: Array | None = None
    suite_sides: Array | None = None


def draw(
    recording: Recording,
    trials: int,
    units: int,
    rng: np.random.Generator,
    *,
    in_order: bool = False,
    processes: int | None = None,
) -> Drawn:
    """Draw the units of trials without a change.

    Parameters
    ----------
    recording
        From which they are drawn.
    trials, units
        How many, and of how many pairs of processes each.
    rng
        Draws them.
    in_order
        As they followed one another, from a random one on and at the end from the first one again,
        so that what drifted in the recording drifts in the trial; else with replacement.
    processes
        Of how many processes any two make a unit, as of counts, in the order of
        ``itertools.combinations``: nothing acts on both sides, and as long as there are enough, a
        trial has each only once. None where the two of a unit ran side by side.
    """
    logs = list(recording.log_ratios())
    sides = None
    if processes is not None:
        sides = list(np.log(np.stack([recording.base_s, recording.candidate_s], axis=1)))
    query, suite = query_units(logs, sides), suite_units(logs, sides)
    if processes is not None:
        chosen, sign = _apart(processes, trials, units, rng)
    else:
        chosen = rng.integers(0, len(logs), trials if in_order else (units, trials))
        if in_order:
            chosen = (chosen + np.arange(units)[:, None]) % len(logs)
        sign = rng.choice((-1.0, 1.0), (units, trials))
    return Drawn(
        query.values[chosen] * sign[..., None],
        query.within[chosen],
        suite.values[chosen, 0] * sign,
        suite.within[chosen, 0],
        None if query.sides is None else _exchanged(query.sides[:, chosen], sign[..., None]),
        None if suite.sides is None else _exchanged(suite.sides[:, chosen, 0], sign),
    )


def _apart(
    processes: int, trials: int, units: int, rng: np.random.Generator
) -> tuple[Counts, Array]:
    """Units of two processes each, and their signs, both of shape (units, trials)."""
    rounds = -(-units // (processes // 2))
    orders = np.tile(np.arange(processes), (rounds, trials, 1))
    pairs = rng.permuted(orders, axis=2)[:, :, : processes // 2 * 2]
    pairs = pairs.reshape(rounds, trials, -1, 2).transpose(0, 2, 1, 3).reshape(-1, trials, 2)
    first, second = pairs[:units].min(axis=2), pairs[:units].max(axis=2)
    place = first * (2 * processes - first - 1) // 2 + second - first - 1
    return place, np.where(pairs[:units, :, 0] < pairs[:units, :, 1], 1.0, -1.0)


def _exchanged(sides: Array, sign: Array) -> Array:
    """The two sides, exchanged where the sign is negative."""
    return np.where(sign > 0, sides, sides[::-1])


@dataclass(frozen=True)
class Outcome:
    """What became of trials.

    Attributes
    ----------
    suite, queries
        The verdicts, of shapes (trials,) and (trials, queries): 1 slower, −1 faster, 0 unchanged,
        nan inconclusive.
    suite_pairs, query_pairs
        Pairs until the verdict, or all of them.
    suite_covered, queries_covered
        Whether the interval at the end of the run contains the true change.
    suite_error, query_errors
        Estimate − true change, in logarithms.
    suite_units, query_units
        Units that were run, of the same shapes.
    """

    suite: Array
    queries: Array
    suite_pairs: Array
    query_pairs: Array
    suite_covered: npt.NDArray[np.bool_]
    queries_covered: npt.NDArray[np.bool_]
    suite_error: Array
    query_errors: Array
    suite_units: Counts
    query_units: Counts


# A unit of few queries is short: so many more of them than of whole ones fit at most.
MORE_UNITS = 3


def carry_out(
    recording: Recording, drawn: Drawn, slowdown: Array, question: Question, seconds: float
) -> Outcome:
    """Run the trials as ``neuralake compare`` does: until everything has a verdict.

    Once the suite has one, a query that is unchanged is run a tenth longer than it took, and
    then no more.

    Parameters
    ----------
    recording
        What units take.
    drawn
        As many units as the time allows, and more.
    slowdown
        True log ratio of each query, of shape (queries,).
    question
        Effects and error rates.
    seconds
        Time of a trial.
    """
    queries = drawn.values.shape[2]
    by_query = _settled(
        drawn.values + slowdown, drawn.within, question.query_design(queries), queries, drawn.sides
    )
    suite_values = (drawn.suite_values + slowdown.mean())[..., None]
    suite_sides = None if drawn.suite_sides is None else drawn.suite_sides[..., None]
    suite_within = drawn.suite_within[..., None]
    by_suite = _settled(suite_values, suite_within, question.suite_design(), 1, suite_sides)
    suite_units, query_units = _run(recording, by_suite, by_query, seconds)
    truth = float(slowdown.mean())
    suite, found = by_suite.at(suite_units[:, None]), by_query.at(query_units)
    return Outcome(
        suite=suite.verdict[:, 0],
        queries=found.verdict,
        suite_pairs=by_suite.after(suite_units[:, None])[:, 0] * recording.rounds,
        query_pairs=by_query.after(query_units) * recording.rounds,
        suite_covered=((suite.low <= truth) & (truth <= suite.high))[:, 0],
        queries_covered=(found.low <= slowdown) & (slowdown <= found.high),
        suite_error=(suite.mean - truth)[:, 0],
        query_errors=found.mean - slowdown,
        suite_units=suite_units,
        query_units=query_units,
    )


def _run(
    recording: Recording, by_suite: _Looks, by_query: _Looks, seconds: float
) -> tuple[Counts, Counts]:
    """Units of the suite and of each query that are run until all is settled or the time is up."""
    units, trials, queries = by_query.settled.shape
    trial = np.arange(trials)
    suite_units = np.zeros(trials, dtype=np.int64)
    query_units = np.zeros((trials, queries), dtype=np.int64)
    wanted = np.ones((trials, queries), dtype=bool)
    elapsed_s, running = np.zeros(trials), np.ones(trials, dtype=bool)
    for unit in range(units):
        unit_s = recording.start_s + recording.rounds * (wanted @ recording.query_s)
        running &= (elapsed_s + unit_s <= seconds) | (unit == 0)
        elapsed_s += np.where(running, unit_s, 0)
        query_units[wanted & running[:, None]] = unit + 1
        suite_units[wanted.all(axis=1) & running] = unit + 1
        suite_settled = by_suite.settled[suite_units - 1, trial, 0]
        settled = by_query.settled[query_units - 1, trial[:, None], np.arange(queries)[None, :]]
        running &= ~(suite_settled & settled.all(axis=1))
        done = (by_query.answers == 0) & (query_units >= RUN_ON * by_query.answered_after)
        wanted = ~(suite_settled[:, None] & settled & done)
    return suite_units, query_units


@dataclass(frozen=True)
class _Found:
    """Verdicts and intervals, each of shape (trials, tests)."""

    verdict: Array
    mean: Array
    low: Array
    high: Array


@dataclass(frozen=True)
class _Looks:
    """What a look after each unit says, of shape (units, trials, tests).

    Attributes
    ----------
    answers
        Of the tests, once they have one, of shape (trials, tests): 1, −1, 0, or nan.
    answered_after
        Units that the answer took, of the same shape.
    settled
        Whether there is a verdict: an answer, and an interval that agrees with it.
    mean, half
        Estimate, and half the interval of 95 %.
    """

    answers: Array
    answered_after: Array
    settled: npt.NDArray[np.bool_]
    mean: Array
    half: Array

    def after(self, units: Counts) -> Array:
        """Units until there was a verdict for the first time, or all that were run."""
        first = np.where(self.settled.any(axis=0), self.settled.argmax(axis=0) + 1, units)
        return np.asarray(np.minimum(first, units), dtype=float)

    def at(self, units: Counts) -> _Found:
        """What is said after so many units, of shape (trials, tests)."""
        trials, tests = units.shape
        last = units - 1, np.arange(trials)[:, None], np.arange(tests)[None, :]
        mean, half = self.mean[last], self.half[last]
        verdict = np.where(self.settled[last], self.answers, math.nan)
        return _Found(verdict, mean, mean - half, mean + half)


def _settled(
    values: Array, within: Array, design: Design, family: int, sides: Array | None
) -> _Looks:
    """Look at tests of shape (units, trials, tests) as ``neuralake compare`` does, many at once.

    What a change adds to one side is no matter to how the sides vary.
    """
    units, trials, tests = values.shape
    flat = values.reshape(units, -1), within.reshape(units, -1)
    apart = None if sides is None else sides.reshape(2, units, -1)
    decisions = decide(flat[0], design, flat[1], family, apart)
    answers = _answers(decisions).reshape(trials, tests)
    after = np.array([d.after or units + 1 for d in decisions]).reshape(trials, tests)
    counts = np.arange(1, units + 1)[:, None, None]
    mean = np.cumsum(values, axis=0) / counts
    told = values[None] if sides is None else sides - sides[:, :1]
    squares = np.cumsum(told**2, axis=1) - counts * (np.cumsum(told, axis=1) / counts) ** 2
    variance = np.maximum(squares, 0).sum(axis=0) / np.maximum(counts - 1, 1)
    t = np.array([t_quantile(0.975, max(k - 1, 1) * len(told)) for k in range(1, units + 1)])
    half = t[:, None, None] * np.sqrt(variance / counts)
    half[0] = math.inf
    agrees = np.where(
        answers == 0,
        np.abs(mean) + half <= design.effect,
        answers * mean - half > 0,
    )
    return _Looks(answers, after, (counts >= after) & agrees, mean, half)


def _answers(decisions: Sequence[Decision]) -> Array:
    codes = {"more": 1.0, "less": -1.0, "unchanged": 0.0, None: math.nan}
    return np.array([codes[d.answer] for d in decisions])


def fixed_pairs(spread: float, design: Design, rounds: int) -> float:
    """Pairs of a test of fixed size that knows the noise: ((z(1−α/2) + z(1−β)) · σ / effect)²."""
    return max(design.fixed_information * spread**2, 1) * rounds
