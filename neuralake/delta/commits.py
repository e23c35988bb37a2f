"""What the commits of a table say of its files, where deltalake's snapshot does not tell.

deltalake compares the paths of actions as they are written. Among paths below the table that is
right; an absolute one may have been removed, or added again, under another spelling: ``/a/b`` and
``file:/a/b`` are one file. Source: Delta Lake, ``DeltaLogSuite`` ("paths should be canonicalized").
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from neuralake.delta.log import LOG, entry_version
from neuralake.delta.paths import absolute
from neuralake.delta.place import open_store


class _Path(msgspec.Struct):
    path: str
    partitionValues: dict[str, str | None] | None = None  # noqa: N815 - the log's name


class _Action(msgspec.Struct):
    """No more of an action than is asked for, of logs that lack what the protocol requires."""

    add: _Path | None = None
    remove: _Path | None = None


def written_last(uri: str, options: Mapping[str, str], version: int) -> dict[str, str | None]:
    """What the commits of a table say last of each file that has an absolute path.

    Parameters
    ----------
    uri, options
        Of the table, and what reaches it.
    version
        Of the snapshot; later commits are passed over.

    Returns
    -------
    dict
        By the place of a file the path under which it was added, or None if it was removed.
        Commits that were cleaned up, after a checkpoint, tell nothing.
    """
    last: dict[str, str | None] = {}
    for action in _actions(uri, options, version):
        if action.remove is not None:
            last[absolute(uri, action.remove.path)] = None
        if action.add is not None:
            last[absolute(uri, action.add.path)] = action.add.path
    return last


def has_empty_partition_values(uri: str, options: Mapping[str, str], version: int) -> bool:
    """Whether a commit adds a file of which a partition value is an empty string."""
    added = (action.add for action in _actions(uri, options, version))
    return any("" in (add.partitionValues or {}).values() for add in added if add is not None)


def _actions(uri: str, options: Mapping[str, str], version: int) -> Iterator[_Action]:
    """What the commits say of files, oldest first."""
    store = open_store(uri, options)
    for stored in store.list(LOG):
        number = entry_version(stored.path)
        if number is not None and number <= version:
            lines = (line for line in store.read(stored.path).splitlines() if line.strip())
            yield from (msgspec.json.decode(line, type=_Action) for line in lines)
