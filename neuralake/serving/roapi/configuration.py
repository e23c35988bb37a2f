"""ROAPI's configuration of a catalog: every table that it can serve, and nothing secret.

Source: ROAPI's ``config.rs``, ``columnq/src/table/mod.rs`` and its documentation of Delta Lake and
Parquet tables, of 0.12.7.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from neuralake.catalog.about import warn_of_deprecated
from neuralake.catalog.catalog import Catalog
from neuralake.catalog.tables import DeltaTable, ParquetTable, Table
from neuralake.config import Settings
from neuralake.errors import CatalogError, ServingError
from neuralake.lists import require_once
from neuralake.serving.roapi.refusals import Freshness, refusal

# No one can connect to a broadcast address over TCP: Linux answers no SYN that is sent to one.
# ROAPI opens these listeners whatever its configuration says, and asks nobody for a token there.
NOWHERE = "127.255.255.255:0"


@dataclass(frozen=True)
class RoapiOptions:
    """How ROAPI serves.

    Attributes
    ----------
    freshness
        What it keeps of the tables, and whether it sees later commits.
    reload_s
        With :attr:`Freshness.RELOAD`, how often it looks for commits, in whole seconds.
    listen
        ``host:port`` of its HTTP.
    """

    freshness: Freshness = Freshness.MEMORY
    reload_s: int = 1
    listen: str = "127.0.0.1:8080"


def chosen_tables(catalog: Catalog, names: Sequence[str]) -> dict[str, Table]:
    """Tables of a catalog by their names: those that are named, or all.

    Raises
    ------
    CatalogError
        If a name is not there, or is in two databases.
    """
    found = [catalog.table(name) for name in names]
    require_once((table.name for table in found), "table", CatalogError)
    chosen = {table.name: table for table in found} if names else catalog.tables()
    warn_of_deprecated(chosen.values())
    return chosen


def check_tables(
    tables: Mapping[str, Table], freshness: Freshness, settings: Settings
) -> dict[str, DeltaTable | ParquetTable]:
    """The tables, if ROAPI serves each of them rightly.

    Parameters
    ----------
    tables
        Resolved, by name.
    freshness
        How they would be served.
    settings
        Whose storage options ROAPI finds in its environment.

    Raises
    ------
    ServingError
        Naming each table that it cannot serve, and why.
    """
    if not tables:
        raise ServingError("no table to serve: the catalog is empty")
    reasons = {name: refusal(table, freshness, settings) for name, table in tables.items()}
    refused = [f"{name}: {reason}" for name, reason in reasons.items() if reason is not None]
    if refused:
        raise ServingError(
            f"ROAPI cannot serve {len(refused)} of {len(tables)} tables ({'; '.join(refused)}): "
            "choose others with --table, or serve with --server datafusion"
        )
    return {n: t for n, t in tables.items() if isinstance(t, DeltaTable | ParquetTable)}


def roapi_configuration(
    tables: Mapping[str, Table], settings: Settings, options: RoapiOptions | None = None
) -> str:
    """The configuration as YAML.

    Credentials are not in it: ROAPI takes them from the variables of its environment (``AWS_…``).

    Parameters
    ----------
    tables
        Resolved, by the names under which they are served.
    settings
        From the environment.
    options
        How it serves.

    Raises
    ------
    ServingError
        If ROAPI cannot serve one of the tables, or answers wrongly of it.
    """
    options = options or RoapiOptions()
    served = check_tables(tables, options.freshness, settings)
    is_writable = options.freshness is Freshness.RELOAD
    lines = [
        "# ROAPI asks nobody for a token, and its SQL has COPY … TO, which writes files as its",
        "# user: let no one reach it whom you would not let do that.",
        "addr:",
        f"  http: {_scalar(options.listen)}",
        "  # ROAPI opens these in any case; to this address nobody can connect.",
        f"  postgres: {_scalar(NOWHERE)}",
        f"  flight_sql: {_scalar(NOWHERE)}",
        "# Read-only, ROAPI sees no commit that is made after its start. Otherwise any client may",
        "# register and drop tables, and a slow query holds up all others.",
        f"disable_read_only: {_scalar(is_writable)}",
    ]
    if is_writable:
        lines += ["reload_interval:", f"  secs: {options.reload_s}", "  nanos: 0"]
    lines.append("tables:")
    for name, table in served.items():
        lines += [
            f"  - name: {_scalar(name)}",
            f"    uri: {_scalar(_location(table))}",
            "    option:",
            f"      format: {_scalar(table.format)}",
            f"      use_memory_table: {_scalar(options.freshness.is_in_memory)}",
        ]
    return "\n".join(lines) + "\n"


def _location(table: DeltaTable | ParquetTable) -> str:
    """Where a table lies, as ROAPI must be told: on S3 it knows a prefix by its slash alone."""
    if isinstance(table, DeltaTable) or table.files() == [table.uri]:
        return table.uri
    return f"{table.uri.rstrip('/')}/"


def write_configuration(text: str, place: Path) -> None:
    """Write a configuration in the place of what is there: whole, or not at all.

    Raises
    ------
    ServingError
        If it cannot be written there.
    """
    try:
        with TemporaryDirectory(dir=place.parent, prefix=".neuralake-") as directory:
            written = Path(directory) / place.name
            written.write_text(text, encoding="utf-8")
            written.replace(place)
    except OSError as error:
        raise ServingError(f"cannot write {place}: {error.strerror or error}") from error


def _scalar(value: str | bool) -> str:
    """A scalar of JSON, which is one of YAML."""
    return json.dumps(value, ensure_ascii=False)
