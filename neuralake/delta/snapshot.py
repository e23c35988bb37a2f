"""One version of a Delta table as its log tells it: schema, data files, and what the rows are.

deltalake replays the log; what its own file list leaves out is added here: where a file lies if it
is not below the table (a shallow clone), the values of partition columns, which rows of a file are
deleted, and how many a file has. Source: Delta Transaction Log Protocol, "Actions", "Deletion
Vectors", "Column Mapping", "Table Features".
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import deltalake
import pyarrow as pa
from deltalake.exceptions import DeltaError
from deltalake.schema import VariantType

from neuralake.delta.columns import mapping_mode
from neuralake.delta.commits import has_empty_partition_values, written_last
from neuralake.delta.paths import absolute, decoded, is_absolute
from neuralake.delta.times import has_in_commit_times

# Directory of a partition value that is missing
HIVE_NULL = "__HIVE_DEFAULT_PARTITION__"
# Under which a file may hold a column in a narrower type
WIDENING = frozenset({"typeWidening", "typeWidening-preview"})
# Reader features that this package reads rightly. Any other, known or still to come, may change
# what a file means.
READ_FEATURES = frozenset(
    {
        "columnMapping",
        "deletionVectors",
        "timestampNtz",
        *WIDENING,
        "v2Checkpoint",
        "vacuumProtocolCheck",
        "variantType",
        "variantType-preview",
    }
)


@dataclass(frozen=True)
class DataFile:
    """A data file of a snapshot.

    Attributes
    ----------
    uri
        Absolute path, or URI of an object store.
    partition
        Values of the partition columns by their names, as Arrow scalars of the table's types.
    rows
        Rows in the file, deleted ones included, as the log says; None where it does not.
    kept
        For each row whether it is still one of the table's; rows beyond its end are. None if no
        row is deleted.
    """

    uri: str
    partition: Mapping[str, pa.Scalar] = field(default_factory=dict)
    rows: int | None = None
    kept: pa.BooleanArray | None = None

    @property
    def deleted(self) -> int:
        """Number of rows that are deleted."""
        return 0 if self.kept is None else self.kept.false_count


@dataclass(frozen=True)
class Snapshot:
    """One version of a table.

    Attributes
    ----------
    handle
        deltalake's own.
    uri
        Of the table: an absolute path, or the URI of an object store.
    storage_options
        What reaches it.
    """

    handle: deltalake.DeltaTable
    uri: str
    storage_options: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def version(self) -> int:
        """Number of the version."""
        return self.handle.version()

    @cached_property
    def schema(self) -> pa.Schema:
        """Schema in the log, partition columns included, with column mapping in its metadata."""
        return pa.schema(self.handle.schema().to_arrow())

    @cached_property
    def partition_columns(self) -> tuple[str, ...]:
        """Columns whose values are in the log and not in the files."""
        return tuple(self.handle.metadata().partition_columns)

    @cached_property
    def configuration(self) -> Mapping[str, str]:
        """Properties of the table."""
        found: Mapping[str, str] = self.handle.metadata().configuration
        return found

    @cached_property
    def mapping(self) -> str:
        """How columns are found in the files: ``none`` (by name), ``name`` or ``id``."""
        return mapping_mode(self.configuration)

    @property
    def has_in_commit_timestamps(self) -> bool:
        """Whether the time of a version is in its entry from some version on."""
        return has_in_commit_times(self.configuration)

    @cached_property
    def features(self) -> frozenset[str]:
        """Names of the reader features that the protocol lists."""
        return frozenset(self.handle.protocol().reader_features or ())

    @property
    def unknown_feature(self) -> str | None:
        """A reader feature under which the rows are not known to be read rightly, or None."""
        return min(self.features - READ_FEATURES, default=None)

    @cached_property
    def statistics(self) -> dict[str, pa.StructType]:
        """What the log tells of columns, by ``min``, ``max`` and ``null_count``.

        Each a struct of the columns of which a file has it; a struct column's has the fields of
        which there is one.
        """
        kinds = {name: self._added.schema.field(name).type for name in self._added.column_names}
        return {name: kinds[name] for name in ("min", "max", "null_count") if name in kinds}

    @cached_property
    def files(self) -> tuple[DataFile, ...]:
        """The data files, by their URIs."""
        actions = self._added
        names = actions.column_names
        paths = actions.column("path").to_pylist()
        rows = actions.column("num_records").to_pylist() if "num_records" in names else []
        partitions = self._partitions(actions)
        kept = self._kept_rows()
        last = None
        if any(map(is_absolute, paths)):
            last = written_last(self.uri, self.storage_options, self.version)
        found = []
        for i, path in enumerate(paths):
            uri = absolute(self.uri, path)
            if last is not None and last.get(uri, path) != path:
                continue  # removed since, or added anew, under another spelling
            found.append(
                DataFile(uri, partitions[i], rows[i] if rows else None, kept.get(_plain_path(uri)))
            )
        return tuple(sorted(found, key=lambda file: file.uri))

    @property
    def paths(self) -> list[str]:
        """URIs of the data files."""
        return [file.uri for file in self.files]

    @cached_property
    def outside_files(self) -> tuple[DataFile, ...]:
        """Files that are not below the table: a shallow clone's are its origin's."""
        root = self.uri.rstrip("/") + "/"
        return tuple(file for file in self.files if not file.uri.startswith(root))

    @cached_property
    def has_absolute_paths(self) -> bool:
        """Whether the log tells where a file lies, and not only where below the table.

        deltalake joins such a path to the table's, and takes two spellings of it for two files.
        """
        return any(map(is_absolute, self._added.column("path").to_pylist()))

    @cached_property
    def has_deletions(self) -> bool:
        """Whether a row of a file is deleted; the feature alone deletes nothing."""
        return any(file.deleted for file in self.files)

    @cached_property
    def has_empty_partition_values(self) -> bool:
        """Whether a partition value is an empty string in the log, which means that it is null.

        deltalake hands out null for both. Whoever writes a null calls the directory so, and the
        commits need not be read.
        """
        return any(
            pa.types.is_string(value.type)
            and not value.is_valid
            and file.uri.count(f"={HIVE_NULL}/") < _nulls(file)
            for file in self.files
            for value in file.partition.values()
        ) and has_empty_partition_values(self.uri, self.storage_options, self.version)

    @cached_property
    def has_variants(self) -> bool:
        """Whether a column at the top is a variant."""
        return any(isinstance(f.type, VariantType) for f in self.handle.schema().fields)

    @cached_property
    def beyond_files(self) -> str | None:
        """What makes the rows more, or other, than those of the files; None if nothing does."""
        if self.partition_columns and self.unknown_feature is None:
            return f"partition columns ({', '.join(self.partition_columns)})"
        return self.beyond_partitions

    @cached_property
    def beyond_partitions(self) -> str | None:
        """The same of a reader that is told the values of the partition columns of each file."""
        if self.unknown_feature is not None:
            return f"the feature {self.unknown_feature}"
        if self.mapping != "none":
            return "column mapping"
        if self.has_deletions:
            return "deletion vectors"
        if self.has_variants:
            return "variant columns"
        return None

    def rows_in_log(self) -> int | None:
        """Number of rows as the log says; None if it does not say it of every file."""
        counts = [None if f.rows is None else f.rows - f.deleted for f in self.files]
        return None if None in counts else sum(count for count in counts if count is not None)

    def bounds(self, columns: Sequence[str]) -> dict[str, tuple[dict[str, Any], dict[str, Any]]]:
        """The least and the greatest values that the log tells of columns, by the file's URI."""
        paths = self._added.column("path").to_pylist()
        told: list[list[dict[str, Any]]] = []
        for which in ("min", "max"):
            if which not in self.statistics:
                told.append([{} for _ in paths])
                continue
            values = self._added.column(which).combine_chunks()
            found = zip(self.statistics[which], values.flatten(), strict=True)
            wanted = {field.name: array for field, array in found if field.name in columns}
            told.append(pa.table(wanted).to_pylist() if wanted else [{} for _ in paths])
        uris = [absolute(self.uri, path) for path in paths]
        return dict(zip(uris, zip(*told, strict=True), strict=True))

    @cached_property
    def _added(self) -> pa.Table:
        return pa.table(self.handle.get_add_actions())

    def _partitions(self, actions: pa.Table) -> list[dict[str, pa.Scalar]]:
        """Partition values of each file."""
        if not self.partition_columns:
            return [{} for _ in range(actions.num_rows)]
        values = actions.column("partition").combine_chunks()
        columns = {
            name: values.field(name).cast(self.schema.field(name).type)
            for name in self.partition_columns
        }
        return [{name: c[i] for name, c in columns.items()} for i in range(actions.num_rows)]

    def _kept_rows(self) -> dict[str, pa.BooleanArray]:
        """Of each file with a deletion vector which rows are kept."""
        if "deletionVectors" not in self.features:
            return {}
        kept: dict[str, pa.BooleanArray] = {}
        try:
            batches = list(self.handle.deletion_vectors())
        except DeltaError:  # deltalake reads none beside a feature that it does not know
            from neuralake.delta.deletions import kept_by_file

            found = kept_by_file(self.uri, self.storage_options, self.version)
            return {_plain_path(uri): rows for uri, rows in found.items()}
        for batch in batches:
            table = pa.record_batch(batch)
            vectors = table.column("selection_vector")
            for i, uri in enumerate(table.column("filepath").to_pylist()):
                kept[_plain_path(decoded(uri))] = vectors[i].values
        return kept


def _nulls(file: DataFile) -> int:
    return sum(not value.is_valid for value in file.partition.values())


def _plain_path(uri: str) -> str:
    """One spelling of a path, so that those of different sources can be compared."""
    return re.sub(r"(?<!:)/+", "/", uri)
