"""What the files of a Parquet table have by their footers, held against each other and the table.

Files of one table have the same columns, or some of them lack some, where the table says that this
means null. Types never differ: nothing is cast.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from neuralake.arrow import encoding, in_utc, plain_schema, plain_type, stored_schema
from neuralake.catalog.columns import Column, arrow_schema, check_schema
from neuralake.catalog.partitions import PartitionedFile, Partitions
from neuralake.errors import CatalogError, SchemaMismatchError
from neuralake.identifiers import case_twins
from neuralake.storage import one_line

if TYPE_CHECKING:
    from neuralake.delta.rows import PlainFiles


@dataclass(frozen=True)
class Footers:
    """Files with their footers.

    Attributes
    ----------
    table, uri
        Its name, and where it lies.
    columns
        Its declared columns that are stored; empty where its schema is open.
    found
        The files.
    footers
        Of each of them.
    may_differ
        Whether a file may lack columns, which are null there.
    names_in_paths
        Whether a directory of a partition says its column's name, too.
    storage_options
        What reaches the files.
    known_to_hide_nan
        What :meth:`may_hide_nan` is, where it was found before.
    """

    table: str
    uri: str
    columns: Sequence[Column]
    found: Partitions
    footers: Sequence[pq.FileMetaData]
    may_differ: bool = False
    names_in_paths: bool = True
    storage_options: Mapping[str, str] = dataclasses.field(default_factory=dict, repr=False)
    known_to_hide_nan: bool | None = None

    @property
    def files(self) -> list[str]:
        """Paths or URIs of the files."""
        return [file.uri for file in self.found.files]

    @cached_property
    def by_file(self) -> dict[str, pq.FileMetaData]:
        """The footer of each file."""
        return dict(zip(self.files, self.footers, strict=True))

    @property
    def rows(self) -> int:
        """Number of rows of all files."""
        return sum(footer.num_rows for footer in self.footers)

    @cached_property
    def schemas(self) -> list[pa.Schema]:
        """What each file has."""
        return [stored_schema(footer) for footer in self.footers]

    @cached_property
    def schema(self) -> pa.Schema:
        """Columns of the table: those that are stored, then those of the partitions."""
        return pa.schema([*self.stored, *self.found.fields])

    @cached_property
    def stored(self) -> pa.Schema:
        """Columns that are read from files: those of the first, or of any of them.

        One that is declared is among them even where no file at hand has it: another may.
        """
        if not self.may_differ:
            return self._without_partitions(self.schemas[0])
        fields = dict(self._first_of_each())
        for field in arrow_schema(self.columns):
            fields.setdefault(field.name, field)
        everywhere = frozenset(fields).intersection(*(schema.names for schema in self.schemas))
        nullable = (f if f.name in everywhere else f.with_nullable(True) for f in fields.values())
        return self._without_partitions(pa.schema(list(nullable)))

    @property
    def plain_stored(self) -> pa.Schema:
        """Of the columns that are read from files what an engine reads: plain, moments in UTC."""
        return in_utc(plain_schema(self.stored))

    @property
    def plain(self) -> pa.Schema:
        """The same of all columns."""
        return in_utc(plain_schema(self.schema))

    @property
    def has_other_zones(self) -> bool:
        """Whether a file tells a moment in another zone than UTC."""
        return bool(self.plain != plain_schema(self.schema))

    @cached_property
    def are_alike(self) -> bool:
        """Whether all files have the columns that are stored, in their order, none encoded."""
        plain = self.plain_stored
        return all(plain_schema(s).equals(plain) and not _has_dictionary(s) for s in self.schemas)

    @property
    def hold_partitions(self) -> bool:
        """Whether a file holds a column of the partitions, too."""
        names = set(self.found.names)
        return any(names & set(schema.names) for schema in self.schemas)

    @property
    def schema_unless_uniform(self) -> pa.Schema | None:
        """The columns, where files have other orders, encodings or zones; None if all are alike.

        An engine that reads several files by position, or by the first one's types, must be told.
        """
        written = {encoding(footer) for footer in self.footers}
        are_alike = len(written) == 1 and not self.has_other_zones
        return None if are_alike else self.plain

    @property
    def reads_from_paths(self) -> bool:
        """Whether an engine that reads the values from the paths finds these, and no others.

        Another sees values in a directory above the table as well, a column that is in the files
        too, or an escape that it does not know.
        """
        exact = (pa.string(), pa.date32(), pa.int64(), pa.int32())
        return (
            self.names_in_paths
            and "=" not in self.uri
            and not self.hold_partitions
            and all(f.type in exact for f in self.found.fields)
            and all("%" not in file for file in self.files)
        )

    def may_hide_nan(self) -> bool:
        """Whether a float is NaN and the statistics of its file leave that out.

        Where nothing else tells, the floats of the files are read.

        Raises
        ------
        CatalogError
            If one cannot be read.
        """
        from neuralake.delta.nans import hides_nan

        if self.known_to_hide_nan is not None:
            return self.known_to_hide_nan
        try:
            return hides_nan(self.by_file, self.storage_options)
        except (OSError, ValueError, pa.ArrowException) as error:
            raise unreadable(self.table, self.uri, error, self.storage_options) from error

    def as_arrow(self) -> PlainFiles:
        """What Neuralake's Arrow reader reads."""
        from neuralake.delta.rows import PlainFiles
        from neuralake.delta.snapshot import DataFile

        files = [DataFile(file.uri, file.values) for file in self.found.files]
        return PlainFiles(self.plain, files, self.storage_options)

    def check(self) -> None:
        """Hold them against each other, and against the declaration.

        Raises
        ------
        CatalogError
            If a file has two columns of one name, or other values of a partition column than its
            directory's.
        SchemaMismatchError
            If columns differ.
        """
        placed = list(zip(self.found.files, self.footers, self.schemas, strict=True))
        for file, footer, schema in placed:
            self._refuse_twins(file.uri, schema)
            self._refuse_other_values(file, footer, schema)
        live = [pa.schema([*self._without_partitions(s), *self.found.fields]) for s in self.schemas]
        self._compare(live)
        required = {column.name for column in self.columns if not column.nullable}
        for (file, footer, _), schema in zip(placed, live, strict=True):
            declared = self._declared_in(file.uri, schema)
            check_schema(self.table, declared, _without_nulls(schema, footer, required))

    def _without_partitions(self, schema: pa.Schema) -> pa.Schema:
        return pa.schema([field for field in schema if field.name not in self.found.names])

    def _first_of_each(self) -> Iterator[tuple[str, pa.Field]]:
        seen: set[str] = set()
        for schema in self.schemas:
            for field in schema:
                if field.name not in seen:
                    seen.add(field.name)
                    yield field.name, field

    def _refuse_twins(self, file: str, schema: pa.Schema) -> None:
        seen: set[str] = set()
        for name in schema.names:
            if name in seen:
                raise CatalogError(f"table {self.table}: two columns are called {name} in {file}")
            seen.add(name)

    def _refuse_other_values(
        self, file: PartitionedFile, footer: pq.FileMetaData, schema: pa.Schema
    ) -> None:
        """Refuse a file that holds a partition column, unless with its directory's value alone."""
        for name, value in file.values.items():
            if name in schema.names and not _holds_only(footer, name, value):
                raise CatalogError(
                    f"table {self.table}: partition column {name} is in {file.uri}, too, and its "
                    f"statistics do not say that it is {value.as_py()} throughout"
                )

    def _compare(self, live: Sequence[pa.Schema]) -> None:
        """Refuse a column that is of another type than in the first file that has it, or absent."""
        first: dict[str, tuple[str, pa.DataType]] = {}
        uris = self.files
        for uri, schema in zip(uris, live, strict=True):
            for field in schema:
                kind = plain_type(field.type)
                where, was = first.setdefault(field.name, (uri, kind))
                if was != kind:
                    raise SchemaMismatchError(
                        f"column {self.table}.{field.name} is {was} in {where}, but {kind} in {uri}"
                    )
        if self.may_differ:
            self._refuse_case(list(first))
            return
        names = [frozenset(schema.names) for schema in live]
        for name, (where, kind) in first.items():
            lacking = next((u for u, has in zip(uris, names, strict=True) if name not in has), "")
            if lacking:
                how = "" if self.columns else "declared columns and "
                raise SchemaMismatchError(
                    f"column {self.table}.{name} is {kind} in {where}, but absent in {lacking}: "
                    f"{how}missing_columns='null' would read it as null there"
                )

    def _refuse_case(self, names: Sequence[str]) -> None:
        """Refuse names of which a reader takes one for the other where a file lacks it."""
        if (twins := case_twins(names)) is not None:
            raise SchemaMismatchError(
                f"table {self.table}: some files have {twins[0]}, some {twins[1]}, and one that is "
                f"absent would be taken for the other: rename one"
            )

    def _declared_in(self, file: str, schema: pa.Schema) -> Sequence[Column]:
        """Declared columns that a file must have."""
        if not self.may_differ:
            return self.columns
        names = frozenset(schema.names)
        for column in self.columns:
            if column.name not in names and not column.nullable:
                raise SchemaMismatchError(
                    f"column {self.table}.{column.name}, declared as not null, is absent in {file}"
                )
        if not self.columns:
            return ()
        declared = {column.name for column in self.columns}
        if other := next((name for name in schema.names if name not in declared), None):
            raise SchemaMismatchError(
                f"table {self.table} has a column {other} that its declaration lacks, in {file}; "
                f"declared are {', '.join(column.name for column in self.columns)}"
            )
        return [column for column in self.columns if column.name in names]


