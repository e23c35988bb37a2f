"""The contestants by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import cast

from neuralake.errors import LoadError, did_you_mean
from neuralake.workloads.serving.contestants.protocol import ContestantType

_HERE = "neuralake.workloads.serving.contestants"
_CLASSES: Mapping[str, str] = {
    "in-process": "in_process:InProcess",
    "http": "own:OwnServer",
    "http-arrow": "own:OwnServerArrow",
    "flight-sql": "flight_sql:FlightSql",
    "roapi": "own:OwnRoapi",
    "roapi-bare": "bare_roapi:BareRoapi",
    "null": "null:NullServer",
}
NAMES: Sequence[str] = tuple(_CLASSES)
DEFAULT = ("in-process", "http", "flight-sql", "roapi", "null")


def contestant_type(name: str) -> ContestantType:
    """The class of a contestant.

    Raises
    ------
    LoadError
        If there is none of that name.
    """
    if name not in _CLASSES:
        raise LoadError(
            f"unknown contestant {name!r}: expected one of {', '.join(NAMES)}"
            f"{did_you_mean(name, NAMES)}"
        )
    module, _, attribute = _CLASSES[name].partition(":")
    return cast("ContestantType", getattr(import_module(f"{_HERE}.{module}"), attribute))
