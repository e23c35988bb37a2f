"""The tables of a run of ingest: all of them made alike, each for one round."""

from __future__ import annotations

from collections.abc import Mapping

from neuralake.results.ingest.records import Key
from neuralake.workloads.ingest.batches import SCHEMA
from neuralake.workloads.ingest.contestants.registry import contestant_type
from neuralake.workloads.places import Target, drop, make_table


def fresh(directory: Target, key: Key, properties: Mapping[str, str] | None = None) -> Target:
    """A new and empty table for a round; what was left of it is removed.

    Parameters
    ----------
    directory
        In which it lies.
    key
        The round.
    properties
        Configuration of the table; none if None.

    Raises
    ------
    PlaceError
        If it cannot be made.
    """
    target = directory.below(key.stem)
    drop(target)
    if contestant_type(key.case.contestant).makes_tables:
        make_table(target, SCHEMA, properties)
    return target
