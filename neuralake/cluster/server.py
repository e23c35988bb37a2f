"""Spark's standalone cluster on loopback: a master and workers, and Spark Connect before them.

All of it is the Spark that is installed as a Python package, and ends with the process that started
it, however that ends. Source: Apache Spark, "Spark Standalone Mode", "Spark Connect Overview".
"""

from __future__ import annotations

import json
import os
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from neuralake.cluster.errors import ClusterError
from neuralake.cluster.process import HOST, ClusterProcess, Place
from neuralake.engines.spark.conf import DELTA_CONF
from neuralake.engines.spark.jars import delta_jars, spark_home
from neuralake.engines.spark.java import find_java
from neuralake.errors import EngineError
from neuralake.measure.scratch import Scratch
from neuralake.starting import free_ports, takes_connections, wait_until_ready

DAEMON_HEAP: Final = "256m"
# For a cluster that lives for seconds: a second compiler costs more than it gains until then
QUICK_OPTIONS: Final = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto")
_READY_TIMEOUT_S = 300.0  # of a machine that is very busy; one that ends is seen at once
_ASK_TIMEOUT_S = 5.0
# Between the choice of free ports and their use somebody else may have taken one
_ATTEMPTS = 3
_MASTER = "org.apache.spark.deploy.master.Master"
_WORKER = "org.apache.spark.deploy.worker.Worker"
_SUBMIT = "org.apache.spark.deploy.SparkSubmit"
_CONNECT = "org.apache.spark.sql.connect.service.SparkConnectServer"


