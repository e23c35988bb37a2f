"""Which table is meant: one of the catalog, or the path or URI of one."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from neuralake.catalog.storage import require_plain
from neuralake.config import Settings, absolute_uri

if TYPE_CHECKING:
    from neuralake.catalog.delta import DeltaTable


def resolve(
    table: DeltaTable | str | os.PathLike[str], options: Mapping[str, str] | None = None
) -> tuple[str, Mapping[str, str]]:
    """URI of a table, and what reaches it.

    Parameters
    ----------
    table
        A table of the catalog, resolved, or the path or URI of one.
    options
        Options of object_store that reach the table, before those of the environment, where
        ``table`` is a URI.

    Raises
    ------
    ConfigError
        If it is neither a path nor an ``s3://`` URI, or that of another key to deltalake.
    """
    if not isinstance(table, str | os.PathLike):
        return table.uri, table.storage_options
    uri = absolute_uri(os.fspath(table))
    require_plain(uri)
    return uri, {**Settings.from_environ(os.environ).storage_options(uri), **(options or {})}
