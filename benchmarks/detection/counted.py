"""Print how often changes of counted work are found, from recorded counts of one code.

    python -m benchmarks.detection.counted
    neuralake calibrate --by instructions --engines polars --max-time 30m
    python -m benchmarks.detection.counted results/comparisons/…/pairs.jsonl --keep .

A recording (``recordings/counted/``) holds the instructions of each query in each round of
many processes of one commit under callgrind. Nothing of a count depends on what ran beside it, so
that any two processes make a pair; a trial draws such pairs, multiplies the candidate's counts
by a known factor, and is judged as ``neuralake compare --by instructions`` judges.
"""

from __future__ import annotations

import argparse
import itertools
import math
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

import msgspec
import numpy as np
import numpy.typing as npt

from benchmarks.detection.trials import Outcome, Recording, carry_out, draw
from neuralake.arms.counted import QUERIES_ALPHA, SUITE_ALPHA
from neuralake.arms.rounds import COUNTED, planned_repeats, planned_rounds
from neuralake.results.comparison import Comparison
from neuralake.results.comparisons import DOCUMENT
from neuralake.results.pairs import read_pairs
from neuralake.stats.paired import Question

Array = npt.NDArray[np.float64]
HERE = Path(__file__).parent / "recordings" / "counted"
QUESTION = Question(0.005, 0.01, suite_alpha=SUITE_ALPHA, queries_alpha=QUERIES_ALPHA)
CHANGES = (0.005, 0.01, 0.02, 0.05)


@dataclass(frozen=True)
class Counted:
    """Instructions of one engine.

    Attributes
    ----------
    name
        Of the engine.
    queries
        Names.
    instructions
        Of shape (processes, rounds, queries).
    cpu_s
        CPU time of each process under callgrind, from its start to its end, of shape (processes,).
    round_cpu_s
        Of it for a round, on average.
    """

    name: str
    queries: tuple[str, ...]
    instructions: Array
    cpu_s: Array
    round_cpu_s: float

    @property
    def processes(self) -> int:
        """Number of processes."""
        return int(self.instructions.shape[0])

    def paired(self, rounds: int) -> Recording:
        """Every two processes as a pair, each with so many rounds.

        In a round a query is executed as often as ``compare`` would for its noise, as far as there
        are executions of it: its count is their geometric mean. Both processes of a pair run at
        once on two processors, so that a pair takes as long as one of them; the share of a query is
        that of its instructions.
        """
        first, second = zip(*itertools.combinations(range(self.processes), 2), strict=True)
        executions = self.instructions.shape[1]
        repeats = self.repeats(rounds)
        counts = np.empty((self.processes, rounds, len(self.queries)))
        for query, times in enumerate(repeats):
            logs = np.log(self.instructions[:, : rounds * times, query])
            counts[:, :, query] = np.exp(logs.reshape(-1, rounds, times).mean(axis=2))
        round_instructions = float(self.instructions.sum(axis=2).mean())
        # a pair of executions takes the time of one: half of it is each side's
        seconds = counts * repeats * (self.round_cpu_s / round_instructions / 2)
        start_s = float(self.cpu_s.mean()) - self.round_cpu_s * executions
        unit_s = start_s + float(2 * seconds.sum(axis=(1, 2)).mean())
        return Recording(
            self.name, self.queries, seconds[list(first)], seconds[list(second)], unit_s
        )

    def planned_rounds(self) -> int:
        """Rounds of a process, as ``compare`` would plan them by the noise."""
        logs = np.log(self.instructions)
        suite = math.sqrt(2 * float(logs.mean(axis=2).var(axis=1, ddof=1).mean()))
        rounds = planned_rounds(suite, self._spreads(), QUESTION, COUNTED)
        return min(rounds, int(self.instructions.shape[1]))

    def repeats(self, rounds: int) -> npt.NDArray[np.int64]:
        """Executions of each query in one of so many rounds, as its noise calls for."""
        most = self.instructions.shape[1] // rounds
        if most == 1:
            return np.ones(len(self.queries), dtype=np.int64)
        asked = len(self.queries), rounds, QUESTION, COUNTED
        return np.array([min(planned_repeats(s, *asked), most) for s in self._spreads()])

    def _spreads(self) -> list[float]:
        """Standard deviation of the logarithm of each query's ratio in a pair of executions."""
        within = np.log(self.instructions).var(axis=1, ddof=1).mean(axis=0)
        return [math.sqrt(2 * float(variance)) for variance in within]


