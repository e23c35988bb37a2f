"""A table of Parquet files: one file, a directory, or what a glob matches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, ClassVar

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import fs

from neuralake.arrow import in_utc, int96_columns, plain_schema
from neuralake.catalog.about import NOTHING, About, warn_who_asks
from neuralake.catalog.columns import Column, arrow_schema
from neuralake.catalog.declaration import ForeignKey, check_declaration
from neuralake.catalog.filters import Condition, columns_of
from neuralake.catalog.footers import Footers, unreadable
from neuralake.catalog.frames import refuse_decimals
from neuralake.catalog.html import table_html
from neuralake.catalog.listing import list_parquet
from neuralake.catalog.partitions import (
    Listing,
    PartitionedBy,
    PartitionedFile,
    Partitions,
    check_names_in_paths,
    check_partitioned_by,
    with_partitions,
)
from neuralake.catalog.predicates import apply, conjuncts, require_conditions
from neuralake.catalog.storage import require_absolute, resolve_location
from neuralake.catalog.views import (
    AS_VIEW,
    Latest,
    MissingColumns,
    NewestRows,
    check_view,
    count,
    is_view,
    view_of,
)
from neuralake.config import Settings, is_remote
from neuralake.errors import CatalogError
from neuralake.footer import read_footer
from neuralake.storage import filesystem, one_line

if TYPE_CHECKING:
    import polars as pl


_FOOTERS_AT_ONCE = 16


@dataclass(frozen=True, kw_only=True)
class ParquetTable(NewestRows):
    """A table of Parquet files that all have the same columns, or lack some that it declares.

    Attributes
    ----------
    name
        Name in SQL.
    location
        ``s3://`` URI or path of a file, a directory (read recursively; names that begin with
        ``.`` or ``_`` are passed over) or a glob (``*``, ``?``, ``[…]`` within one level, ``**``
        for any number of levels). A relative one lies under the storage root.
    partitioned_by
        The columns whose values stand in the names of directories (``day=2026-05-01``), from the
        outermost: each a :class:`Column`, or the name of a declared one or of one whose type is to
        be inferred; ``"infer"`` takes the names from the directories, too. Inferred are dates,
        whole numbers and strings, from all values. They come last among the columns.
    names_in_paths
        False where directories are values alone, as they stand (``2026-05-01/north``).
    columns, description, primary_key, foreign_keys, about, storage_options, missing_columns, newest
        As of a :class:`~neuralake.catalog.delta.DeltaTable`; a declared column may be absent from
        all files or from some.
    hides_nan
        As of a :class:`~neuralake.catalog.delta.DeltaTable`.
    files_differ
        Whether a file may lack columns that others have. Set by the view that ``missing_columns``
        makes of a table, for what it reads.
    """

    name: str
    location: str
    columns: tuple[Column, ...] = ()
    description: str = ""
    primary_key: tuple[str, ...] = ()
    foreign_keys: tuple[ForeignKey, ...] = ()
    about: About = NOTHING
    storage_options: Mapping[str, str] = field(default_factory=dict, repr=False, hash=False)
    missing_columns: MissingColumns = "refuse"
    newest: Latest | None = None
    hides_nan: bool | None = field(default=None, repr=False, compare=False)
    files_differ: bool = field(default=False, repr=False)
    partitioned_by: PartitionedBy = ()
    names_in_paths: bool = True

    format: ClassVar[str] = "parquet"

    def __post_init__(self) -> None:
        check_partitioned_by(self.name, self.partitioned_by, self.columns)
        check_names_in_paths(self.name, self.names_in_paths, self.partitioned_by)
        object.__setattr__(self, "columns", with_partitions(self.columns, self.partitioned_by))
        if not isinstance(self.partitioned_by, str):  # a list could still be changed
            object.__setattr__(self, "partitioned_by", tuple(self.partitioned_by))
        check_declaration(self.name, self.columns, self.primary_key, self.foreign_keys, self.about)
        check_view(self)

    @property
    def uri(self) -> str:
        """Where the files lie; absolute once resolved."""
        return self.location

    def _repr_html_(self) -> str:
        return table_html(self)

    def resolve(self, settings: Settings) -> ParquetTable:
        """The same table with its absolute URI and the options that reach it."""
        uri, options = resolve_location(self.name, self.location, self.storage_options, settings)
        return replace(self, location=uri, storage_options=options)

    def pinned(self) -> ParquetTable:
        """The same table, with what its floats hide known."""
        try:
            view = view_of(self)
            checked = (self if view is None else view.base).checked()
            return replace(self, hides_nan=checked.may_hide_nan())
        except CatalogError:  # told by every engine that is to open it
            return self

    def checked(self, conditions: Sequence[Condition] = ()) -> Footers:
        """The files with their footers, in one look; raises as :meth:`files`.

        Those of directories alone that the conditions do not exclude.
        """
        if is_view(self):
            raise CatalogError(f"table {self.name} {AS_VIEW}")
        checked = self._read(self._listed(conditions))
        checked.check()
        return checked

    def files(self) -> list[str]:
        """The files, sorted, once their columns agree with each other and with the declaration.

        Raises
        ------
        CatalogError
            If there are none, they cannot be read, or their paths hold values (Hive partitions)
            that contradict each other, or of which the declaration knows nothing.
        SchemaMismatchError
            If one has other columns.
        """
        return self.checked().files

    def partitions(self) -> Partitions:
        """The files with the values that their directories say; raises as :meth:`files`."""
        return self.checked().found

    def file_infos(self, files: Sequence[str] | None = None) -> list[fs.FileInfo]:
        """Size and time of files: of those that are given, or of all, into which nobody looks.

        Raises
        ------
        CatalogError
            If the store does not tell them.
        """
        if files is None:
            files = [file.uri for file in self._listed().files]
        paths = [file.removeprefix("s3://") for file in files]
        system, _ = filesystem(self.uri, self.storage_options)
        try:
            found: list[fs.FileInfo] = system.get_file_info(paths)
        except OSError as error:
            reason = one_line(error, self.storage_options)
            raise CatalogError(f"table {self.name}: cannot list {self.uri}: {reason}") from error
        return found

    def _read(self, found: Partitions) -> Footers:
        footers = self._footers([file.uri for file in found.files])
        return Footers(
            self.name,
            self.uri,
            self.columns,
            found,
            footers,
            self.files_differ,
            self.names_in_paths,
            self.storage_options,
            self.hides_nan,
        )

    def arrow_schema(self) -> pa.Schema:
        """Schema of the first file; :meth:`files` makes sure that all have the same.

        Of all files, where they may differ.
        """
        if (view := view_of(self)) is not None:
            return view.schema
        found = self._listed()
        return self._read(
            found if self.files_differ else replace(found, files=found.files[:1])
        ).schema

    def rows(self) -> int:
        """Number of rows, as the footers say."""
        if self.newest is not None:
            return count(self.lazy())
        return self._read(self._listed()).rows

    def check(self) -> None:
        """Read every footer, and raise ``SchemaMismatchError`` if one has other columns.

        A column declared as not null may be optional in the file if the statistics of every row
        group show that no value is missing: most writers make all columns optional.
        """
        if (view := view_of(self)) is not None:
            view.check()
            view.base.check()
            return
        self.files()

    def lazy(self, filters: Sequence[Condition] = (), columns: Sequence[str] = ()) -> pl.LazyFrame:
        """Rows as a LazyFrame; filters and columns are pushed down into the scan.

        Directories of partitions that a filter excludes are not listed, nor are their files opened.
        """
        warn_who_asks(self)
        require_conditions(self.name, filters)
        if (view := view_of(self)) is not None:
            base = view.base.lazy(self._on_partitions(filters))
            return apply(view.frame(base), self.name, filters, columns)
        checked = self.checked(filters)
        frame = self._scan(checked) if checked.footers else self._no_rows(checked.found)
        return apply(frame, self.name, filters, columns)

    def _on_partitions(self, filters: Sequence[Condition]) -> list[Condition]:
        """Filters of a view that the directories of its base may be held against, too.

        Not of the newest rows: these are looked for among all.
        """
        if self.newest is not None or self.partitioned_by == "infer":
            return []
        names = {key if isinstance(key, str) else key.name for key in self.partitioned_by}
        return [c for c in conjuncts(filters) if set(columns_of(c)) <= names]

    def _scan(self, checked: Footers) -> pl.LazyFrame:
        import polars as pl

        from neuralake.catalog.scan import holds_enum, polars_schema, scan_arrow

        found = checked.found
        # One schema for all: a string may be dictionary-encoded (Categorical) in one file only.
        # Not otherwise: Polars 2.1 plans a scan with a given schema without looking at the footers,
        # and not knowing the number of rows it joins in orders that take up to five times as long.
        plain = checked.plain_stored
        refuse_decimals(self.name, plain)
        int96 = frozenset().union(*(int96_columns(footer) for footer in checked.footers))
        in_paths = found.fields and not checked.reads_from_paths
        # Within a list or struct, which Polars cannot be told
        is_nested = any(map(pa.types.is_nested, plain.types))
        if not int96 <= set(plain.names) or in_paths or (checked.has_other_zones and is_nested):
            return scan_arrow(checked.as_arrow())
        if any(map(holds_enum, checked.schemas)):
            return scan_arrow(checked.as_arrow())
        return pl.scan_parquet(
            checked.files,
            schema=None if checked.are_alike and not int96 else polars_schema(plain),
            glob=False,
            hive_partitioning=bool(found.fields),
            hive_schema=polars_schema(pa.schema(list(found.fields))) if found.fields else None,
            missing_columns="insert" if self.files_differ else "raise",
            cast_options=pl.ScanCastOptions(
                categorical_to_string="allow",
                datetime_cast=["nanosecond-downcast", "convert-timezone"],
            ),
            storage_options=dict(self.storage_options) or None,
        )

    def _no_rows(self, found: Partitions) -> pl.LazyFrame:
        """What is left where a filter excludes all directories."""
        import polars as pl

        from neuralake.catalog.scan import polars_schema

        names = found.names
        ordered = sorted(
            arrow_schema(self.columns) if self.columns else self.arrow_schema(),
            key=lambda f: names.index(f.name) if f.name in names else -1,
        )
        return pl.LazyFrame(schema=polars_schema(in_utc(plain_schema(pa.schema(ordered)))))

    def _listed(self, conditions: Sequence[Condition] = ()) -> Partitions:
        require_absolute(self.name, self.uri)
        prefix = "s3://" if is_remote(self.uri) else ""
        try:
            system, path = filesystem(self.uri, self.storage_options)
            if not self.partitioned_by:
                paths = list_parquet(self.name, self.uri, system, path)
                return Partitions([PartitionedFile(prefix + path) for path in paths])
            root = path.rstrip("/") or "/"
            given, columns = self.partitioned_by, self.columns
            listing = Listing(
                self.name, self.uri, system, root, given, columns, self.names_in_paths
            )
            found = listing.partitions(conditions)
        except (OSError, ValueError) as error:
            raise unreadable(self.name, self.uri, error, self.storage_options) from error
        return replace(found, files=[replace(f, uri=prefix + f.uri) for f in found.files])

    def _footers(self, files: Sequence[str]) -> list[pq.FileMetaData]:
        system, _ = filesystem(self.uri, self.storage_options)
        with ThreadPoolExecutor(_FOOTERS_AT_ONCE) as pool:
            return list(pool.map(lambda file: self._footer(system, file), files))

    def _footer(self, system: fs.FileSystem, file: str) -> pq.FileMetaData:
        try:
            return read_footer(system, file.removeprefix("s3://"))
        except (OSError, ValueError) as error:
            raise unreadable(self.name, file, error, self.storage_options) from error
