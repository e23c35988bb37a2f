"""Paths that Sail takes for what they are."""

from __future__ import annotations

import re
from collections.abc import Iterable

# In others it sees a pattern, or a URL whose escapes it does or does not resolve: it appends to a
# table below "a b" at "a%20b"
_PLAIN_PATH = re.compile(r"[\w/.,=@+~-]+", re.ASCII)


def are_plain(paths: Iterable[str]) -> bool:
    """Whether Sail takes each path for what it is; it passes over names with . or _ before."""
    return all(
        _PLAIN_PATH.fullmatch(path) and not path.rpartition("/")[2].startswith((".", "_"))
        for path in paths
    )
