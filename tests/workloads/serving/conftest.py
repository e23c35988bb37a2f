"""Runs of serving in real processes, small enough for every day."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from neuralake.results.serving.records import Capacity, Key, Load, Mix, Round, ServingRun
from neuralake.results.serving.summary import ServingSummary, summarise_serving
from neuralake.results.store import RunStore
from neuralake.workloads.serving.plan import ServingPlan, make_plan, parse_offered
from neuralake.workloads.serving.requests import parse_mix
from neuralake.workloads.serving.serving import serving
from tests.conftest import own_temporary_directory
from tests.more import few

ROWS = 2000
SERVED = few(["in-process", "in-process,null"])  # cli/test_serving.py has servers


@dataclass
class Witness:
    """An observer that remembers what it was told, and may act on it."""

    capacities: list[Capacity] = field(default_factory=list)
    begun: list[Key] = field(default_factory=list)
    rounds: list[Round] = field(default_factory=list)
    act: Callable[[Key], None] = lambda _: None

    def searching(self, contestant: str) -> None:
        """Not remembered."""

    def found(self, capacity: Capacity) -> None:
        self.capacities.append(capacity)

    def before(self, key: Key, number: int, of: int) -> None:
        self.begun.append(key)
        self.act(key)

    def after(self, found: Round) -> None:
        self.rounds.append(found)


@dataclass(frozen=True)
class Served:
    """A run that came to its end."""

    run: ServingRun
    directory: Path
    witness: Witness

    @property
    def summary(self) -> ServingSummary:
        return summarise_serving(self.run, self.directory)


def load_of(rates: str, mix: str | Mix = "point", **more: object) -> Load:
    """A load of a few tenths of a second."""
    settings = {
        "duration_s": 0.3,
        "warm_up_s": 0.05,
        "capacity_step_s": 0.1,
        "recovery_s": 1.0,
        "connections": 8,
        "timeout_s": 60.0,
        **more,
    }
    found = parse_mix(mix, "zipf", ROWS) if isinstance(mix, str) else mix
    return Load(mix=found, rates=parse_offered(rates), **settings)  # type: ignore[arg-type]


def plan_for(*names: str, load: Load, rounds: int = 1) -> ServingPlan:
    return make_plan(names=names, load=load, rounds=rounds)


def carry_out(
    plan: ServingPlan,
    home: Path,
    witness: Witness | None = None,
    resumed: tuple[ServingRun, Path] | None = None,
) -> Served:
    """Carry out a plan in real worker processes."""
    home.mkdir(parents=True, exist_ok=True)
    told = witness or Witness()
    with own_temporary_directory(home):
        run, directory = serving(
            plan, RunStore(home / "results"), lambda _: nullcontext(told), resumed=resumed
        )
    return Served(run, directory, told)


@pytest.fixture(scope="session", params=SERVED)
def two_rates(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Served:
    """The service in process, and perhaps the null server, below the capacity and beyond."""
    load = load_of("50%,200%", "point=8,aggregate=2")
    plan = plan_for(*request.param.split(","), load=load)
    return carry_out(plan, tmp_path_factory.mktemp("two-rates"))
