"""DuckDB's own writer of Delta tables: ``INSERT``, by its extension ``delta``.

DuckDB writes Delta tables with that extension alone, which is no part of its wheel: it comes from
DuckDB's repository over the network. It is not fetched behind anybody's back; where it is not
installed, the contestant says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from neuralake.config import is_remote
from neuralake.workloads.ingest.batches import Batches
from neuralake.workloads.ingest.contestants.protocol import Appender, Receipt
from neuralake.workloads.places import Target

if TYPE_CHECKING:
    import duckdb

_NOTHING = Receipt()
_TABLE = "events"
_BATCH = "batch_of_rows"


class ByDuckDB:
    """DuckDB in this process, one connection a producer."""

    name = "duckdb"
    makes_tables = True

    def __init__(self, target: Target) -> None:
        self._target = target
        self.settings: Mapping[str, Any] = {"mode": "INSERT", "extension": "delta"}

    @classmethod
    def unavailable(cls, target: Target) -> str | None:
        """Why DuckDB cannot write there."""
        if find_spec("duckdb") is None:
            return "duckdb is not installed: pip install 'neuralake-bench[duckdb]'"
        if is_remote(target.uri):
            return "DuckDB's extension delta is measured on local disk only"
        try:
            _connect().close()
        except Exception:  # noqa: BLE001 (whatever DuckDB says of what it does not have)
            return (
                "DuckDB writes Delta tables with its extension delta alone, which is not "
                f"installed: run INSTALL delta in DuckDB {version('duckdb')}, with access to its "
                "repository"
            )
        return None

    def versions(self) -> dict[str, str]:
        """Of DuckDB, and of its extension."""
        connection = _connect()
        found = connection.execute(
            "SELECT extension_version FROM duckdb_extensions() WHERE extension_name = 'delta'"
        ).fetchone()
        connection.close()
        return {"duckdb": version("duckdb"), "delta extension": str(found[0]) if found else ""}

    def appender(self, batches: Batches) -> Appender:  # noqa: ARG002
        """One with a connection of its own."""
        return _Inserts(self._target)

    def close(self) -> None:
        """Connections are closed by whoever has one."""


class _Inserts:
    def __init__(self, target: Target) -> None:
        self._connection = _connect()
        uri = target.uri.replace("'", "''")
        self._connection.execute(f"ATTACH '{uri}' AS {_TABLE} (TYPE delta)")

    def append(self, batch: pa.RecordBatch, number: int) -> Receipt:  # noqa: ARG002
        self._connection.register(_BATCH, batch)
        self._connection.execute(f"INSERT INTO {_TABLE} FROM {_BATCH}")
        return _NOTHING

    def close(self) -> None:
        self._connection.close()


def _connect() -> duckdb.DuckDBPyConnection:
    import duckdb

    connection = duckdb.connect(
        ":memory:", config={"autoinstall_known_extensions": False, "TimeZone": "UTC"}
    )
    connection.execute("LOAD delta")
    return connection
