"""The contestants by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from neuralake.errors import IngestError
from neuralake.workloads.contestants import contestant_class
from neuralake.workloads.ingest.contestants.protocol import ContestantType

_HERE = "neuralake.workloads.ingest.contestants"
_CLASSES: Mapping[str, str] = {
    "neuralake": f"{_HERE}.own:OwnWriter",
    "deltalake-handle": f"{_HERE}.by_deltalake:ByHandle",
    "deltalake-path": f"{_HERE}.by_deltalake:ByPath",
    "spark": f"{_HERE}.by_spark:BySpark",
    "duckdb": f"{_HERE}.by_duckdb:ByDuckDB",
    "disk": f"{_HERE}.disk:Disk",
}
NAMES: Sequence[str] = tuple(_CLASSES)


def contestant_type(name: str) -> ContestantType:
    """The class of a contestant.

    Raises
    ------
    IngestError
        If there is none of that name.
    """
    return cast("ContestantType", contestant_class(name, _CLASSES, IngestError))
