"""The contestants by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import cast

from neuralake.errors import IngestError, did_you_mean
from neuralake.workloads.ingest.contestants.protocol import ContestantType

_HERE = "neuralake.workloads.ingest.contestants"
_CLASSES: Mapping[str, str] = {
    "neuralake": "own:OwnWriter",
    "deltalake-handle": "by_deltalake:ByHandle",
    "deltalake-path": "by_deltalake:ByPath",
    "spark": "by_spark:BySpark",
    "duckdb": "by_duckdb:ByDuckDB",
    "disk": "disk:Disk",
}
NAMES: Sequence[str] = tuple(_CLASSES)


def contestant_type(name: str) -> ContestantType:
    """The class of a contestant.

    Raises
    ------
    IngestError
        If there is none of that name.
    """
    if name not in _CLASSES:
        raise IngestError(
            f"unknown contestant {name!r}: expected one of {', '.join(NAMES)}"
            f"{did_you_mean(name, NAMES)}"
        )
    module, _, attribute = _CLASSES[name].partition(":")
    return cast("ContestantType", getattr(import_module(f"{_HERE}.{module}"), attribute))
