"""Runs of ingest in real processes, small enough for every day."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from neuralake.results.ingest.records import (
    Freshness,
    IngestRun,
    Key,
    Load,
    Round,
    RoundVerification,
)
from neuralake.results.ingest.summary import IngestSummary, summarise_ingest
from neuralake.results.store import RunStore
from neuralake.workloads.ingest.ingest import ingest
from neuralake.workloads.ingest.plan import IngestPlan, make_plan
from neuralake.workloads.places import Target
from tests.conftest import own_temporary_directory

ROWS = 50


@dataclass
class Witness:
    """An observer that remembers what it was told, and may act on it."""

    begun: list[Key] = field(default_factory=list)
    rounds: list[Round] = field(default_factory=list)
    verdicts: list[RoundVerification] = field(default_factory=list)
    act: Callable[[Key], None] = lambda _: None

    def before(self, key: Key, number: int, of: int) -> None:
        self.begun.append(key)
        self.act(key)

    def after(self, found: Round) -> None:
        self.rounds.append(found)

    def verified(self, result: RoundVerification) -> None:
        self.verdicts.append(result)


@dataclass(frozen=True)
class Ingested:
    """A run that came to its end."""

    run: IngestRun
    directory: Path
    witness: Witness

    @property
    def summary(self) -> IngestSummary:
        return summarise_ingest(self.run, self.directory)


def plan_for(
    home: Path,
    *names: str,
    load: Load | None = None,
    rounds: int = 2,
    maintenance: str = "off",
    freshness: Freshness | None = None,
    keeps_tables: bool = False,
) -> IngestPlan:
    return make_plan(
        names=names,
        maintenance=maintenance,
        load=load or Load(batch_rows=ROWS, commits=25, warm_up=2),
        rounds=rounds,
        freshness=freshness or Freshness(),
        place=Target(str(home / "tables")),
        maintenance_every_s=0.05,
        keeps_tables=keeps_tables,
    )


def carry_out(
    plan: IngestPlan,
    home: Path,
    witness: Witness | None = None,
    resumed: tuple[IngestRun, Path] | None = None,
) -> Ingested:
    """Carry out a plan in real worker processes."""
    home.mkdir(parents=True, exist_ok=True)
    told = witness or Witness()
    with own_temporary_directory(home):
        run, directory = ingest(
            plan, RunStore(home / "results"), lambda _: nullcontext(told), resumed=resumed
        )
    return Ingested(run, directory, told)


@pytest.fixture(scope="session")
def closed_loop(tmp_path_factory: pytest.TempPathFactory) -> Ingested:
    """Three contestants in two rounds; nobody changes its files."""
    home = tmp_path_factory.mktemp("closed")
    return carry_out(plan_for(home, "neuralake", "deltalake-handle", "disk"), home)


@pytest.fixture(scope="session")
def open_loop(tmp_path_factory: pytest.TempPathFactory) -> Ingested:
    """Three producers in two processes, at two rates."""
    home = tmp_path_factory.mktemp("open")
    load = Load(
        arrivals="poisson",
        rates=(20.0 * ROWS, 40.0 * ROWS),
        batch_rows=ROWS,
        producers=3,
        processes=2,
        duration_s=1.0,
        warm_up=2,
    )
    return carry_out(plan_for(home, "neuralake", load=load, rounds=1), home)
