"""A standalone cluster of Spark's, as its driver sees it.

The master is asked for its workers before an application is submitted to it: what does not answer
is then told at once and in words, where Spark alone would try for a minute; and the executors are
made as large as the workers are. Whoever hears the master speak another version's language gets no
answer at all: a message that cannot be read is dropped (seen with Spark 4.0 and 4.2).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from neuralake.engines.spark.masters import Master
from neuralake.engines.spark.options import SparkOptions
from neuralake.errors import EngineError

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

ANSWER_TIMEOUT_S: Final = 20
# A worker starts a JVM for an executor, on a machine that may be busy
EXECUTORS_TIMEOUT_S: Final = 120.0
# No further executor is to be expected then, where others use the cluster
SHARED_TIMEOUT_S: Final = 10.0
# Without an executor for so long no query will end: workers are not started anew by the master
LOST_TIMEOUT_S: Final = 30.0
ENDED_BY_CLUSTER: Final = (
    "the cluster has ended the application: its executors end as soon as they are started, and the "
    "workers' logs tell why"
)
_LOOK_INTERVAL_S = 0.2
_WATCH_INTERVAL_S = 1.0
# Of scala.Option, as py4j names it
_DEFAULT_ARGUMENT = "$lessinit$greater$default$"
_UNREADABLE = ("InvalidClassException", "ClassNotFoundException", "local class incompatible")


@dataclass(frozen=True)
class Workers:
    """The workers of a cluster that are alive, and who uses them.

    Attributes
    ----------
    count
        How many.
    cores
        Of all of them.
    memory_mib
        That all of them offer to executors.
    smallest_mib
        That the smallest of them offers.
    applications
        Names of those that run.
    """

    count: int
    cores: int
    memory_mib: int
    smallest_mib: int
    applications: tuple[str, ...] = ()


def ask_workers(jvm: Any, master: Master, spark_version: str, host: str) -> Workers:
    """Ask the leading master for its workers.

    Parameters
    ----------
    jvm
        Of a driver that has no context yet.
    master
        Whom to ask.
    spark_version
        Of the driver, for messages.
    host
        The driver's own address.

    Raises
    ------
    EngineError
        If no master gives an answer within :data:`ANSWER_TIMEOUT_S`, or it has no workers.
    """
    reasons = []
    for address in master.addresses:
        try:
            state = _ask(jvm, address, host)
        except _NoAnswerError as error:
            reasons.append(str(error))
            continue
        if str(state.status().toString()) != "ALIVE":
            reasons.append(f"{address[0]}:{address[1]} is in reserve")
            continue
        workers = [w for w in state.workers() if str(w.state().toString()) == "ALIVE"]
        if not workers:
            raise EngineError(f"spark: the cluster at {master.text} has no workers: start some")
        return Workers(
            count=len(workers),
            cores=sum(w.cores() for w in workers),
            memory_mib=sum(w.memory() for w in workers),
            smallest_mib=min(w.memory() for w in workers),
            applications=tuple(str(a.desc().name()) for a in state.activeApps()),
        )
    raise EngineError(
        f"spark: the cluster at {master.text} gives no answer that Spark {spark_version} "
        f"understands ({'; '.join(reasons)}): is it a cluster, and of this version?"
    )


class _NoAnswerError(Exception):
    """A master was asked in vain."""


def _ask(jvm: Any, address: tuple[str, int], host: str) -> Any:
    """The master's state, as its page has it (DeployMessages.RequestMasterState)."""
    from py4j.protocol import Py4JJavaError  # type: ignore[import-untyped]

    spark = jvm.org.apache.spark
    configuration = jvm.SparkConf(True)
    for name in ("lookupTimeout", "askTimeout"):
        configuration.set(f"spark.rpc.{name}", f"{ANSWER_TIMEOUT_S}s")
    defaults = getattr(getattr(spark, "SecurityManager$"), "MODULE$")
    security = spark.SecurityManager(
        configuration, *(getattr(defaults, f"{_DEFAULT_ARGUMENT}{n}")() for n in (2, 3))
    )
    is_client = True
    environment = spark.rpc.RpcEnv.create(
        "neuralake", host, host, 0, configuration, security, 0, is_client
    )
    where = f"{address[0]}:{address[1]}"
    try:
        try:
            there = spark.rpc.RpcAddress(address[0].strip("[]"), address[1])
            master = environment.setupEndpointRef(there, "Master")
        except Py4JJavaError as error:
            raise _NoAnswerError(f"{where} speaks as no master does: {_cause(error)}") from error
        messages = "org.apache.spark.deploy.DeployMessages"
        request = getattr(getattr(spark.deploy, "DeployMessages$RequestMasterState$"), "MODULE$")
        answer = jvm.java.lang.Class.forName(f"{messages}$MasterStateResponse")
        try:
            return master.askSync(request, jvm.scala.reflect.ClassTag.apply(answer))
        except Py4JJavaError as error:
            raise _NoAnswerError(f"{where} is a master: {_cause(error)}") from error
    finally:
        environment.shutdown()


def _cause(error: Any) -> str:
    """The first line of the innermost cause."""
    found = error.java_exception
    with suppress(Exception):
        while (cause := found.getCause()) is not None:
            found = cause
    return str(found.getMessage() or found.toString()).strip().partition("\n")[0]


