"""A table in Delta Lake format, read through its transaction log.

What reads one is loaded by the calls that read: a declaration alone costs a start little.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import unquote

import pyarrow as pa

from neuralake.catalog.about import NOTHING, About, warn_who_asks
from neuralake.catalog.columns import Column, check_schema
from neuralake.catalog.declaration import ForeignKey, check_declaration
from neuralake.catalog.filters import Condition
from neuralake.catalog.kept import Kept
from neuralake.catalog.moments import check_version, moment
from neuralake.catalog.storage import require_absolute, require_plain, resolve_location
from neuralake.catalog.views import (
    AS_VIEW,
    Latest,
    MissingColumns,
    NewestRows,
    check_view,
    count,
    is_view,
    present_columns,
    view_of,
)
from neuralake.config import Settings, is_remote
from neuralake.errors import CatalogError, ConfigError, NoSuchVersionError
from neuralake.storage import one_line

if TYPE_CHECKING:
    import deltalake
    import polars as pl

    from neuralake.delta.contents import Contents
    from neuralake.delta.snapshot import Snapshot


@dataclass(frozen=True, kw_only=True)
class DeltaTable(NewestRows):
    """A Delta Lake table.

    Attributes
    ----------
    name
        Name in SQL.
    location
        ``s3://`` URI or path; a relative path lies under the storage root.
    columns
        Declared columns; empty leaves the schema open.
    description
        What a row is, in a line.
    primary_key
        Names of the columns that identify a row. Informative: Delta does not enforce keys.
    foreign_keys
        References to other tables. Informative, too.
    about
        Owner, source, promised freshness, and whatever else people want to know.
    storage_options
        Options of object_store that go before those of the environment. Never shown.
    version
        The version to read; the newest if None.
    at
        A moment, in place of a version: the newest that was committed by then is read. A
        ``datetime`` with a time zone, or its text in ISO 8601; it is kept as the former, in UTC.
    missing_columns
        What is done about a declared column that the table lacks: ``refuse`` it, or give ``null``
        of the declared type.
    newest
        Of each key only the newest row is read; see :meth:`latest`.
    hides_nan
        Whether a float is NaN and the statistics of its file leave that out; looked for as soon as
        an engine must know it, if None. A run finds it out once (:func:`~neuralake.catalog.tables.
        pinned`).
    """

    name: str
    location: str
    columns: tuple[Column, ...] = ()
    description: str = ""
    primary_key: tuple[str, ...] = ()
    foreign_keys: tuple[ForeignKey, ...] = ()
    about: About = NOTHING
    storage_options: Mapping[str, str] = field(default_factory=dict, repr=False, hash=False)
    version: int | None = None
    at: datetime | str | None = None
    missing_columns: MissingColumns = "refuse"
    newest: Latest | None = None
    hides_nan: bool | None = field(default=None, repr=False, compare=False)
    _kept: Kept = field(init=False, repr=False, compare=False, default_factory=Kept)

    format: ClassVar[str] = "delta"

    def __post_init__(self) -> None:
        check_declaration(self.name, self.columns, self.primary_key, self.foreign_keys, self.about)
        if self.version is not None:
            check_version(self.name, self.version)
        if self.at is not None:
            if self.version is not None:
                raise CatalogError(f"table {self.name} has a version and a time: expected one")
            object.__setattr__(self, "at", moment(self.name, self.at))
        check_view(self)

    @property
    def uri(self) -> str:
        """Where the table lies; absolute once resolved."""
        return self.location

    def _repr_html_(self) -> str:
        from neuralake.catalog.html import table_html

        return table_html(self)

    def resolve(self, settings: Settings) -> DeltaTable:
        """The same table with its absolute URI and the options that reach it."""
        uri, options = resolve_location(self.name, self.location, self.storage_options, settings)
        try:
            require_plain(uri)
        except ConfigError as error:
            raise CatalogError(f"table {self.name}: {error}") from error
        return replace(self, location=uri, storage_options=options)

    def snapshot(self) -> deltalake.DeltaTable:
        """The snapshot that is read, its schema checked against the declaration.

        Whoever reads the table through this object reads what was checked, whatever is committed
        meanwhile.

        Raises
        ------
        CatalogError
            If there is no Delta table, or it cannot be read.
        SchemaMismatchError
            If its schema differs from the declaration.
        """
        return self._checked(self._open(is_kept=False))

    def read_snapshot(self) -> Snapshot:
        """The snapshot that is read, for whoever only looks at it: kept for the next time.

        Raises
        ------
        CatalogError, SchemaMismatchError
            As of :meth:`snapshot`.
        """
        from neuralake.delta.snapshot import Snapshot

        return Snapshot(self._checked(self._open()), self.uri, self.storage_options)

    def keeping_with(self, other: DeltaTable) -> DeltaTable:
        """The same table, with one kept snapshot between it and another one of its location."""
        found = replace(self)
        object.__setattr__(found, "_kept", other._kept)
        return found

    def as_of(self, *, version: int | None = None, at: datetime | str | None = None) -> DeltaTable:
        """The same table at another version; at its newest if neither is given.

        Parameters
        ----------
        version
            Its number.
        at
            A moment: the newest version that was committed by then.

        Raises
        ------
        CatalogError
            If both are given, or either is impossible. Whether there is such a version is found
            out by whoever reads it.
        """
        if (version, at) == (self.version, self.at):
            return self
        return replace(self, version=version, at=at, hides_nan=None)

    def newest_version(self) -> int:
        """Version of the newest snapshot, whichever the table is read at."""
        return self.as_of()._open().version()

    def pinned(self) -> DeltaTable:
        """The same table, to be read as it is now: at its newest version, unless it has another.

        Who opens it next reads no log again.

        Raises
        ------
        CatalogError
            If its log cannot be read.
        """
        version = self._open().version() if self.version is None else self.version
        table = replace(self, version=version, at=None).keeping_with(self)
        if table.hides_nan is not None:
            return table
        try:
            return replace(table, hides_nan=table._find_hidden_nan()).keeping_with(self)
        except CatalogError:  # told by every engine that is to open it
            return table

    def contents(self) -> Contents:
        """The snapshot with its data files and their footers, for an engine's adapter.

        Raises
        ------
        CatalogError
            If the table or one of its files cannot be read, or it has a feature that is not known
            here; the message names it.
        SchemaMismatchError
            If its schema differs from the declaration.
        """
        if is_view(self):
            raise CatalogError(f"table {self.name} {AS_VIEW}")
        return self._contents(self.read_snapshot())

    def places(self) -> list[str]:
        """Where the table lies: its directory, and data files outside of it (a shallow clone's)."""
        snapshot = self.read_snapshot()
        return [self.uri, *(file.uri for file in snapshot.outside_files)]

    def rows(self) -> int:
        """Number of rows, as the log says, or the footers where it does not."""
        if self.newest is not None:
            return count(self.lazy())
        snapshot = self.read_snapshot()
        counted = snapshot.rows_in_log()
        return self._contents(snapshot).rows if counted is None else counted

    def arrow_schema(self) -> pa.Schema:
        """Schema in the transaction log, with what is computed beside it."""
        if (view := view_of(self)) is not None:
            return view.schema
        return _arrow_schema(self._open())

    def check(self) -> None:
        """Raise ``SchemaMismatchError`` if the schema differs from the declaration."""
        if (view := view_of(self)) is not None:
            view.check()
        self.read_snapshot()

    def files(self) -> list[str]:
        """Data files of the snapshot, for an engine that cannot read the log.

        Raises
        ------
        CatalogError
            If the rows are not simply those of the files; the message names the feature.
        """
        if is_view(self):
            raise CatalogError(f"table {self.name} {AS_VIEW}")
        snapshot = self.read_snapshot()
        if snapshot.beyond_files is not None:
            raise CatalogError(
                f"table {self.name} at {self.uri} cannot be read as plain files: "
                f"it has {snapshot.beyond_files}"
            )
        from neuralake.delta.snapshot import WIDENING

        if WIDENING & snapshot.features and self._contents(snapshot).has_other_types:
            raise CatalogError(
                f"table {self.name} at {self.uri} cannot be read as plain files: "
                f"its columns are wider than in some of them"
            )
        return snapshot.paths

    def lazy(
        self,
        filters: Sequence[Condition] = (),
        columns: Sequence[str] = (),
        *,
        version: int | None = None,
        at: datetime | str | None = None,
    ) -> pl.LazyFrame:
        """Rows as a LazyFrame; filters and columns are pushed down into the scan.

        Parameters
        ----------
        filters, columns
            As of every table.
        version, at
            As of :meth:`as_of`, in place of the table's own.
        """
        from neuralake.catalog.predicates import apply
        from neuralake.catalog.scan import choose_reader, scan

        warn_who_asks(self)
        if version is not None or at is not None:
            return self.as_of(version=version, at=at).lazy(filters, columns)
        if (view := view_of(self)) is not None:
            return apply(view.frame(view.base.lazy()), self.name, filters, columns)
        contents = self.contents()
        return apply(scan(contents, choose_reader(contents)), self.name, filters, columns)

    def _checked(self, snapshot: deltalake.DeltaTable) -> deltalake.DeltaTable:
        live = _arrow_schema(snapshot)
        check_schema(self.name, present_columns(self, live), live)
        return snapshot

    def _contents(self, snapshot: Snapshot) -> Contents:
        from deltalake.exceptions import DeltaError

        from neuralake.delta.contents import read_contents

        if snapshot.unknown_feature is not None:
            raise CatalogError(
                f"table {self.name} at {self.uri} has the reader feature "
                f"{snapshot.unknown_feature}, which Neuralake does not know"
            )
        try:
            return read_contents(snapshot, self.hides_nan)
        except (DeltaError, OSError, ValueError, pa.ArrowException) as error:
            raise self._unreadable(error, snapshot.version) from error

    def _find_hidden_nan(self) -> bool:
        from neuralake.delta.nans import has_floats

        snapshot = self.read_snapshot()
        if not any(map(has_floats, snapshot.schema.types)):
            return False  # without a look at its footers
        contents = self._contents(snapshot)
        try:
            return contents.hides_nan
        except (OSError, ValueError, pa.ArrowException) as error:
            raise self._unreadable(error, snapshot.version) from error

    def _unreadable(self, error: Exception, version: int) -> CatalogError:
        if isinstance(error, FileNotFoundError) and version < self.newest_version():
            return NoSuchVersionError(
                f"table {self.name} has version {version} no longer: a vacuum took away its data "
                f"file {one_line(error, self.storage_options).partition(': ')[0]}"
            )
        reason = one_line(error, self.storage_options)
        return CatalogError(
            f"table {self.name}: a data file of {self.uri} cannot be read: {reason}"
        )

    def _open(self, *, is_kept: bool = True) -> deltalake.DeltaTable:
        """The snapshot to read; one that is handed out, to be changed by anybody, is not kept."""
        import deltalake
        from deltalake.exceptions import DeltaError, TableNotFoundError

        from neuralake.catalog.travel import find_version, why_absent
        from neuralake.delta.place import open_store

        place = self.name, self.uri, self.storage_options
        require_absolute(self.name, self.uri)
        if not is_remote(self.uri):
            _require_log(self.name, Path(self.uri))
        version = self.version
        if self.at is not None:
            version = find_version(*place, moment(self.name, self.at))

        def load() -> deltalake.DeltaTable:
            options = dict(self.storage_options)
            return deltalake.DeltaTable(self.uri, version=version, storage_options=options)

        try:
            if not is_kept:
                return load()
            opening = partial(open_store, self.uri, self.storage_options)
            return self._kept.snapshot(opening, version, load)
        except (DeltaError, OSError, ValueError) as error:
            if version is not None and (reason := why_absent(*place, version)) is not None:
                raise NoSuchVersionError(reason) from error
            if isinstance(error, TableNotFoundError):
                raise CatalogError(f"table {self.name}: no Delta table at {self.uri}") from error
            raise CatalogError(
                f"table {self.name}: no readable Delta table at {self.uri}: "
                f"{one_line(error, self.storage_options)}"
            ) from error


def _require_log(table: str, path: Path) -> None:
    """Say plainly what is there instead of a local Delta table."""
    if unquote(str(path)) != str(path):
        # deltalake 1.6 takes such a path for a URL, and would open the table of the decoded name.
        raise CatalogError(f"table {table}: deltalake cannot open {path}: rename what has the %")
    if (path / "_delta_log").is_dir():
        return
    if not path.exists():
        found = "which does not exist"
    elif not path.is_dir():
        found = "which is a file: a Delta table is a directory"
    elif next(path.glob("*.parquet"), None) is not None:
        found = "a directory of Parquet files without _delta_log: declare it as ParquetTable"
    else:
        found = "a directory without _delta_log"
    raise CatalogError(f"table {table}: no Delta table at {path}, {found}")


def _arrow_schema(snapshot: deltalake.DeltaTable) -> pa.Schema:
    return pa.schema(snapshot.schema().to_arrow())
