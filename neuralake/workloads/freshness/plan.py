"""What a run of freshness measures, and in which order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from neuralake.config import is_remote
from neuralake.errors import FreshnessError
from neuralake.results.freshness.records import (
    Asking,
    Case,
    FreshnessHeader,
    Key,
    Load,
    Round,
    RoundVerification,
)
from neuralake.workloads.freshness.readers.registry import check_readers, takes_connections
from neuralake.workloads.freshness.senders.registry import check_source
from neuralake.workloads.places import Target
from neuralake.workloads.rounds import in_turn

_LEAST_RECORDS = 100
_MOST_RECORDS = 2_000_000_000  # whose numbers' sums an integer of 64 bits holds


@dataclass(frozen=True)
class FreshnessPlan:
    """What is to be measured.

    Attributes
    ----------
    load, asking, compaction, rounds, timeout_s, keeps_tables
        As of :class:`neuralake.results.freshness.records.FreshnessHeader`.
    place
        Under which the tables of the run get a directory.
    """

    load: Load
    asking: Asking
    compaction: tuple[bool, ...]
    rounds: int
    place: Target
    timeout_s: float = 120.0
    keeps_tables: bool = False


class FreshnessObserver(Protocol):
    """Is told what happens; it is never called while something is being measured."""

    def before(self, key: Key, number: int, of: int, seconds: float) -> None:
        """A round is about to begin, which takes some seconds."""

    def after(self, found: Round) -> None:
        """It has ended."""

    def verified(self, result: RoundVerification) -> None:
        """Its table has been judged."""


def keys_of(plan: FreshnessPlan | FreshnessHeader) -> Iterator[Key]:
    """Every round of every case, in the order in which they are measured."""
    cases = [
        Case(rate, is_compacted, reader)
        for rate in plan.load.rates
        for is_compacted in plan.compaction
        for reader in plan.asking.readers
    ]
    for number in range(1, plan.rounds + 1):
        for case in in_turn(cases, number):
            yield Key(case, number)


def check_plan(plan: FreshnessPlan) -> FreshnessPlan:
    """Refuse what cannot be measured, before anything is.

    Raises
    ------
    FreshnessError
        The message says what is wrong, and what would be right.
    EngineError
        If a reader's engine is not known, or cannot run here.
    ConfigError
        If a package is missing.
    """
    load, asking = plan.load, plan.asking
    if is_remote(plan.place.uri):
        raise FreshnessError(
            f"tables at {plan.place.uri} tell of their commits in whole seconds: "
            "expected a directory, whose file system tells milliseconds"
        )
    if not asking.readers:
        raise FreshnessError("nobody asks: expected --readers, such as datafusion")
    check_readers(asking.readers)
    check_source(load.source, load.brokers)
    for reader in asking.readers:
        if asking.connections > 1 and not takes_connections(reader):
            raise FreshnessError(
                f"reader {reader} answers one question at a time: expected --connections 1"
            )
    for rate in load.rates:
        records = rate * (load.duration_s + load.warm_up_s)
        if records < _LEAST_RECORDS * load.producers:
            raise FreshnessError(
                f"{rate:g} records a second for {load.duration_s:g} s are too few: expected at "
                f"least {_LEAST_RECORDS} of each producer, by --rates or --duration"
            )
        if records > _MOST_RECORDS:
            raise FreshnessError(
                f"{records:,.0f} records are too many: expected at most {_MOST_RECORDS:,}, "
                "by --rates or --duration"
            )
    if load.duration_s / load.pieces < asking.poll_s:
        raise FreshnessError(
            f"{load.pieces} pieces of {load.duration_s:g} s are shorter than a poll: "
            "expected fewer --pieces, or a shorter --poll"
        )
    return plan
