"""What can be chosen of Sail, and the variables by which it is told."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from neuralake.engines.memory import require_sizes
from neuralake.errors import EngineError
from neuralake.machine import cores
from neuralake.quantities import parse_size


@dataclass(frozen=True)
class SailOptions:
    """How Sail runs.

    Attributes
    ----------
    threads
        Worker threads, and partitions that a plan is split into; 0 is one a core.
    memory
        Size (``4g``) of the pool that operators share fairly, and beyond which they spill to disk;
        ``unbounded``; or ``auto``: less than half of a memory limit, unbounded without one.
    spill_limit
        Size that spilled data may have on disk; ``auto`` is Sail's own default.
    config
        Sail's own settings, by their names (``execution.batch_size``). They go before everything
        above.
    """

    threads: int = 0
    memory: str = "auto"
    spill_limit: str = "auto"
    config: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.threads < 0:
            raise EngineError(f"sail: threads is {self.threads}: expected 0 (one a core) or more")
        require_sizes("sail", {"memory": self.memory}, "unbounded")
        require_sizes("sail", {"spill_limit": self.spill_limit})


def sail_config(options: SailOptions, scratch: Path) -> dict[str, str]:
    """Sail's settings, by its own names (Sail, Reference, "Configuration").

    Parameters
    ----------
    options
        What the caller chose.
    scratch
        Directory for what is spilled.
    """
    config = {
        "mode": "local",  # one process, whose threads run a query
        "execution.default_parallelism": str(options.threads or cores()),
        # a query is answered from the table, and not from what another query left of its files
        "execution.file_listing_cache.type": "none",
        "runtime.memory_pool.type": "unbounded",
        "runtime.temporary_files.paths": json.dumps([str(scratch)]),
    }
    if options.spill_limit != "auto":
        config["runtime.temporary_files.max_size"] = str(parse_size(options.spill_limit))
    if options.memory not in ("auto", "unbounded"):
        config["runtime.memory_pool.type"] = "fair"
        config["runtime.memory_pool.fair.max_size"] = str(parse_size(options.memory))
    return {**config, **options.config}


def as_variables(config: Mapping[str, str]) -> dict[str, str]:
    """Settings as environment variables."""
    return {f"SAIL_{key.upper().replace('.', '__')}": value for key, value in config.items()}
