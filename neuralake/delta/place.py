"""Which store the URI of a table means."""

from __future__ import annotations

from collections.abc import Mapping

from neuralake.config import is_remote
from neuralake.delta.disk import DiskStore
from neuralake.delta.store import Store


def open_store(uri: str, options: Mapping[str, str] | None = None) -> Store:
    """The store of a table.

    Parameters
    ----------
    uri
        Of the table: an absolute path or an ``s3://`` URI.
    options
        What reaches it, under object_store's names.

    Raises
    ------
    StorageError
        If what reaches S3 is missing or impossible.
    """
    if is_remote(uri):
        from neuralake.delta.objects import ObjectStore

        return ObjectStore(uri, options or {})
    return DiskStore(uri)
