"""Play whole comparisons of counts from recordings, with rounds planned on the way.

    python -m benchmarks.detection.planned
    python -m benchmarks.detection.planned polars-massif --trials 300 --minutes 1.55

``benchmarks.detection.counted`` gives every pair of processes the same rounds. Here each is planned
by those before, by ``neuralake.arms.schedule`` itself, as ``neuralake compare --by instructions``
does: how often is one commit beside itself decided whole, and how often is 1 % in a query found?
A process's executions come in the order in which they were recorded, since counts may fall from one
round to the next as they do in both arms; then they are drawn at random.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, median

import numpy as np

from benchmarks.detection.counted import HERE, QUESTION, Counted, read_counted
from neuralake.arms.pairs import is_done
from neuralake.arms.rounds import COUNTED
from neuralake.arms.schedule import Schedule
from neuralake.arms.verdicts import Measured, Unit, engine_verdicts
from neuralake.results.comparison import Change, Pair

RECORDED = ("datafusion-massif", "duckdb-massif", "polars-massif")
# Before and after the pairs: trees, environments, verdicts
SPARE_S = 6.0


@dataclass(frozen=True)
class Played:
    """A comparison: its verdicts, its pairs of processes, and how long it took in seconds."""

    suite: Change
    queries: tuple[Change, ...]
    units: int
    seconds: float

    @property
    def open(self) -> int:
        """Number of questions without an answer."""
        return sum(change.verdict == "inconclusive" for change in (self.suite, *self.queries))


def play(counted: Counted, seconds: float, more: Mapping[str, float], rng: random.Random) -> Played:
    """Play one comparison.

    Parameters
    ----------
    counted
        Recorded processes of one code, any two of which are a pair.
    seconds
        For all pairs of processes.
    more
        By which factor the candidate has more work, by query.
    rng
        Draws processes, and executions of them.
    """
    now = 0.0
    schedule = Schedule(COUNTED, QUESTION, seconds, clock=lambda: now)
    executions = counted.instructions.shape[1]
    start_s = float(counted.cpu_s.mean()) - counted.round_cpu_s * executions
    means = counted.instructions.mean(axis=(0, 1))
    query_s = dict(zip(counted.queries, means / means.sum() * counted.round_cpu_s, strict=True))
    units: list[Unit] = []
    names = counted.queries

    def judge(some: list[Unit]) -> tuple[Change, tuple[Change, ...]]:
        return engine_verdicts(
            Measured(counted.queries, tuple(some), {}, schedule.rounds, "instructions"), QUESTION
        )

    while True:
        processes = rng.sample(range(counted.processes), 2)
        left = {q: [list(reversed(range(executions))) for _ in processes] for q in names}
        schedule.begin()
        now += start_s
        pairs: list[Pair] = []
        unit, turn = Unit(frozenset(names), pairs), 0
        while schedule.goes_on(turn, lambda: judge([unit])):  # noqa: B023 (called at once)
            began, taken = now, []
            for query in names:
                for _ in range(schedule.repeats.get(query, 1)):
                    drawn = []
                    for process, order in zip(processes, left[query], strict=True):
                        order.extend([] if order else _shuffled(executions, rng))
                        place = process, order.pop(), counted.queries.index(query)
                        drawn.append(counted.instructions[place])
                    count = round(drawn[1] * more.get(query, 1.0))
                    taken.append(_pair(query, len(units), turn, round(drawn[0]), count, query_s))
                    now += query_s[query]
            pairs += taken
            schedule.pace.round(now - began, taken)
            turn += 1
        schedule.end()
        units.append(unit)
        suite, queries = judge(units)
        played = Played(suite, queries, len(units), now)
        if suite.verdict != "inconclusive":
            names = tuple(c.query for c in queries if c.query and not is_done(c))
        if not played.open or seconds - now < schedule.needed_s(names):
            return played
        schedule.replan(suite, queries, names, seconds - now)


def _shuffled(executions: int, rng: random.Random) -> list[int]:
    return rng.sample(range(executions), executions)


def _pair(
    query: str, unit: int, turn: int, base: int, candidate: int, query_s: Mapping[str, float]
) -> Pair:
    ns = round(query_s[query] * 1e9 / 2)  # both sides run at once
    return Pair(
        *("", query, unit, turn, ns, ns, ns, ns),
        base_first=True,
        base_instructions=base,
        candidate_instructions=candidate,
        base_cycles=base,
        candidate_cycles=candidate,
    )


def main() -> None:
    """Play the comparisons and print a line an engine."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("engines", nargs="*", default=list(RECORDED))
    parser.add_argument("--trials", type=int, default=300)
    parser.add_argument("--minutes", type=float, default=3.0)
    parser.add_argument("--more", type=float, default=0.01, help="work of one query in turn")
    parser.add_argument("--recordings", type=Path, default=HERE, help="directory of ENGINE.npz")
    arguments = parser.parse_args()
    seconds = arguments.minutes * 60 - SPARE_S
    print(
        f"{'engine':<18}{'whole':>8}{'open':>7}{'pairs':>7}{'seconds':>9}{'alarms':>8}{'found':>8}"
    )
    for engine in arguments.engines:
        counted = read_counted(arguments.recordings / f"{engine}.npz")
        rng = random.Random(1)
        same = [play(counted, seconds, {}, rng) for _ in range(arguments.trials)]
        alarms = [
            any("same" not in c.verdict for c in (p.suite, *p.queries) if not _open(c))
            for p in same
        ]
        found = []
        for trial in range(arguments.trials):
            query = trial % len(counted.queries)
            name = counted.queries[query]
            played = play(counted, seconds, {name: 1 + arguments.more}, rng)
            found.append(played.queries[query].verdict == "more work")
        whole, left = np.mean([not p.open for p in same]), fmean(p.open for p in same)
        pairs, took = median(p.units for p in same), median(p.seconds for p in same)
        print(
            f"{engine:<18}{whole:>8.3f}{left:>7.2f}{pairs:>7.0f}{took:>9.0f}"
            f"{np.mean(alarms):>8.4f}{np.mean(found):>8.3f}",
            flush=True,
        )


def _open(change: Change) -> bool:
    return change.verdict == "inconclusive"


if __name__ == "__main__":
    main()
