"""Object storage and disk through one door: its file system, and errors that keep its secrets."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from pyarrow import fs

from neuralake.config import is_remote
from neuralake.errors import reason_of

_SECRET = re.compile(r"key|secret|token|password|credential", re.IGNORECASE)


def filesystem(uri: str, options: Mapping[str, str]) -> tuple[fs.FileSystem, str]:
    """Pyarrow's file system for a URI, and the path in it."""
    if not is_remote(uri):
        return fs.LocalFileSystem(), uri
    arguments = {
        "endpoint_override": options.get("aws_endpoint_url"),
        "region": options.get("aws_region"),
        "access_key": options.get("aws_access_key_id"),
        "secret_key": options.get("aws_secret_access_key"),
        "session_token": options.get("aws_session_token"),
    }
    given = {key: value for key, value in arguments.items() if value is not None}
    return fs.S3FileSystem(**given), uri.split("://", 1)[1]


def one_line(error: BaseException, options: Mapping[str, str]) -> str:
    """A library's error as one short line without colours, backtrace and secrets."""
    return reason_of(error, _secrets(options))


def _secrets(options: Mapping[str, str]) -> Iterable[str]:
    found = (value for key, value in options.items() if value and _SECRET.search(key))
    return sorted(found, key=len, reverse=True)