def read_counted(path: Path) -> Counted:
    """A recording of counts, from arrays (``.npz``) or from counted pairs (``pairs.jsonl``).

    Beside the pairs lies the document of their comparison. Processes with fewer rounds than the
    others are left out. Of what a pair of processes takes, a round is taken to be a tenth.
    """
    if path.suffix == ".jsonl":
        return _of_pairs(path)
    with np.load(path, allow_pickle=False) as arrays:
        return Counted(
            path.stem,
            tuple(str(query) for query in arrays["queries"]),
            arrays["instructions"].astype(float),
            arrays["cpu_s"].astype(float),
            float(arrays["round_cpu_s"]),
        )


def _of_pairs(path: Path) -> Counted:
    found: dict[tuple[int, str], dict[tuple[int, str], list[int]]] = {}
    for pair in read_pairs(path):
        for side, count in (
            ("base", pair.base_instructions),
            ("candidate", pair.candidate_instructions),
        ):
            if count is not None:
                process = found.setdefault((pair.processes, side), {})
                process.setdefault((pair.round, pair.query), []).append(count)
    names = tuple(sorted({query for process in found.values() for _, query in process}))
    rounds = max(turn for process in found.values() for turn, _ in process) + 1
    whole = [process for process in found.values() if len(process) == rounds * len(names)]
    instructions = np.array(
        [[[fmean(p[r, q]) for q in names] for r in range(rounds)] for p in whole]
    )
    document = (path.parent / DOCUMENT).read_bytes()
    (engine,) = msgspec.json.decode(document, type=Comparison).engines
    pair_s = engine.elapsed_s / engine.processes
    return Counted(
        engine.engine, names, instructions.astype(float), np.full(len(whole), pair_s), pair_s / 10
    )


def write_counted(counted: Counted, directory: Path) -> Path:
    """Keep a recording of counts; returns its file."""
    path = directory / f"{counted.name}.npz"
    np.savez_compressed(
        path,
        queries=np.array(counted.queries),
        instructions=counted.instructions.astype(np.int64),
        cpu_s=counted.cpu_s.astype(np.float32),
        round_cpu_s=np.float32(counted.round_cpu_s),
    )
    return path


@dataclass(frozen=True)
class Row:
    """One line of the table: shares of trials.

    Attributes
    ----------
    where, change
        What does more work (``nothing``, ``all``, ``one query``), by which fraction.
    suite, queries
        Share in which the suite, and a query that was changed, was said to be more work; without a
        change more or less.
    alarms
        Share of trials in which anything was called more or less work that was not changed.
    suite_coverage, query_coverage
        Share of intervals of 95 % that contain the truth.
    units, seconds
        Pairs of processes until everything had a verdict, or the time was up, and how long that
        takes; the median.
    """

    where: str
    change: float
    suite: float
    queries: float
    alarms: float
    suite_coverage: float
    query_coverage: float
    units: float
    seconds: float


