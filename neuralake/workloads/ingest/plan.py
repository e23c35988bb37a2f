"""What a run of ingest measures, and in which order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from neuralake.errors import IngestError
from neuralake.lists import require_once
from neuralake.results.ingest.records import (
    Case,
    Freshness,
    IngestHeader,
    Key,
    Load,
    Round,
    RoundVerification,
)
from neuralake.workloads.ingest.contestants.protocol import Maintained
from neuralake.workloads.ingest.contestants.registry import NAMES, contestant_type
from neuralake.workloads.places import Target
from neuralake.workloads.rounds import in_turn

DEFAULT_CONTESTANTS = ("neuralake", "deltalake-handle", "deltalake-path", "disk")


@dataclass(frozen=True)
class IngestPlan:
    """What is to be measured.

    Attributes
    ----------
    cases
        In the order of odd rounds.
    load
        What is written.
    rounds
        Of each case.
    freshness
        Readers, in rounds of their own after the others.
    place
        Under which the tables of the run get a directory.
    unavailable
        Contestants that cannot run here, with the reason.
    maintenance_every_s, properties, timeout_s, keeps_tables
        As of :class:`neuralake.results.ingest.records.IngestHeader`.
    """

    cases: tuple[Case, ...]
    load: Load
    rounds: int
    freshness: Freshness
    place: Target
    unavailable: tuple[tuple[str, str], ...] = ()
    maintenance_every_s: float = 1.0
    properties: Mapping[str, str] = field(default_factory=dict)
    timeout_s: float = 3600.0
    keeps_tables: bool = False


def keys(cases: Sequence[Case], load: Load, rounds: int, freshness: Freshness) -> Iterator[Key]:
    """Every round of every case, in the order in which they are measured.

    Rounds with a reader come last.
    """
    rates: tuple[float | None, ...] = load.rates or (None,)
    for number in range(1, rounds + 1):
        for rate in rates:
            for case in in_turn(cases, number):
                yield Key(case, number, rate)
    for number in range(1, rounds + 1):
        for reader in freshness.readers:
            for case in in_turn(cases, number):
                if contestant_type(case.contestant).makes_tables:
                    yield Key(case, number, rates[0], reader)


def keys_of(header: IngestHeader) -> Iterator[Key]:
    """The rounds of a run."""
    return keys(header.cases, header.load, header.rounds, header.freshness)


def make_cases(names: Sequence[str], maintenance: str) -> tuple[Case, ...]:
    """The cases of some contestants.

    Parameters
    ----------
    names
        Of contestants.
    maintenance
        ``off``, ``on``, or ``both``. A contestant that has no table has none of it.

    Raises
    ------
    IngestError
        If a contestant is not known, or named twice.
    """
    require_once(names, "contestant", IngestError)
    cases = []
    for name in names:
        can_be = issubclass(contestant_type(name), Maintained)  # type: ignore[arg-type]
        if maintenance in ("off", "both") or not can_be:
            cases.append(Case(name))
        if maintenance in ("on", "both") and can_be:
            cases.append(Case(name, is_maintained=True))
    return tuple(cases)


def check_load(load: Load) -> None:
    """Refuse a load that cannot be offered.

    Raises
    ------
    IngestError
        The message says what is wrong, and what would be right.
    """
    if load.arrivals == "closed":
        if load.rates:
            raise IngestError(
                "a rate goes with --arrivals constant or poisson: "
                "in a closed loop each batch waits for the one before"
            )
    elif not load.rates:
        raise IngestError(f"--arrivals {load.arrivals} needs --rate, such as 100000 rows/s")
    if load.commits is None and load.duration_s is None:
        raise IngestError("a round needs an end: expected --commits, --duration, or both")
    if load.processes > load.producers:
        raise IngestError(
            f"{load.producers} producers cannot be shared out to {load.processes} processes: "
            "expected at least as many producers"
        )


def check_readers(names: Sequence[str]) -> tuple[str, ...]:
    """Readers that can run here.

    Raises
    ------
    EngineError
        If one is not known, or cannot run here.
    IngestError
        If one is named twice.
    """
    from neuralake.engines import registry
    from neuralake.engines.registry import EngineSpec

    require_once(names, "reader", IngestError)
    for name in names:
        registry.require(EngineSpec(name))
    return tuple(names)


class IngestObserver(Protocol):
    """Is told what happens; it is never called while something is being measured."""

    def before(self, key: Key, number: int, of: int) -> None:
        """A round is about to begin."""

    def after(self, found: Round) -> None:
        """It has ended."""

    def verified(self, result: RoundVerification) -> None:
        """Its table has been judged."""


def make_plan(
    *,
    names: Sequence[str] | None,
    maintenance: str,
    load: Load,
    rounds: int,
    freshness: Freshness,
    place: Target,
    maintenance_every_s: float = 1.0,
    properties: Mapping[str, str] | None = None,
    timeout_s: float = 3600.0,
    keeps_tables: bool = False,
) -> IngestPlan:
    """Check everything that can be checked before anything is measured.

    Parameters
    ----------
    names
        Of contestants, in order; ``all`` alone for every one that can run, None for the default.
        One that is named and cannot run is an error; of the others it is said why they did not.
    maintenance
        As of :func:`make_cases`.
    load, rounds, freshness, place, maintenance_every_s, properties, timeout_s, keeps_tables
        As of :class:`IngestPlan`.

    Raises
    ------
    IngestError
        If a contestant or the load is impossible.
    EngineError
        If a reader is not known, or cannot run here.
    """
    check_load(load)
    check_readers(freshness.readers)
    is_required = names is not None and tuple(names) != ("all",)
    asked = NAMES if names is not None and not is_required else names or DEFAULT_CONTESTANTS
    reasons = {name: contestant_type(name).unavailable(place) for name in asked}
    missing = tuple((name, reason) for name, reason in reasons.items() if reason is not None)
    if missing and (is_required or len(missing) == len(reasons)):
        name, reason = missing[0]
        raise IngestError(f"contestant {name} is not available: {reason}")
    available = [name for name in asked if reasons[name] is None]
    return IngestPlan(
        cases=make_cases(available, maintenance),
        load=load,
        rounds=rounds,
        freshness=freshness,
        place=place,
        unavailable=missing,
        maintenance_every_s=maintenance_every_s,
        properties=properties or {},
        timeout_s=timeout_s,
        keeps_tables=keeps_tables,
    )
