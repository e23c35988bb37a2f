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
from tests.conftest import Lend
from tests.lent import Lent, may_ask, meeting_place


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


@pytest.fixture(scope="session")
def lent_broker(lend: Lend, tmp_path_factory: pytest.TempPathFactory) -> Lent[str]:
    """One broker for all workers; it is gone after the last of them, in any case."""
    place = meeting_place(tmp_path_factory, "kafka")
    return lend(lambda: shared_broker(place), may_ask("broker", Path(__file__).parent))


@pytest.fixture(scope="module")
def broker(lent_broker: Lent[str]) -> str:
    """Its address; another one where no worker has had a test of this room for a while."""
    return lent_broker.get()


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
