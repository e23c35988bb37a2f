"""The tables of a run of ingest: all of them made alike, each for one round."""

from __future__ import annotations

from neuralake.results.ingest.records import Key
from neuralake.workloads.ingest.batches import SCHEMA
from neuralake.workloads.ingest.contestants.registry import contestant_type
from neuralake.workloads.places import Target, drop, make_table


def fresh(directory: Target, key: Key) -> Target:
    """A new and empty table for a round; what was left of it is removed.

    Raises
    ------
    PlaceError
        If it cannot be made.
    """
    target = directory.below(key.stem)
    drop(target)
    if contestant_type(key.case.contestant).makes_tables:
        make_table(target, SCHEMA)
    return target
