"""A table in Delta Lake format, read through its transaction log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import unquote

import deltalake
import pyarrow as pa
import pyarrow.parquet as pq
from deltalake.exceptions import DeltaError, TableNotFoundError
from deltalake.schema import VariantType

from neuralake.catalog.columns import Column, check_schema, plain_schema
from neuralake.catalog.declaration import ForeignKey, check_declaration
from neuralake.catalog.filters import Filter, apply
from neuralake.catalog.storage import filesystem, one_line, require_absolute, resolve_location
from neuralake.config import Settings, is_remote
from neuralake.errors import CatalogError

if TYPE_CHECKING:
    import polars as pl

# Reader features under which the data files hold the rows as they are. Any other feature, known
# or still to come, may change what a file means: Delta protocol, "Table Features".
_PLAIN_FEATURES = frozenset({"timestampNtz", "v2Checkpoint", "vacuumProtocolCheck"})
_FOOTERS_AT_ONCE = 8


@dataclass(frozen=True, kw_only=True)
class DeltaTable:
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
    storage_options
        Options of object_store that go before those of the environment. Never shown.
    """

    name: str
    location: str
    columns: tuple[Column, ...] = ()
    description: str = ""
    primary_key: tuple[str, ...] = ()
    foreign_keys: tuple[ForeignKey, ...] = ()
    storage_options: Mapping[str, str] = field(default_factory=dict, repr=False, hash=False)

    format: ClassVar[str] = "delta"

    def __post_init__(self) -> None:
        check_declaration(self.name, self.columns, self.primary_key, self.foreign_keys)

    @property
    def uri(self) -> str:
        """Where the table lies; absolute once resolved."""
        return self.location

    def resolve(self, settings: Settings) -> DeltaTable:
        """The same table with its absolute URI and the options that reach it."""
        uri, options = resolve_location(self.name, self.location, self.storage_options, settings)
        return replace(self, location=uri, storage_options=options)

    def snapshot(self) -> deltalake.DeltaTable:
        """The newest snapshot, its schema checked against the declaration.

        Whoever reads the table through this object reads what was checked, whatever is committed
        meanwhile.

        Raises
        ------
        CatalogError
            If there is no Delta table, or it cannot be read.
        SchemaMismatchError
            If its schema differs from the declaration.
        """
        snapshot = self._open()
        check_schema(self.name, self.columns, _arrow_schema(snapshot))
        return snapshot

    def version(self) -> int:
        """Version of the newest snapshot."""
        return self._open().version()

    def arrow_schema(self) -> pa.Schema:
        """Schema in the transaction log."""
        return _arrow_schema(self._open())

    def check(self) -> None:
        """Raise ``SchemaMismatchError`` if the schema differs from the declaration."""
        self.snapshot()

    def files(self) -> list[str]:
        """Data files of the newest snapshot, for an engine that cannot read the log.

        Raises
        ------
        CatalogError
            If the rows are not simply those of the files; the message names the feature.
        """
        snapshot = self.snapshot()
        feature = _feature_beyond_files(snapshot)
        if feature is not None:
            raise CatalogError(
                f"table {self.name} at {self.uri} cannot be read as plain files: it has {feature}"
            )
        return sorted(_paths(snapshot))

    def uniform_files(self) -> list[str] | None:
        """Data files of the newest snapshot, if they are all that a reader of Parquet needs.

        Returns
        -------
        list of str or None
            None if the rows are not simply those of the files, or a file has not all columns of the
            table in their order, with their types.

        Raises
        ------
        CatalogError
            If the table or one of the files cannot be read.
        """
        snapshot = self.snapshot()
        if _feature_beyond_files(snapshot) is not None:
            return None
        files = sorted(_paths(snapshot))
        expected = _plain(_arrow_schema(snapshot))
        system, _ = filesystem(self.uri, self.storage_options)
        paths = [file.removeprefix("s3://") for file in files]
        try:
            with ThreadPoolExecutor(_FOOTERS_AT_ONCE) as pool:
                schemas = pool.map(lambda path: pq.read_schema(path, filesystem=system), paths)
                return files if all(_plain(schema) == expected for schema in schemas) else None
        except (OSError, ValueError) as error:
            reason = one_line(error, self.storage_options)
            raise CatalogError(
                f"table {self.name}: a data file of {self.uri} cannot be read: {reason}"
            ) from error

    def lazy(self, filters: Sequence[Filter] = (), columns: Sequence[str] = ()) -> pl.LazyFrame:
        """Rows as a LazyFrame; filters and columns are pushed down into the scan."""
        return apply(self._scan(self.snapshot()), self.name, filters, columns)

    def _scan(self, snapshot: deltalake.DeltaTable) -> pl.LazyFrame:
        import polars as pl

        if not _is_percent_encoded(snapshot):
            return pl.scan_delta(snapshot, storage_options=dict(self.storage_options) or None)
        # Polars 2.1 takes the percent-encoded names of deltalake 1.6 for the names of files, and
        # finds none: under such a directory it is given the files themselves.
        feature = _feature_beyond_files(snapshot)
        if feature is not None:
            raise CatalogError(
                f"table {self.name}: Polars cannot read {feature} under {self.uri}: "
                f"move the table to a path of letters, digits and hyphens"
            )
        return pl.scan_parquet(
            sorted(_paths(snapshot)),
            schema=pl.Schema(snapshot.schema()),
            glob=False,
            missing_columns="insert",
            extra_columns="ignore",
            cast_options=pl.ScanCastOptions(
                datetime_cast="nanosecond-downcast", categorical_to_string="allow"
            ),
        )

    def _open(self) -> deltalake.DeltaTable:
        require_absolute(self.name, self.uri)
        try:
            if not is_remote(self.uri):
                _require_log(self.name, Path(self.uri))
            return deltalake.DeltaTable(self.uri, storage_options=dict(self.storage_options))
        except TableNotFoundError as error:
            raise CatalogError(f"table {self.name}: no Delta table at {self.uri}") from error
        except (DeltaError, OSError, ValueError) as error:
            raise CatalogError(
                f"table {self.name}: no readable Delta table at {self.uri}: "
                f"{one_line(error, self.storage_options)}"
            ) from error