def unreadable(
    table: str, place: str, error: Exception, options: Mapping[str, str]
) -> CatalogError:
    """What is said of a place that cannot be read, without the values of the options."""
    return CatalogError(
        f"table {table}: cannot read Parquet at {place}: {one_line(error, options)}"
    )


def _holds_only(footer: pq.FileMetaData, name: str, value: pa.Scalar) -> bool:
    leaves = {footer.schema.column(i).path: i for i in range(footer.num_columns)}
    if name not in leaves:
        return False
    for i in range(footer.num_row_groups):
        group = footer.row_group(i)
        told = group.column(leaves[name]).statistics
        if told is None or not told.has_null_count:
            return False
        if not value.is_valid:
            if told.null_count != group.num_rows:
                return False
        elif told.null_count or not told.has_min_max or {told.min, told.max} != {value.as_py()}:
            return False
    return True


def _has_dictionary(schema: pa.Schema) -> bool:
    return any("dictionary" in str(field.type) for field in schema)


def _without_nulls(schema: pa.Schema, footer: pq.FileMetaData, required: set[str]) -> pa.Schema:
    """The schema, with those of the required columns as not null that have no null in fact."""
    groups = [footer.row_group(i) for i in range(footer.num_row_groups)]
    groups = [group for group in groups if group.num_rows]
    leaves = {footer.schema.column(i).path: i for i in range(footer.num_columns)}
    for position, name in enumerate(schema.names):
        if name in required and name in leaves:
            found = (group.column(leaves[name]).statistics for group in groups)
            if all(s is not None and s.has_null_count and s.null_count == 0 for s in found):
                schema = schema.set(position, schema.field(position).with_nullable(False))
    return schema
