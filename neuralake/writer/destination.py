"""Which table is written: one of the catalog, or whatever lies at a path or URI."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePath

from neuralake.catalog import Catalog, Column, DeltaTable
from neuralake.catalog.about import warn_of_deprecated
from neuralake.catalog.columns import arrow_schema, check_schema
from neuralake.catalog.storage import require_plain
from neuralake.catalog.tables import Table
from neuralake.catalog.views import is_view
from neuralake.config import Settings, absolute_uri, is_remote
from neuralake.delta.log import NotATableError
from neuralake.delta.place import open_store
from neuralake.delta.state import load_state
from neuralake.errors import CatalogError
from neuralake.storage import one_line
from neuralake.writer.errors import WriterError
from neuralake.writer.plan import Plan


@dataclass(frozen=True)
class Destination:
    """The table that is written.

    Attributes
    ----------
    name
        By which clients call it.
    uri, storage_options
        Where it lies, and what reaches it; the options are never shown.
    columns, description
        As they are declared; nothing for a table that the catalog does not have.
    """

    name: str
    uri: str
    storage_options: Mapping[str, str] = field(default_factory=dict, repr=False)
    columns: tuple[Column, ...] = ()
    description: str = ""

    def holds(self, place: Path) -> bool:
        """Whether a place lies in the table's directory."""
        return not is_remote(self.uri) and place.resolve().is_relative_to(Path(self.uri).resolve())


def find_destination(text: str, catalog: Catalog | None, settings: Settings) -> Destination:
    """The table of a name in the catalog, or at a path or URI.

    Parameters
    ----------
    text
        What the user wrote: without a catalog a path or URI, with one a name, unless there is a
        ``/`` in it.
    catalog
        Resolved.
    settings
        What reaches object storage.

    Raises
    ------
    CatalogError
        If the catalog has no such table, or it is no Delta table.
    ConfigError
        If it is neither a path nor an ``s3://`` URI.
    """
    if catalog is None or "/" in text:
        uri = absolute_uri(text).rstrip("/")
        require_plain(uri)
        return Destination(PurePath(uri).name, uri, settings.storage_options(uri))
    table = catalog.table(text)
    warn_of_deprecated([table])
    if not isinstance(table, DeltaTable) or is_view(table) or table != table.as_of():
        what = _what(table)
        raise CatalogError(f"table {text} is {what}, which is not written: expected a DeltaTable")
    return Destination(
        table.name, table.uri, table.storage_options, table.columns, table.description
    )


def _what(table: Table) -> str:
    if is_view(table):
        return "a view, by computed or missing columns or by latest"
    return "a version of a Delta table" if isinstance(table, DeltaTable) else table.format


def check_destination(destination: Destination) -> None:
    """Refuse a table that cannot be written, before anything is started.

    Raises
    ------
    WriterError
        If there is none, or it cannot be read.
    UnsupportedTableError
        If it has a feature that the writer does not keep.
    SchemaMismatchError
        If its columns are not those declared.
    """
    try:
        state = load_state(open_store(destination.uri, destination.storage_options))
    except NotATableError as error:
        hint = "; --create makes it of its declared columns" if destination.columns else ""
        raise WriterError(f"{error}{hint}") from error
    except (OSError, ValueError) as error:
        reason = one_line(error, destination.storage_options)
        raise WriterError(f"{destination.uri} cannot be written: {reason}") from error
    check_schema(destination.name, destination.columns, Plan.of(state).layout.schema)


def create_destination(destination: Destination) -> None:
    """Make a table of its declared columns, if there is none yet.

    Raises
    ------
    CatalogError
        If no columns are declared, or the table cannot be made.
    """
    import deltalake
    from deltalake.exceptions import DeltaError

    options = dict(destination.storage_options)
    try:
        if deltalake.DeltaTable.is_deltatable(destination.uri, options):
            return
        if not destination.columns:
            raise CatalogError(
                f"{destination.uri} cannot be made: a catalog must declare its columns"
            )
        deltalake.DeltaTable.create(
            destination.uri,
            schema=deltalake.Schema.from_arrow(arrow_schema(destination.columns)),
            mode="ignore",
            name=destination.name,
            description=destination.description or None,
            storage_options=options,
        )
    except (DeltaError, OSError, ValueError) as error:
        reason = one_line(error, destination.storage_options)
        raise CatalogError(f"{destination.uri} cannot be made: {reason}") from error
