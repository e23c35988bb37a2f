"""One run of streams on a small dataset, which all tests of it share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from neuralake.config import Settings
from neuralake.engines.registry import EngineSpec
from neuralake.results.phases.records import PhaseKey, PhaseRecord
from neuralake.results.store import RunStore
from neuralake.results.streams.records import StreamsRun
from neuralake.results.streams.summary import StreamsSummary, summarise_streams
from neuralake.tpch.dataset import open_workload
from neuralake.workloads.bench import choose_engines
from neuralake.workloads.places import Target
from neuralake.workloads.streams.plan import StreamsPlan, make_plan
from neuralake.workloads.streams.streams import streams
from tests.conftest import make_settings, own_temporary_directory
from tests.more import few

# Each answers again what the other has answered; alone, it is another that does
STREAMED = few(["polars", "polars,duckdb"])


@dataclass
class Witness:
    """An observer that remembers what it was told, and may act on it."""

    begun: list[PhaseKey] = field(default_factory=list)
    checked: list[tuple[str, str]] = field(default_factory=list)
    phases: list[PhaseRecord] = field(default_factory=list)
    act: Callable[[PhaseKey], None] = lambda _: None

    def staging(self, sets: int) -> None:
        """Not remembered."""

    def before(self, key: PhaseKey, number: int, of: int) -> None:
        self.begun.append(key)
        self.act(key)

    def checking(self, key: PhaseKey, by: str) -> None:
        self.checked.append((key.engine, by))

    def after(self, phase: PhaseRecord) -> None:
        self.phases.append(phase)


@dataclass(frozen=True)
class Streamed:
    """A run that came to its end."""

    run: StreamsRun
    directory: Path
    witness: Witness
    place: Path

    @property
    def engines(self) -> list[str]:
        """In the order in which they were measured."""
        return [engine.name for engine in self.run.header.engines]

    @property
    def summary(self) -> StreamsSummary:
        return summarise_streams(self.run, self.directory)


def plan_for(
    settings: Settings, dataset: Path, place: Path, engines: Sequence[str], **options: object
) -> StreamsPlan:
    specs = [EngineSpec(name) for name in engines]
    return make_plan(
        open_workload(str(dataset), settings),
        choose_engines(specs, required=True),
        required=True,
        place=Target(str(place)),
        **options,  # type: ignore[arg-type]
    )


def carry_out(
    plan: StreamsPlan,
    settings: Settings,
    witness: Witness | None = None,
    resumed: tuple[StreamsRun, Path] | None = None,
) -> Streamed:
    witness = witness or Witness()
    settings.results_root.mkdir(parents=True, exist_ok=True)
    with own_temporary_directory(settings.results_root):
        run, directory = streams(
            plan,
            RunStore(settings.results_root),
            lambda _: nullcontext(witness),
            resumed=resumed,
        )
    return Streamed(run, directory, witness, Path(plan.place.uri))


@pytest.fixture(scope="session", params=STREAMED)
def streamed(
    request: pytest.FixtureRequest,
    storage: Path,
    dataset_sf001: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Streamed:
    """An engine or two, two streams, on official data."""
    engines = request.param.split(",")
    root = tmp_path_factory.mktemp("streams")
    settings = make_settings(storage, root / "results")
    plan = plan_for(settings, dataset_sf001, root / "copies", engines, streams=(2,), seed=7)
    return carry_out(plan, settings)
