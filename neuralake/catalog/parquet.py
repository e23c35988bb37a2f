"""A table of Parquet files: one file, a directory, or what a glob matches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, ClassVar

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import fs

from neuralake.arrow import encoding, int96_columns, plain_schema, plain_type, stored_schema
from neuralake.catalog.about import NOTHING, About
from neuralake.catalog.columns import Column, check_schema
from neuralake.catalog.declaration import ForeignKey, check_declaration
from neuralake.catalog.filters import Condition
from neuralake.catalog.listing import list_parquet
from neuralake.catalog.predicates import apply
from neuralake.catalog.storage import require_absolute, resolve_location
from neuralake.config import Settings, is_remote
from neuralake.errors import CatalogError, SchemaMismatchError
from neuralake.storage import filesystem, one_line

if TYPE_CHECKING:
    import polars as pl

    from neuralake.delta.rows import PlainFiles

_FOOTERS_AT_ONCE = 16


@dataclass(frozen=True, kw_only=True)
class ParquetTable:
    """A table of Parquet files that all have the same columns.

    Attributes
    ----------
    name
        Name in SQL.
    location
        ``s3://`` URI or path of a file, a directory (read recursively; names that begin with
        ``.`` or ``_`` are passed over) or a glob (``*``, ``?``, ``[…]`` within one level, ``**``
        for any number of levels). A relative one lies under the storage root.
    columns, description, primary_key, foreign_keys, about, storage_options, hides_nan
        As of a :class:`~neuralake.catalog.delta.DeltaTable`.
    """

    name: str
    location: str
    columns: tuple[Column, ...] = ()
    description: str = ""
    primary_key: tuple[str, ...] = ()
    foreign_keys: tuple[ForeignKey, ...] = ()
    about: About = NOTHING
    storage_options: Mapping[str, str] = field(default_factory=dict, repr=False, hash=False)
    hides_nan: bool | None = field(default=None, repr=False, compare=False)

    format: ClassVar[str] = "parquet"

    def __post_init__(self) -> None:
        check_declaration(self.name, self.columns, self.primary_key, self.foreign_keys, self.about)

    @property
    def uri(self) -> str:
        """Where the files lie; absolute once resolved."""
        return self.location

    def resolve(self, settings: Settings) -> ParquetTable:
        """The same table with its absolute URI and the options that reach it."""
        uri, options = resolve_location(self.name, self.location, self.storage_options, settings)
        return replace(self, location=uri, storage_options=options)

    def pinned(self) -> ParquetTable:
        """The same table, with what its floats hide known."""
        try:
            return replace(self, hides_nan=self.may_hide_nan())
        except CatalogError:  # told by every engine that is to open it
            return self

    def may_hide_nan(self) -> bool:
        """Whether a float is NaN and the statistics of its file leave that out.

        Where nothing else tells, the floats of the files are read.

        Raises
        ------
        CatalogError, SchemaMismatchError
            As of :meth:`files`.
        """
        from neuralake.delta.nans import hides_nan

        if self.hides_nan is not None:
            return self.hides_nan
        footers = self.footers()
        try:
            return hides_nan(footers, self.storage_options)
        except (OSError, ValueError, pa.ArrowException) as error:
            raise self._unreadable(self.uri, error) from error

    def footers(self) -> dict[str, pq.FileMetaData]:
        """The footers of the files; raises as :meth:`files`."""
        return dict(zip(*self._checked(), strict=True))

    def rows_as_arrow(self) -> PlainFiles:
        """What Neuralake's Arrow reader reads; raises as :meth:`files`."""
        from neuralake.delta.rows import PlainFiles
        from neuralake.delta.snapshot import DataFile

        files, footers = self._checked()
        schema = plain_schema(stored_schema(footers[0]))
        return PlainFiles(schema, [DataFile(file) for file in files], self.storage_options)

    def files(self) -> list[str]:
        """The files, sorted, once their columns agree with each other and with the declaration.

        Raises
        ------
        CatalogError
            If there are none, they cannot be read, or their paths hold values (Hive partitions).
        SchemaMismatchError
            If one has other columns.
        """
        return self._checked()[0]

    def _checked(self) -> tuple[list[str], list[pq.FileMetaData]]:
        """The files with their footers, which :meth:`files` promises to agree."""
        files = self._listed()
        footers = self._footers(files)
        schemas = [stored_schema(footer) for footer in footers]
        for file, schema in zip(files, schemas, strict=True):
            self._refuse_twins(file, schema)
        for file, schema in zip(files[1:], schemas[1:], strict=True):
            self._compare(files[0], schemas[0], file, schema)
        required = {column.name for column in self.columns if not column.nullable}
        for footer, schema in zip(footers, schemas, strict=True):
            check_schema(self.name, self.columns, _without_nulls(schema, footer, required))
        return files, footers

    def schema_unless_uniform(self) -> pa.Schema | None:
        """The columns, where the files have them in other orders or encodings; None if all alike.

        An engine that reads several files by position, or by the first one's types, must be told.
        """
        _, footers = self._checked()
        written = {encoding(footer) for footer in footers}
        return None if len(written) == 1 else plain_schema(stored_schema(footers[0]))

    def arrow_schema(self) -> pa.Schema:
        """Schema of the first file; :meth:`files` makes sure that all have the same."""
        return stored_schema(self._footers(self._listed()[:1])[0])

    def rows(self) -> int:
        """Number of rows, as the footers say."""
        return sum(footer.num_rows for footer in self._footers(self._listed()))

    def check(self) -> None:
        """Read every footer, and raise ``SchemaMismatchError`` if one has other columns.

        A column declared as not null may be optional in the file if the statistics of every row
        group show that no value is missing: most writers make all columns optional.
        """
        self.files()

    def lazy(self, filters: Sequence[Condition] = (), columns: Sequence[str] = ()) -> pl.LazyFrame:
        """Rows as a LazyFrame; filters and columns are pushed down into the scan."""
        import polars as pl

        from neuralake.catalog.scan import polars_schema, scan_arrow

        files, footers = self._checked()
        schemas = [stored_schema(footer) for footer in footers]
        # One schema for all: a string may be dictionary-encoded (Categorical) in one file only.
        # Not otherwise: Polars 2.1 plans a scan with a given schema without looking at the footers,
        # and not knowing the number of rows it joins in orders that take up to five times as long.
        plain = plain_schema(schemas[0])
        uniform = all(plain_schema(s).equals(plain) and not _has_dictionary(s) for s in schemas)
        int96 = frozenset().union(*(int96_columns(footer) for footer in footers))
        if not int96 <= set(plain.names):  # within a list or struct, which Polars cannot be told
            return apply(scan_arrow(self.rows_as_arrow()), self.name, filters, columns)
        scan = pl.scan_parquet(
            files,
            schema=None if uniform and not int96 else polars_schema(plain),
            glob=False,
            hive_partitioning=False,
            cast_options=pl.ScanCastOptions(
                categorical_to_string="allow", datetime_cast="nanosecond-downcast"
            ),
            storage_options=dict(self.storage_options) or None,
        )
        return apply(scan, self.name, filters, columns)

    def _listed(self) -> list[str]:
        require_absolute(self.name, self.uri)
        try:
            system, path = filesystem(self.uri, self.storage_options)
            paths = list_parquet(self.name, self.uri, system, path)
        except (OSError, ValueError) as error:
            raise self._unreadable(self.uri, error) from error
        prefix = "s3://" if is_remote(self.uri) else ""
        return [prefix + path for path in paths]

    def _refuse_twins(self, file: str, schema: pa.Schema) -> None:
        names = schema.names
        twin = next((name for i, name in enumerate(names) if name in names[:i]), None)
        if twin is not None:
            raise CatalogError(f"table {self.name}: two columns are called {twin} in {file}")

    def _compare(self, first: str, expected: pa.Schema, file: str, schema: pa.Schema) -> None:
        for name in dict.fromkeys([*expected.names, *schema.names]):
            types = [
                plain_type(s.field(name).type) if name in s.names else None
                for s in (expected, schema)
            ]
            if types[0] != types[1]:
                was, now = (dtype or "absent" for dtype in types)
                raise SchemaMismatchError(
                    f"column {self.name}.{name} is {was} in {first}, but {now} in {file}"
                )

    def _footers(self, files: Sequence[str]) -> list[pq.FileMetaData]:
        system, _ = filesystem(self.uri, self.storage_options)
        with ThreadPoolExecutor(min(_FOOTERS_AT_ONCE, len(files))) as pool:
            return list(pool.map(lambda file: self._footer(system, file), files))

    def _footer(self, system: fs.FileSystem, file: str) -> pq.FileMetaData:
        try:
            return pq.read_metadata(file.removeprefix("s3://"), filesystem=system)
        except (OSError, ValueError) as error:
            raise self._unreadable(file, error) from error

    def _unreadable(self, place: str, error: Exception) -> CatalogError:
        reason = one_line(error, self.storage_options)
        return CatalogError(f"table {self.name}: cannot read Parquet at {place}: {reason}")


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
