"""Where tables lie: on disk or S3, with the options that reach them under one name each."""

from __future__ import annotations

import re
from collections.abc import Mapping
from os import PathLike, fspath
from pathlib import Path

from neuralake.config import Settings, is_remote
from neuralake.errors import CatalogError, ConfigError

# object_store accepts several names for one option; two of them in one mapping would compete.
_CANONICAL = {
    "endpoint": "aws_endpoint_url",
    "endpoint_url": "aws_endpoint_url",
    "endpoint_url_s3": "aws_endpoint_url",
    "region": "aws_region",
    "default_region": "aws_region",
    "access_key_id": "aws_access_key_id",
    "secret_access_key": "aws_secret_access_key",
    "session_token": "aws_session_token",
    "token": "aws_session_token",
    "allow_http": "aws_allow_http",
}
# deltalake decodes the first, cuts at the next, and walks or refuses the others
_TAKEN_APART = re.compile(r"%[0-9A-Fa-f]{2}|[?#]|\\|(?<=/)\.{1,2}(?=/|$)|(?<!:)//")
# It takes a backslash for a slash, and refuses the others: surrogates are what is no UTF-8
_UNREADABLE = re.compile(r"[\\\x00-\x1f\x7f\ud800-\udfff]")


def resolve_location(
    table: str, location: str | PathLike[str], options: Mapping[str, str], settings: Settings
) -> tuple[str, dict[str, str]]:
    """Absolute URI of a table, and the storage options that reach it.

    A table's own options go before the environment's, and are under the same rule: production
    refuses plain HTTP to a host that is not named.
    """
    if not isinstance(location, str | PathLike) or not fspath(location):
        raise CatalogError(f"table {table} has the location {location!r}: expected a path or a URI")
    try:
        uri = settings.uri(fspath(location))
        if not is_remote(uri):
            return uri, {}
        own = canonical_options(options)
        # Whether plain HTTP is allowed follows from the endpoint; a table cannot say so itself.
        own.pop("aws_allow_http", None)
        if (endpoint := own.get("aws_endpoint_url")) is not None:
            is_plain_http = settings.check_endpoint(endpoint, "the storage option aws_endpoint_url")
            own["aws_allow_http"] = "true" if is_plain_http else "false"
    except ConfigError as error:
        raise CatalogError(f"table {table}: {error}") from error
    return uri, {**settings.storage_options(uri), **own}


def canonical_options(options: Mapping[str, str]) -> dict[str, str]:
    """Options under the names that deltalake, Polars and object_store share."""
    lowered = {key.lower(): value for key, value in options.items()}
    return {_CANONICAL.get(key.removeprefix("aws_"), key): lowered[key] for key in lowered}


def require_plain(uri: str) -> None:
    """Refuse a place of a Delta table that deltalake would look for elsewhere, or cannot name.

    Raises
    ------
    ConfigError
        If the URI has what deltalake decodes or cuts, or parts that are empty or dots; or the path
        a backslash, a control character, or bytes that are no UTF-8.
    """
    if is_remote(uri):
        if (found := _TAKEN_APART.search(uri.rstrip("/"))) is not None:
            raise ConfigError(
                f"the location {uri} has {found[0]!r}, by which readers of Delta tables look in "
                "different places: expected a key without %XX, ?, #, \\, // and parts of dots"
            )
    elif (found := _UNREADABLE.search(uri)) is not None:
        raise ConfigError(
            f"the location {uri!r} has {found[0]!r}, by which readers of Delta tables look "
            "elsewhere or fail: expected a path in UTF-8 without backslashes and control characters"
        )


def require_absolute(table: str, location: str) -> None:
    """Refuse a location that is relative still: it would be read from wherever the process is."""
    if not is_remote(location) and not Path(location).is_absolute():
        raise CatalogError(
            f"table {table} has the relative location {location!r}: "
            f"call resolve(settings) before reading it"
        )
