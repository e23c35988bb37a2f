"""Changes of Delta tables by deltalake, for every engine that has no writer of its own.

The engine reads the rows, and deltalake writes what comes from it; conditions, keys and maintenance
are deltalake's own. An adapter has this by composition: it says how its rows reach deltalake.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

import pyarrow as pa

from neuralake.arrow import plain_schema
from neuralake.catalog.tables import DeltaTable
from neuralake.engines.deltalake_limits import refuse, refuse_partitions, refuse_place
from neuralake.engines.new_rows import check_rows
from neuralake.engines.own_commits import MARK, find_commit, metric, new_mark
from neuralake.engines.writing import Rows, Written, whole_hours
from neuralake.errors import EngineError, UnsupportedWriteError, WriteConflictError
from neuralake.identifiers import quoted
from neuralake.storage import one_line

if TYPE_CHECKING:
    import deltalake
    from deltalake.table import TableMerger

# The default of deltalake, said so that it is the one that is recorded
_COMMIT_RETRIES = 15
# delta-rs: CommitConflictError and TransactionError (MaxCommitAttempts, VersionAlreadyExists), of
# which its Python package gives the text alone
_CONFLICT = re.compile(
    r"Commit failed: a concurrent transaction|Metadata changed since last commit"
    r"|Protocol changed since last commit|Concurrent transaction failed"
    r"|Failed to commit transaction: \d+$|Tried committing existing table version"
)
_UNSUPPORTED = re.compile(
    r"Unsupported table features required|not supported for write operation|append-only"
)
_EXISTS = re.compile(r"already exists|Invalid table version: 0")


class Source(Protocol):
    """How the rows of an engine reach deltalake."""

    def append(
        self, rows: Rows, target: deltalake.DeltaTable, commit: deltalake.CommitProperties
    ) -> None:
        """Append the rows to a table in a commit with these properties."""

    def merge(
        self, rows: Rows, target: deltalake.DeltaTable, options: Mapping[str, Any]
    ) -> TableMerger:
        """A merge of the rows into a table, its clauses still to be said."""


@dataclass(frozen=True)
class Streamed:
    """Rows that come as an Arrow stream, which deltalake takes.

    Attributes
    ----------
    read
        What gives the stream: an object with ``__arrow_c_stream__``.
    """

    read: Callable[[Rows], Any]

    def append(
        self, rows: Rows, target: deltalake.DeltaTable, commit: deltalake.CommitProperties
    ) -> None:
        """Append the rows to a table in a commit with these properties."""
        from deltalake import write_deltalake

        write_deltalake(target, self._stream(rows), mode="append", commit_properties=commit)

    def merge(
        self, rows: Rows, target: deltalake.DeltaTable, options: Mapping[str, Any]
    ) -> TableMerger:
        """A merge of the rows into a table, its clauses still to be said."""
        return target.merge(self._stream(rows), **options)

    def _stream(self, rows: Rows) -> pa.RecordBatchReader:
        # Views of strings, a matter of the engine, would be written into the files' schema
        stream = pa.RecordBatchReader.from_stream(self.read(rows))
        return stream.cast(_nullable(plain_schema(rows.schema)))


def write_paths(append: str, merge: str) -> dict[str, str]:
    """By capability the path of :class:`DeltalakeWrites`.

    Parameters
    ----------
    append, merge
        Of the source's two calls.
    """
    return {
        "create": f"deltalake create, {append}",
        "append": append,
        "delete": "deltalake delete",
        "delete_keys": merge,
        "update": "deltalake update",
        "merge": merge,
        "compact": "deltalake optimize.compact",
        "z_order": "deltalake optimize.z_order",
        "vacuum": "deltalake vacuum",
        "checkpoint": "deltalake create_checkpoint",
    }


class DeltalakeWrites:
    """All capabilities, by deltalake.

    Parameters
    ----------
    name
        Of the engine.
    source
        How its rows reach deltalake.
    paths
        What :func:`write_paths` gives for it.
    """

    def __init__(self, name: str, source: Source, paths: Mapping[str, str]) -> None:
        self.name = name
        self._source, self._paths = source, paths
        self.settings: Mapping[str, Any] = {"max_commit_retries": _COMMIT_RETRIES}

    def create(
        self, table: DeltaTable, rows: Rows, *, partition_by: tuple[str, ...] = ()
    ) -> Written:
        """Make a table of the rows' schema, where there is none, and append them."""
        import deltalake

        refuse_place(table)
        refuse_partitions(table, rows.schema, partition_by)
        with _told(table, "create"):
            created = deltalake.DeltaTable.create(
                table.uri,
                plain_schema(rows.schema),
                partition_by=list(partition_by) or None,
                storage_options=dict(table.storage_options),
            )
            _list_invariants(created, rows.schema)
        return self._append("create", table, rows)

    def append(self, table: DeltaTable, rows: Rows) -> Written:
        """Add all rows in one commit."""
        return self._append("append", table, rows)

    def delete(self, table: DeltaTable, where: str) -> Written:
        """Delete the rows for which an SQL predicate over the table's columns is true."""
        with self._change("delete", table) as change:
            done = change.target.delete(where, commit_properties=change.commit)
            return change.written(done["num_deleted_rows"])

    def delete_keys(self, table: DeltaTable, keys: Rows, on: tuple[str, ...]) -> Written:
        """Delete the rows that are equal in these columns to one of the keys."""
        with self._change("delete_keys", table) as change:
            check_rows(table, change.schema, keys, on)
            merger = self._source.merge(keys, change.target, change.merging(on))
            done = merger.when_matched_delete().execute()
            return change.written(done["num_target_rows_deleted"])

    def update(self, table: DeltaTable, assignments: Mapping[str, str], where: str) -> Written:
        """Assign SQL expressions to columns where an SQL predicate is true."""
        with self._change("update", table) as change:
            # without quotes a dot is that of a column within another, which it then leaves alone
            assigned = {quoted(name): text for name, text in assignments.items()}
            done = change.target.update(assigned, predicate=where, commit_properties=change.commit)
            return change.written(done["num_updated_rows"])

    def merge(self, table: DeltaTable, rows: Rows, on: tuple[str, ...]) -> Written:
        """Update whole rows that are equal in these columns, and insert the others."""
        with self._change("merge", table) as change:
            check_rows(table, change.schema, rows)
            merger = self._source.merge(rows, change.target, change.merging(on))
            done = merger.when_matched_update_all().when_not_matched_insert_all().execute()
            return change.written(
                done["num_target_rows_updated"] + done["num_target_rows_inserted"]
            )

    def compact(self, table: DeltaTable) -> Written:
        """Join small files to larger ones."""
        with self._change("compact", table) as change:
            change.target.optimize.compact(commit_properties=change.commit)
            return change.written(None)

    def z_order(self, table: DeltaTable, columns: tuple[str, ...]) -> Written:
        """Write the table anew, its rows in Z-order of these columns."""
        with self._change("z_order", table) as change:
            change.target.optimize.z_order(columns, commit_properties=change.commit)
            return change.written(None)

    def vacuum(self, table: DeltaTable, retention_hours: float, *, enforce: bool = True) -> Written:
        """Delete files that left the table longer ago than the retention, in hours."""
        hours = whole_hours(retention_hours)
        with self._change("vacuum", table) as change:
            change.target.vacuum(
                hours,
                dry_run=False,
                enforce_retention_duration=enforce,
                commit_properties=change.commit,
            )
            return change.written(None, commits=2)  # of its start and its end

    def checkpoint(self, table: DeltaTable) -> Written:
        """Write a checkpoint of the newest version."""
        with self._change("checkpoint", table) as change:
            change.target.create_checkpoint()
            return Written(change.target.version(), None, self._paths["checkpoint"])

    def _append(self, capability: str, table: DeltaTable, rows: Rows) -> Written:
        with self._change(capability, table) as change:
            check_rows(table, change.schema, rows)
            self._source.append(rows, change.target, change.commit)
            return change.written("num_added_rows")

    @contextmanager
    def _change(self, capability: str, table: DeltaTable) -> Iterator[_Change]:
        refuse_place(table)
        newest = replace(table, version=None, at=None)
        with _told(table, capability):
            target = newest.snapshot()
            refuse(table, target, capability)
            yield _Change(newest, target, self._paths[capability])


