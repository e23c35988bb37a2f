"""Which files below a table are its data, and which are hidden from whoever tidies it up.

Source: Delta Lake, ``DeltaTableUtils.isHiddenDirectory``.
"""

from __future__ import annotations

import json
from urllib.parse import unquote

from neuralake.delta.state import TableState
from neuralake.delta.store import TEMPORARY

_NEVER_HIDDEN = ("_delta_index", "_change_data")


class Visible:
    """Names of a table that are not hidden.

    What begins with a dot or an underscore is, but for directories of partitions, indexes and
    change data.

    Parameters
    ----------
    state
        Of the table.
    """

    def __init__(self, state: TableState) -> None:
        names = set(state.metadata.partition_columns) | set(_physical_names(state))
        self._shown = (*_NEVER_HIDDEN, *(f"{name}=" for name in names))
        formats = state.configuration.get("delta.universalFormat.enabledFormats", "")
        self._hides_metadata = "iceberg" in formats.lower()

    def is_data(self, path: str) -> bool:
        """Whether a path below the table may be of a data file."""
        parts = path.split("/")
        if self._hides_metadata and parts[0] == "metadata":
            return False
        return bool(parts[-1]) and not any(map(self._is_hidden, parts))

    def is_temporary(self, path: str) -> bool:
        """Whether a file was only made to be renamed, or deleted, at once."""
        return path.rpartition("/")[2].startswith(TEMPORARY)

    def _is_hidden(self, name: str) -> bool:
        # Names of directories are escaped as those of partition values are
        is_shown = name.startswith(self._shown) or unquote(name).startswith(self._shown)
        return name.startswith((".", "_")) and not is_shown


def _physical_names(state: TableState) -> list[str]:
    """Of the partition columns, where columns are mapped."""
    fields = json.loads(state.metadata.schema_string).get("fields", ())
    found = (
        field.get("metadata", {}).get("delta.columnMapping.physicalName")
        for field in fields
        if field["name"] in state.metadata.partition_columns
    )
    return [name for name in found if name is not None]