def row_count(snapshot: deltalake.DeltaTable) -> int | None:
    """Number of rows as the log says, or None if it does not say it of every file."""
    if "deletionVectors" in (snapshot.protocol().reader_features or ()):
        return None
    counts = pa.chunked_array(snapshot.get_add_actions().column("num_records")).to_pylist()
    return None if None in counts else sum(counts)


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
    else:
        found = "a directory without _delta_log"
    raise CatalogError(f"table {table}: no Delta table at {path}, {found}")


def _arrow_schema(snapshot: deltalake.DeltaTable) -> pa.Schema:
    return pa.schema(snapshot.schema().to_arrow())


def _plain(schema: pa.Schema) -> list[tuple[str, pa.DataType]]:
    """Names and types alone, each type in its one encoding."""
    return [(field.name, field.type) for field in plain_schema(schema)]


def _is_percent_encoded(snapshot: deltalake.DeltaTable) -> bool:
    """Whether a local table's root is written otherwise as a URL: with a space in it, for one."""
    return not is_remote(snapshot.table_uri) and "%" in snapshot.table_uri


def _paths(snapshot: deltalake.DeltaTable) -> list[str]:
    """Paths or URIs of the data files; deltalake percent-encodes a local root in them."""
    if not _is_percent_encoded(snapshot):
        return snapshot.file_uris()
    encoded = snapshot.table_uri.removeprefix("file://")
    return [
        unquote(encoded) + uri.removeprefix(encoded) if uri.startswith(encoded) else uri
        for uri in snapshot.file_uris()
    ]


def _feature_beyond_files(snapshot: deltalake.DeltaTable) -> str | None:
    """The feature that makes a snapshot more than the rows of its files, or None."""
    metadata = snapshot.metadata()
    if metadata.partition_columns:
        return f"partition columns ({', '.join(metadata.partition_columns)})"
    if metadata.configuration.get("delta.columnMapping.mode", "none") != "none":
        return "column mapping"
    features = set(snapshot.protocol().reader_features or ()) - _PLAIN_FEATURES
    # Deletion vectors and variants are permitted by a feature long before there is one.
    if "deletionVectors" in features and snapshot.deletion_vectors().read_all().num_rows:
        return "deletion vectors"
    if any(isinstance(f.type, VariantType) for f in snapshot.schema().fields):
        return "variant columns"
    features -= {"columnMapping", "deletionVectors", "variantType", "variantType-preview"}
    return f"the feature {min(features)}" if features else None
