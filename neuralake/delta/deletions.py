"""Which rows of each file are deleted, from the log itself.

deltalake 1.6 hands out no deletion vectors where the protocol has a reader feature that it does not
know, though it change nothing of them (``vacuumProtocolCheck``).
"""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa

from neuralake.delta.actions import Action, Add
from neuralake.delta.checkpoint import FILES, read_checkpoint
from neuralake.delta.log import find_segment, read_entry
from neuralake.delta.paths import absolute, placed
from neuralake.delta.place import open_store
from neuralake.delta.store import Store
from neuralake.delta.vectors import kept_rows


def kept_by_file(uri: str, options: Mapping[str, str], version: int) -> dict[str, pa.BooleanArray]:
    """For the rows of each file with a deletion vector whether they are still there.

    Parameters
    ----------
    uri, options
        Of the table, and what reaches it.
    version
        Of the snapshot.

    Returns
    -------
    dict
        By the URI of the file.

    Raises
    ------
    OSError, ValueError
        If the log or a deletion vector cannot be read.
    """
    store = open_store(uri, options)
    return {
        absolute(uri, add.path): kept_rows(store, add.deletion_vector)
        for add in _live(store, version)
        if add.deletion_vector is not None
    }


def _live(store: Store, version: int) -> list[Add]:
    segment = find_segment(store, version)
    files: dict[tuple[str, str | None], Add] = {}
    if segment.checkpoint_version is not None:
        for action in read_checkpoint(store, segment, FILES):
            _apply(store, action, files)
    for entry in segment.entries:
        for action in read_entry(store, entry) or ():
            _apply(store, action, files)
    return list(files.values())


def _apply(store: Store, action: Action, files: dict[tuple[str, str | None], Add]) -> None:
    for change in (action.remove, action.add):
        if change is not None:
            path, vector = change.key
            key = placed(store.uri, path), vector
            if isinstance(change, Add):
                files[key] = change
            else:
                files.pop(key, None)
