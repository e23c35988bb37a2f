"""The contestants by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from neuralake.errors import LoadError
from neuralake.workloads.contestants import contestant_class
from neuralake.workloads.serving.contestants.protocol import ContestantType

_HERE = "neuralake.workloads.serving.contestants"
_CLASSES: Mapping[str, str] = {
    "in-process": f"{_HERE}.in_process:InProcess",
    "http": f"{_HERE}.own:OwnServer",
    "http-arrow": f"{_HERE}.own:OwnServerArrow",
    "flight-sql": f"{_HERE}.flight_sql:FlightSql",
    "roapi": f"{_HERE}.own:OwnRoapi",
    "roapi-bare": f"{_HERE}.bare_roapi:BareRoapi",
    "null": f"{_HERE}.null:NullServer",
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
    return cast("ContestantType", contestant_class(name, _CLASSES, LoadError))
