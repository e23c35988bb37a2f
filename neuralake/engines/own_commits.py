"""Which version a change became: the commit is marked, and found again by its mark.

The newest version is not it where others write too.
"""

from __future__ import annotations

from uuid import uuid4

from neuralake.catalog.tables import DeltaTable
from neuralake.delta.actions import CommitInfo
from neuralake.delta.log import read_entry
from neuralake.delta.place import open_store
from neuralake.errors import EngineError
from neuralake.storage import one_line

# Of a commit's information, where a library lets a key be added to it
MARK = "neuralake.write"
# Where a library keeps a text of the user's (Delta Lake: spark.databricks.delta.commitInfo)
USER_METADATA = "userMetadata"


def new_mark() -> str:
    """A mark that no other commit has."""
    return uuid4().hex


def find_commit(
    table: DeltaTable, mark: str, newest: int, after: int
) -> tuple[int, CommitInfo] | None:
    """The last commit with a mark: its version and what it says of itself.

    Parameters
    ----------
    table
        Whose log is read.
    mark
        That the commit was given.
    newest
        From this version on, downwards,
    after
        to this one, which is not looked at.

    Raises
    ------
    EngineError
        If the log cannot be read.
    """
    store = open_store(table.uri, table.storage_options)
    try:
        for version in range(newest, after, -1):
            for action in read_entry(store, version) or ():
                found = action.commitInfo
                if found is not None and mark in (found.get(MARK), found.get(USER_METADATA)):
                    return version, found
    except (OSError, ValueError) as error:
        raise EngineError(
            f"table {table.name}: its log cannot be read after a write: "
            f"{one_line(error, table.storage_options)}"
        ) from error
    return None


def metric(commit: CommitInfo, name: str) -> int | None:
    """A number of what an operation did, or None if the commit has it not."""
    found = (commit.get("operationMetrics") or {}).get(name)
    return None if found is None else int(found)