def cluster_conf(options: SparkOptions, workers: Workers) -> dict[str, str]:
    """Settings that are known once the cluster is: in shares of what its workers have.

    Parameters
    ----------
    options
        What the caller chose.
    workers
        Of the cluster.
    """
    cores = min(options.cores, workers.cores) if options.cores else workers.cores
    memory = options.executor_memory
    conf = {
        # an executor takes the whole of the smallest worker
        "spark.executor.memory": f"{workers.smallest_mib}m" if memory == "auto" else memory,
        "spark.sql.shuffle.partitions": str(options.shuffle_partitions or cores),
        "spark.sql.sources.parallelPartitionDiscovery.parallelism": str(cores),
        "spark.databricks.delta.snapshotPartitions": str(cores),
    }
    if options.cores:
        conf["spark.cores.max"] = str(options.cores)
    return {key: value for key, value in conf.items() if key not in options.config}


class Executors:
    """Those that the cluster has given to the application.

    Parameters
    ----------
    spark
        A session of the application.
    """

    def __init__(self, spark: SparkSession) -> None:
        self._context = spark.sparkContext
        self._backend = self._context._jsc.sc().schedulerBackend()

    @property
    def cores(self) -> int:
        """Of all executors that are registered."""
        return int(self._backend.totalCoreCount())

    @property
    def count(self) -> int:
        """How many are registered."""
        return int(self._backend.getExecutorIds().size())

    @property
    def is_stopped(self) -> bool:
        """Whether Spark has ended the application, as it does when the master refuses it."""
        return bool(self._context._jsc.sc().isStopped())

    def wait(self, workers: Workers, wanted_cores: int) -> None:
        """Wait until there are as many as the cluster can give.

        Parameters
        ----------
        workers
            As the master told before.
        wanted_cores
            At most; 0 is all.

        Raises
        ------
        EngineError
            If there is none within :data:`EXECUTORS_TIMEOUT_S`; the message says why, where that is
            known.
        """
        expected = min(wanted_cores or workers.cores, workers.cores)
        begun = since = time.monotonic()
        seen = 0
        while (cores := self.cores) < expected:
            now = time.monotonic()
            if self.is_stopped:
                raise EngineError(f"spark: {ENDED_BY_CLUSTER}")
            if cores != seen:
                seen, since = cores, now
            # what others have is not told, and may be given back tomorrow
            is_shared = bool(cores and workers.applications and now - since > SHARED_TIMEOUT_S)
            if is_shared or now - begun > EXECUTORS_TIMEOUT_S:
                break
            time.sleep(_LOOK_INTERVAL_S)
        if self.cores:
            return
        if workers.applications:
            raise EngineError(
                f"spark: the cluster has given no core within {EXECUTORS_TIMEOUT_S:g} s: "
                f"{', '.join(workers.applications)} may have them all; wait for these, or start "
                "them with fewer cores"
            )
        raise EngineError(
            f"spark: the cluster has started no executor within {EXECUTORS_TIMEOUT_S:g} s: its "
            f"smallest worker has {workers.smallest_mib} MiB (executor_memory), and its workers "
            "must find this machine"
        )

    def require_version(self, spark: SparkSession, version: str) -> None:
        """Refuse executors of another Spark than the driver's.

        Raises
        ------
        EngineError
            If there are any: the message names both versions.
        """
        tasks = 2 * self.cores
        told = "reflect('org.apache.spark.package', 'SPARK_VERSION') AS version"
        try:
            answer = spark.range(0, tasks, 1, tasks).selectExpr(told).toArrow()
            found = set(answer["version"].to_pylist())
        except Exception as error:
            if not any(word in str(error) for word in _UNREADABLE):
                raise
            found = {"another"}
        if others := found - {version}:
            raise EngineError(
                f"spark: the cluster's executors are of Spark {', '.join(sorted(others))}, and "
                f"pyspark {version} is installed here: install the cluster's version, or start "
                "the cluster with this one"
            )


class Watch:
    """Ends queries that no executor will ever run; Spark itself would wait for ever.

    Parameters
    ----------
    executors
        That are watched.
    """

    def __init__(self, executors: Executors) -> None:
        self._executors = executors
        self._lost = ""
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._look, name="spark-executors", daemon=True)
        self._thread.start()

    @property
    def lost(self) -> str:
        """Why there is no executor any more; empty while there are some."""
        return self._lost

    def stop(self) -> None:
        """Look no more."""
        self._ending.set()
        self._thread.join()

    def _look(self) -> None:
        since: float | None = None
        while not self._ending.wait(_WATCH_INTERVAL_S):
            try:
                if self._executors.is_stopped:
                    self._lost = "the cluster has ended the application"
                    return
                if self._executors.cores:
                    since = None
                    continue
                since = since or time.monotonic()
                if time.monotonic() - since > LOST_TIMEOUT_S:
                    self._lost = f"the cluster had no executor for {LOST_TIMEOUT_S:g} s"
                    self._executors._context.cancelAllJobs()
                    return
            except Exception:  # noqa: BLE001 - the JVM is gone, which the query tells itself
                return


def facts(workers: Workers, executors: Executors, conf: Mapping[str, str]) -> dict[str, Any]:
    """On what an application runs, as recorded with every result."""
    return {
        "workers": workers.count,
        "cluster_cores": workers.cores,
        "cluster_memory": f"{workers.memory_mib}m",
        "executors": executors.count,
        "executor_cores": executors.cores,
        "executor_memory": conf["spark.executor.memory"],
    }
