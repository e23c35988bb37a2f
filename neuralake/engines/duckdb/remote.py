"""Tables on S3 through DuckDB: its extension ``httpfs`` where it can be had, or Arrow.

The extension comes from DuckDB's own server, signed, for the very version of DuckDB; a package
(``duckdb-extension-httpfs``) brings it where that server cannot be reached.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from neuralake.catalog.tables import Table
from neuralake.engines.object_storage import endpoint_of, options_by_bucket
from neuralake.engines.writing import Rows
from neuralake.errors import EngineError, reason_of
from neuralake.identifiers import quoted

if TYPE_CHECKING:
    import duckdb


def remote_reader(asked: Literal["auto", "httpfs", "arrow"]) -> Literal["httpfs", "arrow"]:
    """What can read tables on S3 here; the extension is fetched if it is not there.

    Raises
    ------
    EngineError
        If ``httpfs`` was asked for and cannot be had.
    """
    if asked == "arrow":
        return "arrow"
    import duckdb

    try:
        with duckdb.connect(":memory:") as connection:
            load_httpfs(connection, install=True)
    except EngineError as error:
        if asked == "httpfs":
            raise
        print(f"neuralake: {error}; reading tables on S3 through Arrow instead", file=sys.stderr)
        return "arrow"
    return "httpfs"


def load_httpfs(connection: duckdb.DuckDBPyConnection, *, install: bool = False) -> None:
    """Load the extension, which must be installed, or may be installed now.

    Raises
    ------
    EngineError
        If it cannot be had.
    """
    import duckdb

    try:
        try:
            connection.execute("LOAD httpfs")
        except duckdb.Error:
            if not install:
                raise
            connection.execute("INSTALL httpfs")
            connection.execute("LOAD httpfs")
    except duckdb.Error as error:
        raise EngineError(
            f"duckdb: its extension httpfs cannot be had: {reason_of(error)}"
        ) from error


def make_secrets(connection: duckdb.DuckDBPyConnection, tables: Mapping[str, Table | Rows]) -> None:
    """Let the extension reach each bucket; the secrets are the connection's and never on disk."""
    for bucket, options in options_by_bucket("DuckDB", tables).items():
        settings = {"SCOPE": f"s3://{bucket}"}
        for name, option in (
            ("KEY_ID", "aws_access_key_id"),
            ("SECRET", "aws_secret_access_key"),
            ("SESSION_TOKEN", "aws_session_token"),
            ("REGION", "aws_region"),
        ):
            if option in options:
                settings[name] = options[option]
        if (endpoint := endpoint_of(options)) is not None:
            host, is_secure = endpoint
            settings |= {"ENDPOINT": host, "URL_STYLE": "path"}
            settings["USE_SSL"] = "true" if is_secure else "false"
        given = ", ".join(f"{name} {_literal(value)}" for name, value in settings.items())
        name = quoted(f"neuralake {bucket}")
        connection.execute(f"CREATE OR REPLACE TEMPORARY SECRET {name} (TYPE s3, {given})")


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
