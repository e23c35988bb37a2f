"""Files that a log calls by more than one name: ``/a/b`` and ``file:/a/b`` are one file.

deltalake compares the paths of actions as they are written. Among paths below the table that is
right; an absolute one may have been removed, or added again, under another spelling. Source: Delta
Lake, ``DeltaLogSuite`` ("paths should be canonicalized").
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from urllib.parse import unquote

import msgspec
from pyarrow import fs

from neuralake.config import is_remote
from neuralake.storage import filesystem

_SCHEME = re.compile(r"^[a-zA-Z][a-zA-Z0-9+.-]+:")
_FILE_SCHEME = re.compile(r"^file:/+")


class _Path(msgspec.Struct):
    path: str
    partitionValues: dict[str, str | None] | None = None  # noqa: N815 - the log's name


class _Action(msgspec.Struct):
    add: _Path | None = None
    remove: _Path | None = None


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


def written_last(uri: str, options: Mapping[str, str], version: int) -> dict[str, str | None]:
    """What the commits of a table say last of each file that has an absolute path.

    Parameters
    ----------
    uri, options
        Of the table, and what reaches it.
    version
        Of the snapshot; later commits are passed over.

    Returns
    -------
    dict
        By the place of a file the path under which it was added, or None if it was removed.
        Commits that were cleaned up, after a checkpoint, tell nothing.
    """
    last: dict[str, str | None] = {}
    for action in _actions(uri, options, version):
        if action.remove is not None:
            last[absolute(uri, action.remove.path)] = None
        if action.add is not None:
            last[absolute(uri, action.add.path)] = action.add.path
    return last


def has_empty_partition_values(uri: str, options: Mapping[str, str], version: int) -> bool:
    """Whether a commit adds a file of which a partition value is an empty string."""
    added = (action.add for action in _actions(uri, options, version))
    return any("" in (add.partitionValues or {}).values() for add in added if add is not None)


def _actions(uri: str, options: Mapping[str, str], version: int) -> Iterator[_Action]:
    """What the commits say of files, oldest first."""
    system, path = filesystem(uri, options)
    for commit in _commits(system, f"{path.rstrip('/')}/_delta_log", version):
        with system.open_input_stream(commit) as stream:
            lines = [line for line in stream.read().splitlines() if line.strip()]
        yield from (msgspec.json.decode(line, type=_Action) for line in lines)


def _commits(system: fs.FileSystem, log: str, version: int) -> list[str]:
    found = system.get_file_info(fs.FileSelector(log))
    names = sorted(i.path for i in found if re.search(r"/\d{20}\.json$", i.path))
    return [name for name in names if int(name[-25:-5]) <= version]
