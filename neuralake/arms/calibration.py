"""How noisy a machine is: what two arms of one commit differ by, kept for later comparisons."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from neuralake.arms.rounds import TIMED, RoundsPlan, planned_rounds
from neuralake.errors import ResultsError
from neuralake.results.comparison import By, Comparison, EngineComparison
from neuralake.results.documents import read_plain_document
from neuralake.results.records import Fingerprint
from neuralake.results.store import write_whole
from neuralake.stats.paired import Question

SCHEMA_VERSION = 1
CALIBRATIONS = "calibrations"


@dataclass(frozen=True)
class Noise:
    """How much the ratios of one code with itself vary.

    Attributes
    ----------
    pair
        Standard deviation of the logarithm of one pair's ratio.
    unit
        The same of a whole pair of processes.
    """

    pair: float
    unit: float


_FEWEST_UNITS = 4.0


@dataclass(frozen=True)
class EngineNoise:
    """The noise of one engine.

    Attributes
    ----------
    unit_s
        Seconds that a pair of processes takes, from its start to its end.
    rounds
        Pairs of each query in it.
    units
        Pairs of processes that were measured.
    suite
        Of the geometric mean over all queries.
    queries
        Of each query.
    """

    unit_s: float
    rounds: int
    units: int
    suite: Noise
    queries: Mapping[str, Noise]

    def smallest_effects(self, minutes: float, question: Question) -> tuple[float, float]:
        """Smallest change of the suite, and of any query, sure of a verdict within a time.

        Parameters
        ----------
        minutes
            Time for this engine.
        question
            Its error rates; its effects are of no account.

        Returns
        -------
        tuple of float
            Fractions, such as 0.01.
        """
        units = max(minutes * 60 / self.unit_s, 1e-9)
        noisiest = max(noise.unit for noise in self.queries.values())
        suite = question.suite_design().greatest_information
        query = question.query_design(len(self.queries)).greatest_information
        return (
            _effect(suite, math.log1p(question.suite_effect), self.suite.unit, units),
            _effect(query, math.log1p(question.query_effect), noisiest, units),
        )

    def planned_rounds(
        self, question: Question, time_s: float, plan: RoundsPlan = TIMED
    ) -> int | None:
        """Pairs of each query in a pair of processes that the noise calls for.

        None where a verdict might need more than the time with as many: the first pair of processes
        then shows what it can take.

        Parameters
        ----------
        question
            Effects and error rates.
        time_s
            For this engine.
        plan
            For what is compared.
        """
        queries = [noise.pair for noise in self.queries.values()]
        rounds = planned_rounds(self.suite.pair, queries, question, plan)
        # What is not a round is counted as one: not known apart, it makes the unit no longer
        longest_unit_s = self.unit_s * max(rounds / self.rounds, 1)
        return rounds if plan.fewest_units * longest_unit_s <= time_s else None

    def needed_s(self, question: Question) -> float:
        """Seconds after which there is a verdict on the suite and on every query.

        With as many rounds as were measured.
        """
        noisiest = max(noise.unit for noise in self.queries.values())
        units = max(
            question.suite_design().greatest_information * self.suite.unit**2,
            question.query_design(len(self.queries)).greatest_information * noisiest**2,
            _FEWEST_UNITS,
        )
        return math.ceil(units) * self.unit_s


def _effect(information: float, effect: float, spread: float, units: float) -> float:
    """The effect whose test ends after a number of units: its information falls with its square."""
    return math.expm1(effect * math.sqrt(information * spread**2 / units))


@dataclass(frozen=True)
class Calibration:
    """The JSON document.

    Attributes
    ----------
    schema_version
        :data:`SCHEMA_VERSION` of the writer.
    created_at
        UTC, ISO 8601.
    commit
        That was in both arms.
    workload, scale_factor
        What was run.
    fingerprint
        The machine.
    engines
        Noise by engine.
    by
        What was compared.
    """

    schema_version: int
    created_at: str
    commit: str | None
    workload: str
    scale_factor: float | None
    fingerprint: Fingerprint
    engines: Mapping[str, EngineNoise]
    by: By = "time"


def calibration_of(comparison: Comparison) -> Calibration:
    """What a comparison of a commit with itself says of the noise.

    Raises
    ------
    ResultsError
        If no engine was measured for two pairs of processes.
    """
    engines = {
        engine.engine: noise
        for engine in comparison.engines
        if (noise := _noise(engine)) is not None
    }
    if not engines:
        raise ResultsError(
            "too little was measured to know the noise: expected two pairs of processes or more, "
            "give it more time with --max-time"
        )
    return Calibration(
        schema_version=SCHEMA_VERSION,
        created_at=comparison.created_at,
        commit=comparison.base.commit,
        workload=comparison.workload,
        scale_factor=comparison.scale_factor,
        fingerprint=comparison.fingerprint,
        engines=engines,
        by=comparison.by,
    )


def _noise(engine: EngineComparison) -> EngineNoise | None:
    spreads = {
        change.query: Noise(change.spread, change.unit_spread)
        for change in (engine.suite, *engine.queries)
        if change.spread is not None and change.unit_spread is not None
    }
    suite = spreads.pop(None, None)
    if suite is None:
        return None
    return EngineNoise(
        unit_s=engine.elapsed_s / engine.processes,
        rounds=engine.rounds,
        units=engine.processes,
        suite=suite,
        queries={query: noise for query, noise in spreads.items() if query is not None},
    )


def calibration_path(
    results: Path,
    workload: str,
    scale_factor: float | None,
    machine: Fingerprint,
    by: By = "time",
) -> Path:
    """File of the calibration of a workload on a machine, by time or by counted instructions."""
    facts = f"{machine.cpu}|{machine.cores}|{machine.memory_bytes >> 30}"
    name = hashlib.sha256(facts.encode()).hexdigest()[:8]
    size = "" if scale_factor is None else f"-sf{scale_factor:g}"
    counted = "" if by == "time" else f"-{by}"
    return results / CALIBRATIONS / f"{workload}{size}{counted}-{name}.json"


def store_calibration(results: Path, calibration: Calibration) -> Path:
    """Keep a calibration; engines that it lacks stay as they were.

    Raises
    ------
    ResultsError
        If it cannot be written, or what is there cannot be read.
    """
    path = calibration_path(
        *(results, calibration.workload, calibration.scale_factor, calibration.fingerprint),
        calibration.by,
    )
    earlier = load_calibration(path)
    if earlier is not None:
        engines = {**earlier.engines, **calibration.engines}
        calibration = replace(calibration, engines=engines)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, msgspec.json.format(msgspec.json.encode(calibration), indent=1))
    except OSError as error:
        raise ResultsError(f"{path} cannot be written: {error.strerror}") from error
    return path


def load_calibration(path: Path) -> Calibration | None:
    """A calibration, or None if there is none.

    Raises
    ------
    ResultsError
        If it cannot be read, or is of another schema version.
    """
    if not path.exists():
        return None
    return read_plain_document(
        path,
        "calibration",
        Calibration,
        SCHEMA_VERSION,
        remedy="neuralake calibrate makes it anew once it is deleted",
    )
