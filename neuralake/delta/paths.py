"""One spelling of where a file lies, of the several that a log may use.

Paths in a log are percent-encoded, and relative to the table or not; ``/a/b``, ``file:/a/b`` and
``file:///a/b`` are one file, and so is ``b`` in the table ``/a``.
"""

from __future__ import annotations

import posixpath
from urllib.parse import unquote

from neuralake.delta.commits import decoded, is_absolute


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
