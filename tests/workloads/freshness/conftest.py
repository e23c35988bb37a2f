"""Runs of freshness in real processes, small enough for every day."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from neuralake.results.freshness.records import (
    Asking,
    FreshnessRun,
    Key,
    Load,
    Round,
    RoundVerification,
)
from neuralake.results.freshness.summary import FreshnessSummary, summarise_freshness
from neuralake.results.store import RunStore
from neuralake.workloads.freshness.freshness import freshness
from neuralake.workloads.freshness.plan import FreshnessPlan, check_plan
from neuralake.workloads.places import Target
from tests.conftest import own_temporary_directory

SMALL = Load(
    rates=(400.0,),
    duration_s=0.8,
    warm_up_s=0.2,
    pieces=2,
    pause_s=0.2,
    producers=2,
    batch_age_s=0.01,
)


@dataclass
class Witness:
    """An observer that remembers what it was told, and may act on it."""

    begun: list[Key] = field(default_factory=list)
    rounds: list[Round] = field(default_factory=list)
    verdicts: list[RoundVerification] = field(default_factory=list)
    act_before: Callable[[Key], None] = lambda _: None
    act_after: Callable[[Round], None] = lambda _: None

    def before(self, key: Key, number: int, of: int, seconds: float) -> None:
        self.begun.append(key)
        self.act_before(key)

    def after(self, found: Round) -> None:
        self.rounds.append(found)
        self.act_after(found)

    def verified(self, result: RoundVerification) -> None:
        self.verdicts.append(result)


@dataclass(frozen=True)
class Measured:
    """A run that came to its end."""

    run: FreshnessRun
    directory: Path
    witness: Witness

    @property
    def summary(self) -> FreshnessSummary:
        return summarise_freshness(self.run, self.directory)


def plan_for(
    home: Path,
    *readers: str,
    load: Load = SMALL,
    compaction: tuple[bool, ...] = (True,),
    rounds: int = 1,
) -> FreshnessPlan:
    plan = FreshnessPlan(
        load=load,
        asking=Asking(readers=readers, poll_s=0.01),
        compaction=compaction,
        rounds=rounds,
        place=Target(str(home / "tables")),
    )
    return check_plan(plan)


def carry_out(
    plan: FreshnessPlan,
    home: Path,
    witness: Witness | None = None,
    resumed: tuple[FreshnessRun, Path] | None = None,
) -> Measured:
    """Carry out a plan in real processes."""
    home.mkdir(parents=True, exist_ok=True)
    told = witness or Witness()
    with own_temporary_directory(home):
        run, directory = freshness(
            plan, RunStore(home / "results"), lambda _: nullcontext(told), resumed=resumed
        )
    return Measured(run, directory, told)


@pytest.fixture(scope="session")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Measured:
    """Two producers, compaction beside them, and a reader that follows the table."""
    home = tmp_path_factory.mktemp("freshness")
    return carry_out(plan_for(home, "in-process"), home)
