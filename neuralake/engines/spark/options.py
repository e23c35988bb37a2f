"""What can be chosen about Spark."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

from neuralake.engines.spark.masters import LOCAL, Kind, parse_master
from neuralake.errors import EngineError
from neuralake.machine import available_memory_bytes

DeltaReader = Literal["auto", "delta", "snapshot-files"]
Scheduler = Literal["fair", "fifo"]

_SIZE = re.compile(r"(\d+)([kmgt])b?", re.IGNORECASE)
_MIB = 2**20
_GIB = 2**30
# Spark does not start with less than 1.5 times the 300 MiB that it reserves
# (UnifiedMemoryManager).
_LEAST_HEAP_BYTES = 512 * _MIB
# Spark, "Hardware Provisioning": at most 75 % of the memory for Spark, the rest for the operating
# system and its page cache, and no heap beyond 200 GiB. What a JVM takes beside its heap is a tenth
# of the heap (spark.driver.memoryOverheadFactor).
_SHARE_OF_MEMORY = 0.75
_HEAP_SHARE_OF_JVM = 1 / 1.1
_LARGEST_DEFAULT_HEAP_BYTES = 200 * _GIB


@dataclass(frozen=True)
class SparkOptions:
    """How Spark runs.

    Attributes
    ----------
    master
        Where the work is done: ``local`` in the JVM that is started here; ``spark://HOST:PORT`` on
        the workers of a standalone cluster; ``sc://HOST:PORT`` behind a Spark Connect server.
    cores
        Tasks that run at once; 0 is one a core, of this machine or of the cluster.
    memory
        Heap of the JVM (``8g``), which of a cluster is the driver's; ``auto`` is two thirds of the
        memory that is free.
    executor_memory
        Heap of each executor on a cluster; ``auto`` is what the smallest worker offers.
    python
        Python of a cluster's executors, where it lies at another path than here.
    shuffle_partitions
        Partitions of a shuffle before adaptive execution joins small ones; 0 is one a core.
    delta_reader
        ``delta`` reads tables through Delta Lake's jar, which is fetched from Maven once.
        ``snapshot-files`` reads the Parquet files of the newest snapshot. ``auto`` is ``delta``,
        and ``snapshot-files`` where the jar cannot be had.
    scheduler
        How jobs of several threads share the cores: ``fair`` gives each thread a pool, as Spark's
        documentation advises for several users ("Job Scheduling"); ``fifo`` serves the first job
        first. With one thread both are alike.
    object_storage
        Whether Spark is to reach S3: Hadoop's file system and parts of Amazon's SDK are then
        fetched from Maven once (14 MB). It is chosen where a table lies there.
    config
        Spark's own settings, by their names (``spark.sql.autoBroadcastJoinThreshold``). They go
        before everything above.
    """

    master: str = LOCAL
    cores: int = 0
    memory: str = "auto"
    executor_memory: str = "auto"
    python: str = ""
    shuffle_partitions: int = 0
    delta_reader: DeltaReader = "auto"
    scheduler: Scheduler = "fair"
    object_storage: bool = False
    config: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        kind = parse_master(self.master).kind
        _refuse_elsewhere(self, kind)
        for name in ("cores", "shuffle_partitions"):
            if (value := getattr(self, name)) < 0:
                raise EngineError(f"spark: {name} is {value}: expected 0 (one a core) or more")
        if self.memory != "auto" and parse_size(self.memory, "memory") < _LEAST_HEAP_BYTES:
            raise EngineError(f"spark: memory is {self.memory}: expected 512m or more")
        if self.executor_memory != "auto":
            size = parse_size(self.executor_memory, "executor_memory")
            if size < _LEAST_HEAP_BYTES:
                raise EngineError(
                    f"spark: executor_memory is {self.executor_memory}: expected 512m or more"
                )
        if self.delta_reader not in get_args(DeltaReader):
            expected = ", ".join(get_args(DeltaReader))
            raise EngineError(
                f"spark: delta_reader is {self.delta_reader!r}: expected one of {expected}"
            )
        for key in self.config:
            if not re.fullmatch(r"spark\.[^\s=:]+", key):
                raise EngineError(
                    f"spark: {key!r} is not a setting of Spark: expected a name like "
                    f"spark.sql.autoBroadcastJoinThreshold"
                )


def _refuse_elsewhere(options: SparkOptions, kind: Kind) -> None:
    """Refuse what would have no effect with the master that was chosen."""
    static = {
        "cores": 0,
        "memory": "auto",
        "executor_memory": "auto",
        "python": "",
        "scheduler": "fair",
    }
    names = {
        "local": ("executor_memory", "python"),
        "cluster": (),
        "connect": tuple(static),
    }[kind]
    for name in names:
        if getattr(options, name) != static[name]:
            whose = "the server's own" if kind == "connect" else "a cluster's"
            raise EngineError(
                f"spark: {name} is {whose}, and has no effect with master {options.master}"
            )
    if "spark.master" in options.config and kind != "local":
        raise EngineError("spark: master and spark.master are both given: expected one of them")


def parse_size(text: str, option: str) -> int:
    """Bytes of a JVM size such as ``8g`` or ``512m``.

    Raises
    ------
    EngineError
        If it is none; the message names the option.
    """
    match = _SIZE.fullmatch(text)
    if match is None:
        raise EngineError(f"spark: {option} is {text!r}: expected a size such as 8g or 512m")
    power: int = " kmgt".index(match[2].lower())
    return int(match[1]) << 10 * power


def heap_in_effect(asked: str, bytes_: int) -> str:
    """The heap as it was asked for, if it is that; otherwise as the JVM says that it is.

    Parameters
    ----------
    asked
        As Spark was told (``8g``).
    bytes_
        What the JVM has; it rounds up to whole regions of at most 32 MiB.
    """
    try:
        as_asked = 0 <= bytes_ - parse_size(asked, "memory") < 32 * _MIB
    except EngineError:  # in another of Spark's notations
        as_asked = False
    return asked if as_asked else f"{bytes_ // _MIB}m"


def heap(options: SparkOptions, limit_bytes: int | None = None) -> str:
    """The heap, as a JVM size: what was chosen, or what the machine has for it.

    Parameters
    ----------
    options
        What the caller chose.
    limit_bytes
        Limit of the process tree, or None.
    """
    if options.memory != "auto":
        return options.memory
    available_bytes = available_memory_bytes()
    if limit_bytes is not None:
        available_bytes = min(available_bytes, limit_bytes)
    heap_bytes = int(available_bytes * _SHARE_OF_MEMORY * _HEAP_SHARE_OF_JVM)
    if heap_bytes >= 2 * _GIB:
        # whole GiB: runs of one machine should not differ in their settings by a few MiB
        return f"{min(heap_bytes, _LARGEST_DEFAULT_HEAP_BYTES) // _GIB}g"
    return f"{max(heap_bytes, _LEAST_HEAP_BYTES) // _MIB}m"
