"""Sizes that an engine's options give: of its memory, and of what it spills to disk."""

from __future__ import annotations

from collections.abc import Mapping

from neuralake.errors import EngineError
from neuralake.quantities import parse_size

# What a process has loaded before any query runs
_LOADED_BYTES = 128 * 2**20
_LEAST_SHARE = 0.125


def pool_within(limit_bytes: int) -> str:
    """Size of a pool of DataFusion's within a limit, so that operators spill in time.

    The pool counts what operators hold for long. An aggregate that spills sorts a copy of it first,
    and the batches in flight come on top: half of what is left beside the process itself.

    Parameters
    ----------
    limit_bytes
        Limit of the engine's processes together.
    """
    free_bytes = max((limit_bytes - _LOADED_BYTES) / 2, limit_bytes * _LEAST_SHARE)
    return f"{int(free_bytes)}b"


def require_sizes(engine: str, given: Mapping[str, str], *words: str) -> None:
    """Refuse what is neither a size nor a word that stands for one.

    Parameters
    ----------
    engine
        Whose options they are.
    given
        Values by the option's name.
    words
        That an option may have beside ``auto``.

    Raises
    ------
    EngineError
        If a value is none of them.
    """
    allowed = (*words, "auto")
    for name, value in given.items():
        if value not in allowed:
            try:
                parse_size(value)
            except ValueError as error:
                others = " or ".join(allowed) if words else "or auto"
                raise EngineError(f"{engine}: {name}: {error}, {others}") from None
