"""What a run of serving measures, and in which order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from neuralake.errors import LoadError
from neuralake.lists import names_in, require_once
from neuralake.queries.workload import Workload
from neuralake.results.serving.records import Capacity, Key, Load, Rate, Round, ServingHeader
from neuralake.workloads.rounds import in_turn
from neuralake.workloads.serving.contestants.registry import DEFAULT, NAMES, contestant_type


@dataclass(frozen=True)
class ServingPlan:
    """What is to be measured.

    Attributes
    ----------
    contestants
        In the order of odd rounds.
    load
        What is asked, and when.
    rounds
        Of each contestant and rate.
    tpch
        The dataset that TPC-H's queries are asked of, or None.
    unavailable
        Contestants that cannot run here, with the reason.
    """

    contestants: tuple[str, ...]
    load: Load
    rounds: int
    tpch: Workload | None = None
    unavailable: tuple[tuple[str, str], ...] = ()

    def with_tpch(self, workload: Workload) -> ServingPlan:
        """The plan with a dataset."""
        return replace(self, tpch=workload)


class ServingObserver(Protocol):
    """Is told what happens; it is never called while something is being measured."""

    def searching(self, contestant: str) -> None:
        """The capacity of a contestant is about to be looked for."""

    def found(self, capacity: Capacity) -> None:
        """It is known, or not."""

    def before(self, key: Key, number: int, of: int) -> None:
        """A round is about to begin."""

    def after(self, found: Round) -> None:
        """It has ended."""


def keys_of(header: ServingHeader) -> Iterator[Key]:
    """Every round, in the order in which they are measured."""
    for number in range(1, header.rounds + 1):
        for rate in header.load.rates:
            for name in in_turn(header.contestants, number):
                yield Key(name, rate.text, number)


def parse_offered(text: str) -> tuple[Rate, ...]:
    """Rates such as ``10%,90%`` of the capacity, or ``300,1.5k`` requests a second.

    Raises
    ------
    ValueError
        If one is neither; the message says what would be one.
    """
    from neuralake.quantities import parse_rates

    rates = []
    for word in names_in(text):
        if word.endswith("%"):
            try:
                share = float(word[:-1]) / 100
            except ValueError:
                share = 0.0
            if not 0.001 <= share <= 100:
                raise ValueError(f"{word!r} is no share of a capacity: expected such as 50%")
            rates.append(Rate(f"{share * 100:.12g}%", share=share))
        else:
            (per_second,) = parse_rates(word)
            rates.append(Rate(f"{per_second:.12g}", per_second=per_second))
    require_once((rate.text for rate in rates), "rate", ValueError)
    return tuple(rates)


def make_plan(
    *, names: Sequence[str] | None, load: Load, rounds: int, tpch: Workload | None = None
) -> ServingPlan:
    """Check everything that can be checked before anything is measured.

    Parameters
    ----------
    names
        Of contestants, in order; ``all`` alone for every one that can run, None for the default.
        One that is named and cannot run is an error; of the others it is said why they did not.
    load, rounds, tpch
        As of :class:`ServingPlan`.

    Raises
    ------
    LoadError
        If a contestant is not known, is named twice, or cannot run here.
    """
    is_required = names is not None and tuple(names) != ("all",)
    asked = NAMES if names is not None and not is_required else names or DEFAULT
    require_once(asked, "contestant", LoadError)
    reasons = {name: contestant_type(name).unavailable() for name in asked}
    missing = tuple((name, reason) for name, reason in reasons.items() if reason is not None)
    if missing and (is_required or len(missing) == len(reasons)):
        name, reason = missing[0]
        raise LoadError(f"contestant {name} is not available: {reason}")
    available = tuple(name for name in asked if reasons[name] is None)
    return ServingPlan(available, load, rounds, tpch, missing)
