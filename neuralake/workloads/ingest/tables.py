"""The tables of a run: made before a round, and gone after it unless they are asked for."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from neuralake.config import is_remote, join_uri
from neuralake.errors import IngestError
from neuralake.results.ingest.records import Key
from neuralake.storage import filesystem, one_line
from neuralake.workloads.ingest.batches import SCHEMA
from neuralake.workloads.ingest.contestants.protocol import Target
from neuralake.workloads.ingest.contestants.registry import contestant_type
from neuralake.workloads.ingest.plan import IngestPlan


@contextmanager
def place(plan: IngestPlan, run: str) -> Iterator[Target]:
    """The directory of a run's tables.

    Parameters
    ----------
    plan
        Says where, and whether the tables stay.
    run
        Name of the run, and of the directory.
    """
    directory = Target(join_uri(plan.place.uri, run), plan.place.options)
    try:
        yield directory
    except BaseException:
        with suppress(IngestError):  # what went wrong first is what is told
            _clear(plan, directory)
        raise
    _clear(plan, directory)


def check(directory: Target) -> None:
    """Make a table and remove it: whatever is wrong with the place is known before a run begins.

    Raises
    ------
    IngestError
        If no table can be made there.
    """
    probe = Target(join_uri(directory.uri, f"probe-{secrets.token_hex(4)}"), directory.options)
    _make(probe)
    drop(probe)


def fresh(directory: Target, key: Key) -> Target:
    """A new and empty table for a round, all of them made alike; what was left of it is removed.

    Raises
    ------
    IngestError
        If it cannot be made.
    """
    target = Target(join_uri(directory.uri, key.stem), directory.options)
    drop(target)
    if contestant_type(key.case.contestant).makes_tables:
        _make(target)
    return target


def drop(target: Target) -> None:
    """Remove a table, or a directory of tables, with everything in it; none is no error."""
    if not is_remote(target.uri):
        shutil.rmtree(Path(target.uri), ignore_errors=True)
        return
    objects, path = filesystem(target.uri, target.options)
    try:
        objects.delete_dir(path)
    except FileNotFoundError:
        return
    except OSError as error:
        raise IngestError(
            f"{target.uri} cannot be removed: {one_line(error, target.options)}"
        ) from error


def _make(target: Target) -> None:
    from deltalake import DeltaTable

    try:
        DeltaTable.create(target.uri, SCHEMA, storage_options=dict(target.options))
    except Exception as error:
        reason = one_line(error, target.options)
        raise IngestError(
            f"no table can be made at {target.uri}: {reason}; name another place with --to"
        ) from error


def _clear(plan: IngestPlan, directory: Target) -> None:
    if not plan.keeps_tables:
        drop(directory)
