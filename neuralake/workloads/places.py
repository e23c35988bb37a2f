"""Where the tables of a run lie: made before a round, and removed when they have been judged."""

from __future__ import annotations

import secrets
import shutil
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pyarrow as pa

from neuralake.config import is_remote, join_uri
from neuralake.errors import PlaceError
from neuralake.measure.disk import mount_of, sync_cost_ns
from neuralake.results.records import StorageFacts
from neuralake.storage import filesystem, one_line

_WAITING_BYTES = 4 << 30


@dataclass(frozen=True)
class Target:
    """A table, or a directory of tables.

    Attributes
    ----------
    uri
        An absolute path, or an ``s3://`` URI.
    options
        What reaches it, under object_store's names. Never shown.
    """

    uri: str
    options: Mapping[str, str] = field(default_factory=dict, repr=False)

    def below(self, name: str) -> Target:
        """A table in this directory."""
        return Target(join_uri(self.uri, name), self.options)


def storage_facts(place: Target) -> StorageFacts:
    """What is known of where the tables are written.

    Raises
    ------
    PlaceError
        If nothing can be written there.
    """
    if is_remote(place.uri):
        endpoint = place.options.get("aws_endpoint_url")
        return StorageFacts(place.uri, endpoint=urlsplit(endpoint).netloc if endpoint else None)
    try:
        directory = Path(place.uri)
        directory.mkdir(parents=True, exist_ok=True)
        mount, cost_ns = mount_of(directory), sync_cost_ns(directory)
    except OSError as error:
        raise PlaceError(
            f"tables cannot be written to {place.uri}: {error.strerror}; "
            "name a directory with --to, or set NEURALAKE_STORAGE_ROOT"
        ) from error
    return StorageFacts(
        uri=place.uri,
        filesystem=mount.filesystem,
        device=mount.device,
        mount_options=mount.options,
        is_rotational=mount.is_rotational,
        sync_ns=cost_ns,
    )


@contextmanager
def directory_of_run(place: Target, run: str, *, keeps_tables: bool) -> Iterator[Target]:
    """The directory of a run's tables, which is gone after the block.

    Parameters
    ----------
    place
        In which it lies.
    run
        Name of the run, and of the directory.
    keeps_tables
        Whether it stays.
    """
    directory = place.below(run)
    try:
        yield directory
    except BaseException:
        if not keeps_tables:
            with suppress(PlaceError):  # what went wrong first is what is told
                drop(directory)
        raise
    if not keeps_tables:
        drop(directory)


def check_place(directory: Target, schema: pa.Schema) -> None:
    """Make a table and remove it: whatever is wrong with a place is known before a run begins.

    Raises
    ------
    PlaceError
        If no table can be made there.
    """
    probe = directory.below(f"probe-{secrets.token_hex(4)}")
    make_table(probe, schema)
    drop(probe)


def make_table(
    target: Target, schema: pa.Schema, properties: Mapping[str, str] | None = None
) -> None:
    """Make an empty table.

    Parameters
    ----------
    target
        Where.
    schema
        Its columns.
    properties
        Its configuration, such as ``delta.logRetentionDuration``.

    Raises
    ------
    PlaceError
        If it cannot be made.
    """
    from deltalake import DeltaTable

    try:
        DeltaTable.create(
            target.uri,
            schema,
            configuration=dict(properties or {}),
            storage_options=dict(target.options),
        )
    except Exception as error:
        reason = one_line(error, target.options)
        raise PlaceError(
            f"no table can be made at {target.uri}: {reason}; name another place with --to"
        ) from error


class LateRemoval:
    """Removes tables that are done with: on a disk as late as there is room for.

    ext4 passes over inodes that were deleted in the last minutes one by one whenever it makes a
    file (``recently_deleted`` in Linux's fs/ext4/ialloc.c). After the removal of the files of 2,400
    commits to make one took 0.3 ms in place of 0.02, twice in a commit of 1.5.

    Parameters
    ----------
    most_bytes
        That may wait; never more than a quarter of what is free.
    """

    def __init__(self, most_bytes: int = _WAITING_BYTES) -> None:
        self._most_bytes = most_bytes
        self._waiting: deque[tuple[Target, int]] = deque()

    def remove(self, target: Target) -> None:
        """Remove a table, now or later; what still waits goes with the directory of the run.

        Raises
        ------
        PlaceError
            If one stays that was to go.
        """
        if is_remote(target.uri):
            drop(target)
            return
        directory = Path(target.uri)
        if not directory.is_dir():
            return
        files = (file for file in directory.rglob("*") if file.is_file())
        self._waiting.append((target, sum(file.stat().st_size for file in files)))
        most_bytes = min(self._most_bytes, shutil.disk_usage(directory).free // 4)
        while self._waiting and sum(size for _, size in self._waiting) > most_bytes:
            drop(self._waiting.popleft()[0])


def drop(target: Target) -> None:
    """Remove a table, or a directory of tables, with everything in it; none is no error.

    Raises
    ------
    PlaceError
        If it stays.
    """
    if not is_remote(target.uri):
        shutil.rmtree(Path(target.uri), ignore_errors=True)
        return
    objects, path = filesystem(target.uri, target.options)
    try:
        objects.delete_dir(path)
    except FileNotFoundError:
        return
    except OSError as error:
        raise PlaceError(
            f"{target.uri} cannot be removed: {one_line(error, target.options)}"
        ) from error
