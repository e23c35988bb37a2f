"""One spelling of where a file lies, of the several that a log may use.

Paths in a log are percent-encoded, and relative to the table or not; ``/a/b``, ``file:/a/b`` and
``file:///a/b`` are one file, and so is ``b`` in the table ``/a``.
"""

from __future__ import annotations

import posixpath
import re
from urllib.parse import unquote

from neuralake.config import is_remote

_SCHEME = re.compile(r"^[a-zA-Z][a-zA-Z0-9+.-]+:")
_FILE_SCHEME = re.compile(r"^file:/+")


def is_absolute(path: str) -> bool:
    """Whether a path of the log, as it is written there, is not below the table."""
    return bool(_SCHEME.match(path)) or path.startswith("/")


def absolute(uri: str, path: str) -> str:
    """Where a file of the log lies: paths there are percent-encoded, and relative or not.

    Parameters
    ----------
    uri
        Of the table.
    path
        As it is written in the log.
    """
    return decoded(path) if is_absolute(path) else f"{uri.rstrip('/')}/{unquote(path)}"


def decoded(uri: str) -> str:
    """A path of this machine without scheme and percent-encoding, or the URI of an object."""
    if is_remote(uri):
        return re.sub(r"^s3a?://", "s3://", unquote(uri), flags=re.IGNORECASE)
    return unquote(_FILE_SCHEME.sub("/", uri))


def placed(uri: str, path: str) -> str:
    """Where a file of a log lies.

    Parameters
    ----------
    uri
        Of the table: an absolute path, or the URI of an object store.
    path
        As it is written in the log.

    Returns
    -------
    str
        Its path below the table, not percent-encoded; or, if it lies elsewhere, its absolute path
        or URI.
    """
    if is_absolute(path):
        return decoded(path).removeprefix(f"{uri.rstrip('/')}/")
    place = unquote(path)
    return posixpath.normpath(place) if "//" in place or "./" in place else place
