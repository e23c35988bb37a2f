"""A client of Spark Connect, and a server that speaks it: Sail's, which has no JVM.

Behind a server of Spark's own it is in ``test_cluster.py``, in ``make test-all``.
"""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from neuralake.engines.spark import SparkEngine, SparkOptions, connect
from neuralake.errors import EngineEndedError, EngineError

SERVER = """
import sys
from pysail.spark import SparkConnectServer
server = SparkConnectServer("127.0.0.1", 0)
server.start(background=True)
print(server.listening_address[1], flush=True)
sys.stdin.read()
"""
ENDLESS = "SELECT sum(a.id * b.id) AS n FROM range(10000000) AS a CROSS JOIN range(10000000) AS b"


class Server:
    """Sail's server in a process of its own, which may be killed."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", SERVER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        self.address = f"sc://127.0.0.1:{int(self.process.stdout.readline())}"

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.kill()


@contextmanager
def client(server: Server, **options: Any) -> Iterator[SparkEngine]:
    engine = SparkEngine(SparkOptions(master=server.address, **options))
    try:
        yield engine
    finally:
        engine.close()


def test_clients_do_not_see_each_other(server: Server) -> None:
    """What each makes; tables are not quoted as Sail would have them."""
    with client(server) as engine:
        assert engine.works_elsewhere
        told = {"master": server.address, "delta_reader": "snapshot-files"}
        assert told.items() <= engine.settings.items()
        versions = engine.versions()
        assert versions["spark-server"] == versions["pyspark"]  # whose protocol Sail speaks
        one, other = engine.open({}), engine.open({})
        for session, number in ((one, 5), (other, 25)):
            session.execute(f"CREATE TEMPORARY VIEW of_{number} AS SELECT {number} AS n")
            found = session.execute(f"SELECT * FROM of_{number}").to_pylist()
            assert found == [{"n": number}]
        with pytest.raises(Exception, match="TABLE_OR_VIEW_NOT_FOUND"):
            other.execute("SELECT * FROM of_5")
        assert "Physical Plan" in one.explain("SELECT * FROM of_5")
        one.close()
        other.close()


def test_a_server_without_delta_is_refused_where_it_is_asked_for(server: Server) -> None:
    with pytest.raises(EngineError, match="was started without Delta Lake"):
        SparkEngine(SparkOptions(master=server.address, delta_reader="delta"))


def test_a_setting_that_the_server_refuses_is_told(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As Spark's refuses what is its own; Sail's takes whatever it is told."""
    from pyspark.sql.connect.conf import RuntimeConf

    take = RuntimeConf.set

    def refuse(conf: RuntimeConf, key: str, value: Any) -> None:
        if key == "spark.sql.extensions":
            raise ValueError("[CANNOT_MODIFY_STATIC_CONFIG] Cannot modify it.\nMore of it.")
        take(conf, key, value)

    monkeypatch.setattr(RuntimeConf, "set", refuse)
    config = {"spark.sql.extensions": "x"}
    with pytest.raises(EngineError, match=r"does not take spark\.sql\.extensions: .*CONFIG") as it:
        SparkEngine(SparkOptions(master=server.address, config=config))
    assert "\n" not in str(it.value)


@pytest.mark.filterwarnings("ignore:.*RETRIES_EXCEEDED")
def test_a_server_that_dies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connect, "_MOST_RETRIES", 2)  # a second, and not half a minute
    server = Server()
    with client(server) as engine:
        session = engine.open({})
        killer = threading.Timer(0.3, server.kill)
        killer.start()
        with pytest.raises(EngineEndedError, match=f"{server.address} is gone"):
            session.execute(ENDLESS)
        killer.join()
        session.close()
    with pytest.raises(EngineError, match="does not answer as one"):
        SparkEngine(SparkOptions(master=server.address))
