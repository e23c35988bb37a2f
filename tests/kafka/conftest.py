"""A real broker for all tests of this room, whichever processes they run in."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import deltalake
import pyarrow as pa
import pytest

from benchmarks.kafka.shared import shared_broker
from neuralake.broker.server import QUICK_OPTIONS, QUICK_RESTART, Broker
from neuralake.broker.topics import make_topic


@dataclass(frozen=True)
class Topic:
    """A topic that is one test's own.

    Attributes
    ----------
    brokers
        Where it is.
    name
        Of two partitions.
    """

    brokers: str
    name: str

    @property
    def uri(self) -> str:
        """As ``--from`` takes it."""
        return f"kafka://{self.brokers}/{self.name}"


def meeting_place(factory: pytest.TempPathFactory) -> Path:
    """A directory that all workers of one run share; pytest-xdist gives each a part of it."""
    base = factory.getbasetemp()
    return (base.parent if base.name.startswith("popen-gw") else base) / "kafka"


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of one broker for all workers; it is gone after the last of them, in any case."""
    with shared_broker(meeting_place(tmp_path_factory)) as address:
        yield address


@pytest.fixture(scope="session")
def own() -> Iterator[Broker]:
    """One that may be ended: who does so starts it again."""
    with Broker(java_options=QUICK_OPTIONS, settings=QUICK_RESTART) as broker:
        yield broker


@pytest.fixture
def topic(broker: str) -> Topic:
    """A topic that nobody else uses."""
    name = f"events-{secrets.token_hex(6)}"
    make_topic(broker, name, partitions=2)
    return Topic(broker, name)


@pytest.fixture
def make_table(tmp_path: Path) -> Callable[..., str]:
    """Makes an empty Delta table; what is given goes to ``DeltaTable.create``."""

    def make(schema: pa.Schema, name: str = "events", **more: object) -> str:
        path = str(tmp_path / name)
        deltalake.DeltaTable.create(path, schema, **more)  # type: ignore[arg-type]
        return path

    return make