def rows(recording: Recording, seconds: float, trials: int, rng: np.random.Generator) -> list[Row]:
    """Nothing changed, everything, and each query in turn."""
    count = len(recording.queries)
    found = [_row(recording, "nothing", np.zeros(count), seconds, trials, rng)]
    for change in CHANGES:
        log = math.log1p(change)
        found.append(_row(recording, "all", np.full(count, log), seconds, trials, rng))
    for change in CHANGES:
        each = max(trials // count, 50)
        of_queries = []
        for query in range(count):
            logs = np.zeros(count)
            logs[query] = math.log1p(change)
            of_queries.append(_row(recording, "one query", logs, seconds, each, rng))
        numbers = [
            [r.suite, r.queries, r.alarms, r.suite_coverage, r.query_coverage, r.units, r.seconds]
            for r in of_queries
        ]
        found.append(Row("one query", change, *map(float, np.mean(numbers, axis=0))))
    return found


def _row(
    recording: Recording,
    where: str,
    logs: Array,
    seconds: float,
    trials: int,
    rng: np.random.Generator,
) -> Row:
    units = 3 * recording.units_within(seconds)
    processes = math.isqrt(2 * len(recording.base_s)) + 1  # any two of which are a pair
    outcome = carry_out(
        recording, draw(recording, trials, units, rng, processes=processes), logs, QUESTION, seconds
    )
    changed = logs > 0
    suite, queries = np.nan_to_num(outcome.suite), np.nan_to_num(outcome.queries)
    told = np.abs(queries[:, ~changed]).any(axis=1)
    if where == "nothing":
        alarms = told | (suite != 0)
        named = float((queries != 0).mean())
    else:  # a suite of which one query changed has changed, too
        alarms = told | (queries[:, changed] < 0).any(axis=1) | (suite < 0)
        named = float((queries[:, changed] > 0).mean())
    return Row(
        where,
        float(np.expm1(logs.max())),
        float((suite != 0 if where == "nothing" else suite > 0).mean()),
        named,
        float(alarms.mean()),
        float(outcome.suite_covered.mean()),
        float(outcome.queries_covered.mean()),
        *_took(recording, outcome),
    )


def _took(recording: Recording, outcome: Outcome) -> tuple[float, float]:
    """Units, and seconds of them all with what ran in each."""
    units = np.maximum(outcome.suite_units, outcome.query_units.max(axis=1))
    in_rounds = recording.rounds * (outcome.query_units @ recording.query_s)
    return float(np.median(units)), float(np.median(units * recording.start_s + in_rounds))


def noise(recording: Recording) -> tuple[float, float, float]:
    """Standard deviation of a pair of processes: of the suite, of a query (median, greatest)."""
    logs = np.median(recording.log_ratios(), axis=1)
    # any two processes make a pair, in either order: the mean is 0
    queries = np.sqrt((logs**2).mean(axis=0))
    suite = float(np.sqrt((logs.mean(axis=1) ** 2).mean()))
    return suite, float(np.median(queries)), float(queries.max())


def main() -> None:
    """Draw the trials and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recordings", nargs="*", type=Path)
    parser.add_argument("--trials", type=int, default=4000)
    parser.add_argument("--minutes", type=float, default=3.0, help="time of a trial at most")
    parser.add_argument("--rounds", type=int, help="of each process; by default as planned")
    parser.add_argument("--keep", type=Path, help="write the recordings to this directory")
    arguments = parser.parse_args()
    for file in arguments.recordings or sorted(HERE.glob("*.npz")):
        counted = read_counted(file)
        if arguments.keep:
            write_counted(counted, arguments.keep)
        rounds = arguments.rounds or counted.planned_rounds()
        recording = counted.paired(rounds)
        suite, median, greatest = noise(recording)
        print(
            f"\n{counted.name}: {counted.processes} processes, {rounds} rounds; a pair takes "
            f"{recording.unit_s:.0f} s; noise of a pair: suite {suite:.3%}, a query {median:.3%}, "
            f"the noisiest {greatest:.3%}"
        )
        print(
            f"{'more work':<18}{'suite':>8}{'query':>8}{'alarms':>9}{'s.cov':>8}{'q.cov':>8}"
            f"{'pairs':>7}{'seconds':>9}"
        )
        rng = np.random.default_rng(1)
        for r in rows(recording, arguments.minutes * 60, arguments.trials, rng):
            print(
                f"{f'{r.where} {r.change:.1%}':<18}{r.suite:>8.4f}{r.queries:>8.4f}"
                f"{r.alarms:>9.5f}{r.suite_coverage:>8.3f}{r.query_coverage:>8.3f}{r.units:>7.0f}"
                f"{r.seconds:>9.0f}"
            )


if __name__ == "__main__":
    main()
