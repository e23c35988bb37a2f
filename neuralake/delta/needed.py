"""Which files of a table are needed by a version that was the newest at some moment, or since."""

from __future__ import annotations

from collections.abc import Iterator

from neuralake.delta.actions import DeletionVector, Remove
from neuralake.delta.live import LiveFiles
from neuralake.delta.log import LOG, entry_version, read_entry
from neuralake.delta.paths import placed
from neuralake.delta.store import Store
from neuralake.delta.vectors import vector_place


def needed_places(store: Store, live: LiveFiles, since_ms: int) -> set[str]:
    """Where the files lie that versions since a moment need, deletion vectors included.

    These are the live ones, and those that were removed since: as the remover says, or, where its
    clock went wrong or it says nothing, as its entry was stored.

    Parameters
    ----------
    store
        Of the table.
    live
        Its files, with tombstones.
    since_ms
        The moment, by the clock of the store, in milliseconds since 1970.

    Returns
    -------
    set of str
        Paths below the table; absolute ones of files that lie elsewhere.

    Raises
    ------
    OSError, ValueError
        If an entry cannot be read, or it says what no reader understands.
    """
    found: set[str] = set()
    for file in live.files.values():
        found.update(_places(store.uri, file.place, file.add.deletion_vector))
    for tombstone in live.tombstones.values():
        if tombstone.timestamp_ms >= since_ms:
            found.update(_places(store.uri, tombstone.place, tombstone.deletion_vector))
    for remove in _removed_since(store, since_ms):
        found.update(_places(store.uri, placed(store.uri, remove.path), remove.deletion_vector))
    return found


def _removed_since(store: Store, since_ms: int) -> Iterator[Remove]:
    for stored in store.list(LOG):
        version = entry_version(stored.path)
        if version is not None and stored.modified_ms >= since_ms:
            for action in read_entry(store, version) or ():
                if action.remove is not None:
                    yield action.remove


def _places(uri: str, place: str, vector: DeletionVector | None) -> Iterator[str]:
    yield place
    if vector is not None and (beside := vector_place(uri, vector)) is not None:
        yield beside
