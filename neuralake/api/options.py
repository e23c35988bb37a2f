"""What a caller says of engines and of the workload, read into what the rooms below take."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from neuralake.config import expanded
from neuralake.engines.registry import EngineSpec, parse_specs
from neuralake.errors import EngineError, NeuralakeError, QueryError

P = ParamSpec("P")
R = TypeVar("R")
PathLike = str | os.PathLike[str]
EngineOptions = Mapping[str, Mapping[str, Any]]


_PATH = (str, os.PathLike)
_NAMES = (str, Iterable)
_KINDS: dict[str, tuple[tuple[type, ...], str]] = {
    "text": ((str,), "a text"),
    "path": (_PATH, "a path, as a text or a pathlib.Path"),
    "queries": ((*_PATH, Mapping), "a directory, or SQL by the query's name"),
    "names": (_NAMES, "a name, or several"),
    "options": ((Mapping,), "a mapping of names"),
    "number": ((int, float), "a number"),
    "whole number": ((int,), "a whole number"),
}


def arguments(
    error: type[NeuralakeError], **kinds: str
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Refuse arguments of another kind before anything is done, in a line and not a trace.

    Parameters
    ----------
    error
        What is raised.
    kinds
        Of the function's parameters by their names; None goes where it is the default.
    """

    def checking(function: Callable[P, R]) -> Callable[P, R]:
        signature = inspect.signature(function)

        @wraps(function)
        def checked(*args: P.args, **kwargs: P.kwargs) -> R:
            given = signature.bind(*args, **kwargs).arguments
            for name in given.keys() & kinds.keys():
                value, (types, words) = given[name], _KINDS[kinds[name]]
                fits = isinstance(value, types) and not isinstance(value, bytes)
                if isinstance(value, bool) and str not in types:
                    fits = False
                if not fits and not (value is None and signature.parameters[name].default is None):
                    raise error(f"{name} is {value!r:.60}: expected {words}")
            return function(*args, **kwargs)

        return checked

    return checking


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
    items = []
    for engine, given in (options or {}).items():
        if not isinstance(given, Mapping):
            raise EngineError(
                f"options of {engine} are {given!r:.60}: expected such as {{'threads': 4}}"
            )
        items += [f"{engine}:{key}={_text(value)}" for key, value in given.items()]
    return items


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
