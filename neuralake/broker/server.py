"""Apache Kafka as one node on loopback: broker and controller in one process, without ZooKeeper.

It ends with the process that started it, however that ends. Source: Apache Kafka, "KRaft",
"Broker Configs".
"""

from __future__ import annotations

import base64
import os
import subprocess
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from neuralake.broker.errors import BrokerError
from neuralake.broker.jars import KAFKA_JARS, KAFKA_VERSION
from neuralake.errors import JavaError
from neuralake.java.jars import fetch_jars
from neuralake.java.runtime import find_java, without_options
from neuralake.measure.scratch import Scratch
from neuralake.mortal import mortal
from neuralake.starting import free_ports, log_tail, takes_connections, wait_until_ready

HOST: Final = "127.0.0.1"
HEAP = "512m"
# For a broker that lives for seconds: a second compiler costs more than it gains until then
QUICK_OPTIONS = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto")
# One that was killed is known to its cluster for as long, and cannot come back before; on a machine
# that is too busy to let it say that it lives, one that does is missed
QUICK_RESTART = {"broker.session.timeout.ms": "2000", "broker.heartbeat.interval.ms": "400"}
_READY_TIMEOUT_S = 300.0  # of a machine that is very busy; one that ends is seen at once
_STOP_TIMEOUT_S = 30.0
# Between the choice of free ports and their use somebody else may have taken one
_ATTEMPTS = 3
# Which have a default for a cluster of three, or of what Kafka does in a group's first seconds
_ONE_NODE = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "4",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "group.initial.rebalance.delay.ms": "0",
    "auto.create.topics.enable": "false",
    # What was acknowledged is the kernel's, whoever is killed. The disk gets it a tenth of a second
    # later: what is written back at once, a second's or a whole segment's, holds up all who sync
    "log.flush.interval.ms": "100",
    "log.flush.scheduler.interval.ms": "100",
}


class Broker:
    """A broker, for as long as it is entered.

    Parameters
    ----------
    directory
        Where it keeps what it is sent, which is still there for the next start. None takes one
        that is removed at the end.
    port
        On 127.0.0.1; 0 takes a free one.
    heap
        As Java's ``-Xmx``.
    java_options
        Further options of the JVM.
    settings
        Of the broker, besides or in place of its own; ``{port}`` in a value is its port.

    Examples
    --------
    >>> with Broker() as broker:
    ...     make_topic(broker.address, "events", partitions=2)
    """

    def __init__(
        self,
        directory: Path | None = None,
        *,
        port: int = 0,
        heap: str = HEAP,
        java_options: Sequence[str] = (),
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self._given = directory
        self._port = port
        self._options = (f"-Xmx{heap}", *java_options)
        self._settings = dict(settings or {})
        self._scratch: Scratch | None = None
        self._directory: Path | None = None
        self._ports: tuple[int, int] | None = None
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """``host:port`` at which clients reach it."""
        assert self._ports is not None, "it was not started yet"  # noqa: S101
        return f"{HOST}:{self._ports[0]}"

    @property
    def pid(self) -> int:
        """Of its process."""
        assert self._process is not None, "it does not run"  # noqa: S101
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether its process lives."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it, or start it again at the same address and with what it had; return when ready.

        Raises
        ------
        BrokerError
            If there is no Java, its jars are not to be had, its port is in use, or it fails; the
            message has the end of its log.
        """
        try:
            java = find_java(os.environ).executable
            jars = fetch_jars(KAFKA_JARS, f"kafka-{KAFKA_VERSION}", os.environ)
        except JavaError as error:
            raise BrokerError(f"no broker can be started: {error}") from error
        self._directory = self._given or self._directory
        if self._directory is None:
            self._scratch = Scratch()
            self._directory = self._scratch.directory
        self._directory.mkdir(parents=True, exist_ok=True)
        is_first = self._ports is None
        for attempt in range(_ATTEMPTS):
            try:
                self._ports = self._ports or _free_ports(self._port)
                self._start(java, jars)
            except BrokerError as error:
                is_taken = "in use" in str(error)
                if not is_taken or not is_first or self._port or attempt == _ATTEMPTS - 1:
                    raise
                self._ports = None
            else:
                return

    def kill(self) -> None:
        """End it as ``kill -9`` does; what it has acknowledged is still there."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def stop(self) -> None:
        """End it in order."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(_STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.kill()

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self._remove()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._given is None:
            self.kill()  # nothing that it holds is to be kept
        else:
            self.stop()
        self._remove()

    def _remove(self) -> None:
        if self._scratch is not None:
            self._scratch.remove()

    def _start(self, java: Path, jars: Sequence[Path]) -> None:
        assert self._directory is not None and self._ports is not None  # noqa: S101
        configuration = self._directory / "server.properties"
        log = self._directory / "log"
        configuration.write_text(self._configuration())
        program = [
            str(java),
            *self._options,
            "-Dorg.slf4j.simpleLogger.defaultLogLevel=error",
            "--class-path",
            ":".join(map(str, jars)),
        ]
        environment = without_options(os.environ)
        if not (self._directory / "data" / "meta.properties").exists():
            _format(program, configuration, log, environment)
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                mortal([*program, "kafka.Kafka", str(configuration)]),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=environment,
                cwd=self._directory,
                start_new_session=True,  # Ctrl-C is for us, who then stop it
            )
        try:
            port = self._ports[0]  # answers once it knows its cluster
            wait_until_ready(
                self._process,
                "the broker",
                lambda: takes_connections(HOST, port),
                log,
                _READY_TIMEOUT_S,
                BrokerError,
            )
        except BaseException:
            self.kill()
            raise

    def _configuration(self) -> str:
        assert self._ports is not None and self._directory is not None  # noqa: S101
        port, controller = self._ports
        settings = {
            **_ONE_NODE,
            "controller.quorum.voters": f"1@{HOST}:{controller}",
            "listeners": f"PLAINTEXT://{HOST}:{port},CONTROLLER://{HOST}:{controller}",
            "advertised.listeners": f"PLAINTEXT://{HOST}:{port}",
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "log.dirs": str(self._directory / "data"),
        }
        more = {
            name: value.replace("{port}", str(port)).replace("{controller}", str(controller))
            for name, value in self._settings.items()
        }
        return "".join(f"{name}={value}\n" for name, value in (settings | more).items())


def _free_ports(port: int) -> tuple[int, int]:
    """A port for clients, and one for the controller."""
    clients, controller = free_ports(HOST, (port, 0), "a broker", BrokerError)
    return clients, controller


def _format(
    program: Sequence[str], configuration: Path, log: Path, environment: Mapping[str, str]
) -> None:
    """Make the directory of a new cluster, whose name nobody else has."""
    name = cluster_id()
    with log.open("wb") as output:
        done = subprocess.run(
            [
                *(*program, "kafka.tools.StorageTool", "format"),
                *("--cluster-id", name, "--config", str(configuration)),
            ],
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment,
        )
    if done.returncode:
        raise BrokerError(f"the broker's directory cannot be made: {log_tail(log)}")


def cluster_id() -> str:
    """A name that nobody else has, in Kafka's form; none that its command takes for an option."""
    while True:
        name = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        if not name.startswith("-"):
            return name
