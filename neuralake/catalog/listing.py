"""Which Parquet files a location means: one rule for disk and object storage."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from pyarrow import fs

from neuralake.errors import CatalogError

_WILDCARD = re.compile(r"[*?\[]")
_SUFFIXES = (".parquet", ".parq", ".pq")


def is_parquet(path: str) -> bool:
    """Whether a file's name says that it is Parquet, be it in capitals."""
    return path.lower().endswith(_SUFFIXES)


def list_parquet(table: str, uri: str, system: fs.FileSystem, location: str) -> list[str]:
    """Sorted paths of the files that a file, a directory or a glob means.

    A path that exists is taken by its name, whatever characters are in it; only one that does not
    exist is a glob.

    Parameters
    ----------
    table, uri
        Name and URI of the table, for messages.
    system
        File system to list.
    location
        Path in it.

    Raises
    ------
    CatalogError
        If there is no such file, a link leads nowhere or in a circle, or reading the files alone
        would give wrong rows: a Delta table (files may be deleted) or one of Iceberg or Hudi, Hive
        partitions (columns are in the paths).
    """
    location = location.rstrip("/") or "/"
    kind = system.get_file_info(location).type
    if kind == fs.FileType.File:
        return [location]
    if kind == fs.FileType.Directory:
        base = location
        files = [f for f in _below(table, system, base, deep=True) if is_parquet(f)]
    elif _WILDCARD.search(location):
        base = _fixed_part(location)
        pattern = _parts_below(base, location)
        found = _below(table, system, base, deep=len(pattern) > 1 or pattern == ("**",))
        files = [f for f in found if _matches(_parts_below(base, f), pattern)]
    else:
        raise CatalogError(f"table {table}: no Parquet file at {uri}, which does not exist")
    if not files:
        raise CatalogError(f"table {table}: no Parquet file at {uri}")
    _refuse_hive(table, uri, base, files)
    refuse_tables(table, uri, system, {base, *(f.rpartition("/")[0] for f in files)})
    return sorted(files)


def _below(table: str, system: fs.FileSystem, directory: str, *, deep: bool) -> list[str]:
    """Files under a directory that are not hidden, as engines understand hidden."""
    if isinstance(system, fs.LocalFileSystem):
        return list(_on_disk(table, directory, deep=deep)) if Path(directory).is_dir() else []
    selector = fs.FileSelector(directory, allow_not_found=True, recursive=deep)
    found = [i.path for i in system.get_file_info(selector) if i.type == fs.FileType.File]
    return [path for path in found if not any(map(_is_hidden, _parts_below(directory, path)))]


def _on_disk(
    table: str, directory: str, *, deep: bool, above: tuple[str, ...] = ()
) -> Iterator[str]:
    """The same on disk, where links may lead nowhere, or back to where they are."""
    above = (*above, os.path.realpath(directory))
    with os.scandir(directory) as entries:
        for entry in entries:
            if _is_hidden(entry.name):
                continue
            if entry.is_dir():
                if os.path.realpath(entry.path) in above:
                    raise CatalogError(
                        f"table {table}: {entry.path} leads back to a directory that it is in: its "
                        f"files would be read again and again"
                    )
                if deep:
                    yield from _on_disk(table, entry.path, deep=True, above=above)
            elif entry.is_file():
                yield entry.path
            elif entry.is_symlink() and is_parquet(entry.name):
                raise CatalogError(
                    f"table {table}: {entry.path} is a link to {Path(entry.path).readlink()}, "
                    f"which is not there"
                )


def _is_hidden(name: str) -> bool:
    """As engines have it: a partition may be called ``_day=1``, but nothing else with ``_``."""
    return name.startswith(".") or (name.startswith("_") and "=" not in name)


def _parts_below(base: str, path: str) -> tuple[str, ...]:
    return PurePosixPath(path).parts[len(PurePosixPath(base).parts) :]


def _refuse_hive(table: str, uri: str, base: str, files: list[str]) -> None:
    for file in files:
        for part in _parts_below(base, file)[:-1]:
            if "=" in part:
                raise CatalogError(
                    f"table {table}: there are Hive partitions ({part}) at {uri}, whose values are "
                    f"not in the files: declare partitioned_by='infer', or the columns"
                )


def refuse_tables(table: str, uri: str, system: fs.FileSystem, directories: set[str]) -> None:
    """Refuse the data files of a table format: which of them are the rows, its metadata says."""
    logs = [f"{directory}/_delta_log" for directory in directories]
    if _has_directory(system, logs):
        raise CatalogError(f"table {table}: Delta files at {uri}: declare it as DeltaTable")
    around = directories | {directory.rpartition("/")[0] or "/" for directory in directories}
    for name, place in (("Iceberg", "metadata"), ("Hudi", ".hoodie")):
        found = [f"{directory}/{place}" for directory in around]
        is_other = _has_directory(system, found)
        if is_other and (name == "Hudi" or _has_iceberg_metadata(system, found)):
            raise CatalogError(
                f"table {table}: the files at {uri} are of {name}, whose metadata says which are "
                f"the rows: Neuralake reads Delta and plain Parquet; write it as one of them"
            )


def _has_directory(system: fs.FileSystem, paths: Sequence[str]) -> bool:
    return any(i.type == fs.FileType.Directory for i in system.get_file_info(list(paths)))


def _has_iceberg_metadata(system: fs.FileSystem, directories: Sequence[str]) -> bool:
    selectors = (fs.FileSelector(directory, allow_not_found=True) for directory in directories)
    found = (info.path for selector in selectors for info in system.get_file_info(selector))
    return any(path.endswith((".metadata.json", ".metadata.json.gz")) for path in found)


def _fixed_part(pattern: str) -> str:
    """The directory before the first wildcard."""
    start = _WILDCARD.search(pattern)
    head = pattern[: start.start()] if start else pattern
    return head.rpartition("/")[0] or "/"


def _matches(path: Sequence[str], pattern: Sequence[str]) -> bool:
    """Whether the parts of a path match those of a glob, in which only ``**`` spans several."""
    if not path or not pattern:
        return not path and all(part == "**" for part in pattern)
    if pattern[0] == "**":
        return _matches(path, pattern[1:]) or _matches(path[1:], pattern)
    return fnmatchcase(path[0], pattern[0]) and _matches(path[1:], pattern[1:])
