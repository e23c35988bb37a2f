"""How large a table is, and what a change of it wrote."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa
from pyarrow import fs

from neuralake.catalog.tables import DeltaTable
from neuralake.delta.log import read_entry
from neuralake.delta.place import open_store
from neuralake.errors import CatalogError
from neuralake.results.lifecycle.records import Change, TableSize
from neuralake.results.phases.samples import TaskSample
from neuralake.storage import filesystem
from neuralake.workloads.lifecycle.staging import StagedTask
from neuralake.workloads.phases.model import RunQuery

_LOG = "/_delta_log/"


def table_sizes(tables: Mapping[str, DeltaTable]) -> tuple[TableSize, ...]:
    """Sizes of the tables that are there."""
    found = (table_size(table) for table in tables.values())
    return tuple(size for size in found if size is not None)


def table_size(table: DeltaTable) -> TableSize | None:
    """Files and bytes of a table now; None if there is no table."""
    try:
        snapshot = table.snapshot()
    except CatalogError:
        return None
    sizes = pa.table(snapshot.get_add_actions(flatten=True))["size_bytes"].to_pylist()
    counts = {"stored": [0, 0], "log": [0, 0]}
    objects, root = filesystem(table.uri, table.storage_options)
    for info in objects.get_file_info(fs.FileSelector(root, recursive=True)):
        if info.type == fs.FileType.File and not info.base_name.endswith(".crc"):
            own = counts["log" if _LOG in info.path else "stored"]
            own[0] += 1
            own[1] += info.size
    return TableSize(
        table.name,
        snapshot.version(),
        len(sizes),
        sum(sizes),
        *counts["stored"],
        *counts["log"],
    )


def change_of(
    staged: StagedTask, sample: TaskSample, tables: Mapping[str, DeltaTable]
) -> Change | None:
    """What a task that changes rows has written; None of another, or if it failed."""
    action = staged.task.action
    if sample.status != "ok" or isinstance(action, RunQuery) or not staged.changed_rows:
        return None
    name = getattr(action, "table", "")
    version = sample.versions.get(name)
    return Change(
        staged.task.name,
        staged.task.kind,
        name,
        staged.changed_rows,
        staged.changed_bytes,
        None if version is None else _written(tables[name], version),
    )


def _written(table: DeltaTable, version: int) -> int | None:
    """Bytes of the files that a version added, each file once; None if its entry is gone."""
    try:
        actions = read_entry(open_store(table.uri, table.storage_options), version)
    except (OSError, ValueError):
        return None
    if actions is None:
        return None
    total = 0
    for action in actions:
        if action.add is not None:
            vector = action.add.deletion_vector
            # a vector marks rows of a file that was written before
            total += action.add.size if vector is None else vector.size_in_bytes
    return total
