"""What a caller says of engines and of the workload, read into what the rooms below take."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from neuralake.config import expanded
from neuralake.engines.registry import EngineSpec, parse_specs
from neuralake.errors import EngineError, QueryError

PathLike = str | os.PathLike[str]
EngineOptions = Mapping[str, Mapping[str, Any]]


def place(given: PathLike) -> str:
    """A path or a URI as text; ``~`` is the home directory, as it is on the command line."""
    return expanded(os.fspath(given))


def engine_names(engines: str | Iterable[str] | None, default: Sequence[str]) -> list[str]:
    """Names of engines: ``"polars"``, ``["polars", "spark"]``; the default ones for None.

    Raises
    ------
    EngineError
        If there is none, or something that is no name.
    """
    if engines is None:
        return list(default)
    names = [engines] if isinstance(engines, str) else list(engines)
    if not names or not all(isinstance(name, str) for name in names):
        raise EngineError(f"engines are {engines!r}: expected names, such as ['polars', 'duckdb']")
    return names


def option_items(options: EngineOptions | None) -> list[str]:
    """Options by engine as the command line writes them, ``datafusion:target_partitions=4``."""
    return [
        f"{engine}:{key}={_text(value)}"
        for engine, given in (options or {}).items()
        for key, value in given.items()
    ]


def engine_spec(engine: str, options: Mapping[str, Any] | None) -> EngineSpec:
    """One engine with its options; raises ``EngineError`` if either is not known."""
    (spec,) = parse_specs([engine], option_items({engine: options or {}}))
    return spec


def selection(queries: str | Iterable[str] | None) -> str | None:
    """Queries as ``1,6,9-12`` or by their names, as the rooms below take them.

    Raises
    ------
    QueryError
        If there is none.
    """
    if queries is None or isinstance(queries, str):
        return queries
    names = [str(query) for query in queries]
    if not names:
        raise QueryError("there is no query: expected names, or None for all")
    return ",".join(names)


def _text(value: Any) -> str:
    """A value as it is written; Python's own words for truth are in lower case elsewhere."""
    return str(value).lower() if isinstance(value, bool) else str(value)
