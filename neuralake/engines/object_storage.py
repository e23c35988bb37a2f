"""What adapters have in common about tables on S3: where they lie, and what reaches them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

from neuralake.catalog.tables import Table
from neuralake.config import is_remote
from neuralake.engines.writing import Rows
from neuralake.errors import EngineError


def are_remote(tables: Iterable[Table]) -> bool:
    """Whether one of the tables lies on S3."""
    return any(is_remote(getattr(table, "uri", "")) for table in tables)


def options_by_bucket(
    engine: str, tables: Mapping[str, Table | Rows]
) -> dict[str, Mapping[str, str]]:
    """Storage options of each bucket, for an engine that is told them by the bucket.

    Parameters
    ----------
    engine
        For messages.
    tables
        By their names; rows that are to be written likewise.

    Raises
    ------
    EngineError
        If two tables of one bucket are reached in different ways.
    """
    found: dict[str, tuple[str, Mapping[str, str]]] = {}
    for name, table in tables.items():
        uri = getattr(table, "uri", "")
        if not is_remote(uri):
            continue
        bucket = urlsplit(uri).netloc
        options = dict(getattr(table, "storage_options", {}))
        other, known = found.setdefault(bucket, (name, options))
        if known != options:
            raise EngineError(
                f"tables {other} and {name} lie in the bucket {bucket} and have other storage "
                f"options, which {engine} takes by the bucket: give both the same"
            )
    return {bucket: options for bucket, (_, options) in found.items()}


def endpoint_of(options: Mapping[str, str]) -> tuple[str, bool] | None:
    """Host and port of the service, and whether it is reached by TLS; None for Amazon's own."""
    endpoint = options.get("aws_endpoint_url")
    if endpoint is None:
        return None
    parts = urlsplit(endpoint)
    return parts.netloc + parts.path.rstrip("/"), parts.scheme == "https"