class _Change:
    """A change under way: the table at its newest version, and a mark for the commit."""

    def __init__(self, table: DeltaTable, target: deltalake.DeltaTable, path: str) -> None:
        from deltalake import CommitProperties

        self._table, self._path, self._mark = table, path, new_mark()
        self.target, self._before = target, target.version()
        self.commit = CommitProperties(
            custom_metadata={MARK: self._mark}, max_commit_retries=_COMMIT_RETRIES
        )

    @property
    def schema(self) -> pa.Schema:
        """Of the table."""
        return pa.schema(self.target.schema().to_arrow())

    def merging(self, on: tuple[str, ...]) -> dict[str, Any]:
        """Options of a merge that compares these columns."""
        equal = " AND ".join(f"t.{quoted(name)} = s.{quoted(name)}" for name in on)
        return {
            "predicate": equal,
            "source_alias": "s",
            "target_alias": "t",
            "commit_properties": self.commit,
        }

    def written(self, rows: int | str | None, commits: int = 1) -> Written:
        """What was committed, with its rows or the metric of the commit that has them.

        Parameters
        ----------
        rows
            Their number, or the name of the metric.
        commits
            That the change takes.
        """
        found = find_commit(self._table, self._mark, self.target.version(), self._before)
        if found is None:
            return Written(None, 0 if isinstance(rows, str) else rows, self._path)
        version, commit = found
        count = metric(commit, rows) if isinstance(rows, str) else rows
        return Written(version, count, self._path, version - self._before - commits)


def _list_invariants(created: deltalake.DeltaTable, schema: pa.Schema) -> None:
    """List the feature by which columns forbid nulls, which deltalake leaves out.

    Delta Lake opens no table that has the one and, in a list of features, not the other.
    """
    from deltalake import TableFeatures

    listed = created.protocol().writer_features
    forbids_nulls = not all(field.nullable for field in schema)
    if listed is not None and "invariants" not in listed and forbids_nulls:
        created.alter.add_feature(TableFeatures.Invariants)


def is_conflict(error: BaseException) -> bool:
    """Whether deltalake says that another writer was first."""
    return bool(_CONFLICT.search(str(error)))


@contextmanager
def _told(table: DeltaTable, capability: str) -> Iterator[None]:
    from deltalake.exceptions import DeltaError

    try:
        yield
    except (DeltaError, OSError, ValueError, pa.ArrowException) as error:
        reason = one_line(error, table.storage_options)
        if is_conflict(error):
            raise WriteConflictError(f"table {table.name}: {capability}: {reason}") from error
        if capability == "create" and _EXISTS.search(str(error)):
            raise EngineError(f"table {table.name}: there is one at {table.uri} already") from error
        kind = UnsupportedWriteError if _UNSUPPORTED.search(str(error)) else EngineError
        raise kind(f"table {table.name}: {capability}: {reason}") from error


def _nullable(schema: pa.Schema) -> pa.Schema:
    """The columns as any engine reads them; deltalake itself refuses a null where none may be."""
    return pa.schema([field.with_nullable(True) for field in schema])
