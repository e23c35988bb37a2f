"""What can be chosen of Sail, and the variables by which it is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from neuralake.errors import EngineError
from neuralake.machine import cores
from neuralake.quantities import parse_size

# The pool counts what operators hold for long; batches in flight come on top
_POOL_SHARE_OF_LIMIT = 0.75


@dataclass(frozen=True)
class SailOptions:
    """How Sail runs.

    Attributes
    ----------
    threads
        Worker threads, and partitions that a plan is split into; 0 is one a core.
    memory
        Size (``4g``) of the pool that operators share fairly, and beyond which they spill to disk;
        ``unbounded``; or ``auto``: three quarters of a memory limit, unbounded without one.
    config
        Sail's own settings, by their names (``execution.batch_size``). They go before everything
        above.
    """

    threads: int = 0
    memory: str = "auto"
    config: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.threads < 0:
            raise EngineError(f"sail: threads is {self.threads}: expected 0 (one a core) or more")
        if self.memory not in ("auto", "unbounded"):
            try:
                parse_size(self.memory)
            except ValueError as error:
                raise EngineError(f"sail: memory: {error}, unbounded or auto") from None


def pool_within(limit_bytes: int) -> str:
    """The pool within a limit of memory, so that operators spill before they are stopped."""
    return f"{int(limit_bytes * _POOL_SHARE_OF_LIMIT)}b"


def sail_config(options: SailOptions) -> dict[str, str]:
    """Sail's settings, by its own names (Sail, Reference, "Configuration")."""
    config = {
        "mode": "local",  # one process, whose threads run a query
        "execution.default_parallelism": str(options.threads or cores()),
        # a query is answered from the table, and not from what another query left of its files
        "execution.file_listing_cache.type": "none",
        "runtime.memory_pool.type": "unbounded",
    }
    if options.memory not in ("auto", "unbounded"):
        config["runtime.memory_pool.type"] = "fair"
        config["runtime.memory_pool.fair.max_size"] = str(parse_size(options.memory))
    return {**config, **options.config}


def as_variables(config: Mapping[str, str]) -> dict[str, str]:
    """Settings as environment variables."""
    return {f"SAIL_{key.upper().replace('.', '__')}": value for key, value in config.items()}