class Cluster:
    """A master and workers, for as long as it is entered.

    Parameters
    ----------
    workers
        How many there are; with none there is no master either, and Spark Connect works alone.
    cores, memory
        That each worker offers to executors; memory as ``1g``.
    port
        Of the master on 127.0.0.1; 0 takes a free one.
    connect_port
        Of a Spark Connect server; 0 takes a free one, None starts none.
    connect_cores
        That the server takes of the cluster, or of this machine if ``connect_locally``; 0 is all.
    connect_locally
        Whether it works in its own process instead of on the cluster.
    connect_memory
        Heap of its process.
    settings
        Of Spark, for all of it.
    java_options
        Of the JVMs of master, workers and Connect server.

    Examples
    --------
    >>> with Cluster() as cluster:
    ...     engine = SparkEngine(SparkOptions(master=cluster.address))
    """

    def __init__(
        self,
        *,
        workers: int = 2,
        cores: int = 1,
        memory: str = "1g",
        port: int = 0,
        connect_port: int | None = None,
        connect_cores: int = 0,
        connect_locally: bool = False,
        connect_memory: str = "1g",
        settings: Mapping[str, str] | None = None,
        java_options: Sequence[str] = (),
    ) -> None:
        self._workers = workers
        self._cores = cores
        self._memory = memory
        self._port = port
        self._connect_port = connect_port
        self._connect_cores = connect_cores
        self._connect_locally = connect_locally or not workers
        self._connect_memory = connect_memory
        self._settings = dict(settings or {})
        self._java_options = tuple(java_options)
        self._processes: dict[str, ClusterProcess] = {}
        self._ports: tuple[int, int, int] | None = None
        self._place: Place | None = None
        self._scratch: Scratch | None = None

    @property
    def address(self) -> str:
        """``spark://host:port``, as applications name the master."""
        return f"spark://{HOST}:{self._known_ports[0]}"

    @property
    def page(self) -> str:
        """The master's page, for people."""
        return f"http://{HOST}:{self._known_ports[1]}"

    @property
    def connect_address(self) -> str:
        """``sc://host:port``, as clients of Spark Connect name the server."""
        return f"sc://{HOST}:{self._known_ports[2]}"

    @property
    def configuration(self) -> Path:
        """Directory that comes first on the class path of all its processes, executors' too."""
        assert self._place is not None, "it was not started yet"  # noqa: S101
        return self._place.directory / "conf"

    @property
    def processes(self) -> Mapping[str, ClusterProcess]:
        """What was started, by name: ``master``, ``worker-1`` …, ``connect``."""
        return dict(self._processes)

    def start(self) -> None:
        """Start all of it, and return when the workers are known to the master.

        Raises
        ------
        ClusterError
            If there is no Java or Spark, a port is in use, or a process fails; the message has the
            end of its log.
        """
        try:
            java = find_java(os.environ)
            spark_home()
            jars = delta_jars(os.environ) if self._connect_port is not None else []
        except EngineError as error:
            raise ClusterError(f"no cluster can be started: {error}") from error
        for attempt in range(_ATTEMPTS):
            self._scratch = Scratch()
            self._place = Place(self._scratch.directory, self._java_options)
            self._place.prepare(java, self._settings_of(jars))
            self._ports = _free_ports((self._port, 0, self._connect_port or 0))
            try:
                self._start(self._place)
            except ClusterError as error:
                self.stop()
                if self._port or "in use" not in str(error) or attempt == _ATTEMPTS - 1:
                    raise
            except BaseException:
                self.stop()
                raise
            else:
                return

    def start_worker(self) -> ClusterProcess:
        """Start one more worker, and return when the master knows it."""
        assert self._place is not None, "it was not started yet"  # noqa: S101
        known = self.alive_workers()
        worker = self._start_worker(self._place)
        self._wait(worker, lambda: self.alive_workers() > known)
        return worker

    def state(self) -> dict[str, Any]:
        """What the master says of itself.

        Raises
        ------
        OSError
            If it does not answer.
        """
        with urllib.request.urlopen(f"{self.page}/json/", timeout=_ASK_TIMEOUT_S) as answer:  # noqa: S310 - our own address
            state: dict[str, Any] = json.load(answer)
        return state

    def alive_workers(self) -> int:
        """How many workers the master counts as alive; 0 if it does not answer."""
        with suppress(OSError, ValueError):
            return int(self.state()["aliveworkers"])
        return 0

    def stop(self) -> None:
        """End all of it, and remove what it wrote. May be called again."""
        # an application first, whose executors the workers then end; what it is killed with is gone
        for name in reversed(tuple(self._processes)):
            self._processes.pop(name).kill()
        self._place = None
        scratch, self._scratch = self._scratch, None
        if scratch is not None:
            scratch.remove()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def _known_ports(self) -> tuple[int, int, int]:
        assert self._ports is not None, "it was not started yet"  # noqa: S101
        return self._ports

    def _settings_of(self, jars: Sequence[Path]) -> dict[str, str]:
        own = {
            "spark.master.rest.enabled": "false",
            "spark.ui.enabled": "false",
            "spark.driver.host": HOST,
            "spark.driver.bindAddress": HOST,
        }
        if self._connect_port is not None:
            # a client of Spark Connect cannot choose these: they are the server's
            own |= {
                "spark.jars": ",".join(map(str, jars)),
                **DELTA_CONF,
                "spark.sql.catalogImplementation": "in-memory",
                "spark.connect.grpc.binding.address": HOST,
            }
        return own | self._settings

    def _start(self, place: Place) -> None:
        port, page, connect = self._known_ports
        if self._workers:
            listening = ("--host", HOST, "--port", str(port), "--webui-port", str(page))
            master = self._launch(place, "master", DAEMON_HEAP, (_MASTER, *listening))
            self._wait(
                master, lambda: takes_connections(HOST, port) and takes_connections(HOST, page)
            )
            started = [self._start_worker(place) for _ in range(self._workers)]
            for worker in started:
                self._wait(worker, lambda: self.alive_workers() == len(started))
        if self._connect_port is not None:
            cores = str(self._connect_cores or "*")
            where = {"spark.master": f"local[{cores}]"}
            if not self._connect_locally:
                where = {"spark.master": self.address, "spark.executor.memory": self._memory}
                if self._connect_cores:
                    where["spark.cores.max"] = cores
            settings = {
                **where,
                "spark.driver.memory": self._connect_memory,
                "spark.connect.grpc.binding.port": str(connect),
                "spark.app.name": "neuralake connect",
                "spark.local.dir": str(place.directory / "local"),
                "spark.sql.warehouse.dir": str(place.directory / "warehouse"),
            }
            chosen = [part for item in settings.items() for part in ("--conf", "=".join(item))]
            main = (_SUBMIT, *chosen, "--class", _CONNECT, "spark-internal")
            server = self._launch(place, "connect", self._connect_memory, main)
            self._wait(server, lambda: takes_connections(HOST, connect))

    def _start_worker(self, place: Place) -> ClusterProcess:
        name = f"worker-{sum(n.startswith('worker-') for n in self._processes) + 1}"
        work = place.directory / name
        main = (
            _WORKER,
            *("--host", HOST, "--webui-port", "0"),
            *("--cores", str(self._cores), "--memory", self._memory),
            *("--work-dir", str(work), self.address),
        )
        return self._launch(place, name, DAEMON_HEAP, main)

    def _launch(self, place: Place, name: str, heap: str, main: Sequence[str]) -> ClusterProcess:
        self._processes[name] = process = place.start(name, heap, main)
        return process

    def _wait(self, process: ClusterProcess, is_ready: Callable[[], bool]) -> None:
        wait_until_ready(
            process.process,
            f"the cluster's {process.name}",
            is_ready,
            process.log,
            _READY_TIMEOUT_S,
            ClusterError,
        )


def _free_ports(wanted: tuple[int, int, int]) -> tuple[int, int, int]:
    """Ports of master, its page, and Spark Connect."""
    master, page, connect = free_ports(HOST, wanted, "a cluster", ClusterError)
    return master, page, connect
