"""Tables of a run's own: the data files of others, linked, and a copy of their logs.

Files of a Delta table never change, so that a table with the same files and a log of its own is
another table, which takes as little room as its log. Nothing that is done to it is seen in the
first one, and a directory of such tables has no manifest: it is never taken for a dataset.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from pyarrow import fs

from neuralake.catalog.tables import DeltaTable
from neuralake.config import is_remote
from neuralake.errors import PlaceError
from neuralake.storage import filesystem, one_line
from neuralake.workloads.places import Target

_LOG = "_delta_log"
_LAST_CHECKPOINT = "_last_checkpoint"
# An entry, a checkpoint, a checksum, or a compaction of a log from one version to another
_OF_VERSIONS = re.compile(r"(?:\d{20}\.)*(\d{20})\.")
_COPIES_AT_ONCE = 16


def copy_tables(tables: Mapping[str, DeltaTable], place: Target) -> dict[str, DeltaTable]:
    """Tables with the rows of others at their versions, to be changed at will.

    Of a table that is pinned the log ends with that version, whatever was committed since.
    On a disk the data files are hard links, or copies where the file system has none, or another
    one; on object storage the server copies them.

    Parameters
    ----------
    tables
        By name.
    place
        An empty directory, or none yet; on object storage as the tables are.

    Returns
    -------
    dict
        The new tables by the same names, at no version of their own.

    Raises
    ------
    PlaceError
        If they cannot be made, a table has files outside of its directory, or the place is in it.
    """
    check_copyable(tables, place)
    copies = {}
    for name, table in tables.items():
        target = place.below(name)
        try:
            if is_remote(table.uri):
                _copy_objects(table, target)
            else:
                _link(Path(table.uri), Path(target.uri), table.version)
        except OSError as error:
            reason = one_line(_first(error), {**table.storage_options, **target.options})
            raise PlaceError(f"table {name} cannot be copied to {target.uri}: {reason}") from error
        options = target.options or table.storage_options
        copies[name] = replace(
            table, location=target.uri, storage_options=options, version=None, hides_nan=None
        )
    return copies


def check_copyable(tables: Mapping[str, DeltaTable], place: Target) -> None:
    """Raise ``PlaceError`` if :func:`copy_tables` would: a run knows before it begins."""
    for name, table in tables.items():
        outside = [uri for uri in table.places() if uri != table.uri]
        if outside:
            raise PlaceError(
                f"table {name} at {table.uri} has data files elsewhere ({outside[0]}): "
                "a run needs a copy of its own, which would not hold them"
            )
        if is_remote(table.uri) != is_remote(place.uri):
            raise PlaceError(
                f"table {name} lies at {table.uri}, and its copy would below {place.uri}: "
                "expected both on disk, or both on object storage; name a place with --to"
            )
        if _is_within(place.uri, table.uri):
            raise PlaceError(
                f"table {name} lies at {table.uri}, and its copy would within it, at {place.uri}: "
                "name a place outside of the tables with --to"
            )


def _first(error: OSError) -> BaseException:
    """Of the errors of all files of a directory, which are collected, the first."""
    if isinstance(error, shutil.Error) and isinstance(error.args[0], list):
        _, _, reason = error.args[0][0]
        return OSError(reason)
    return error


def _is_within(place: str, table: str) -> bool:
    if is_remote(table):
        return f"{place.rstrip('/')}/".startswith(f"{table.rstrip('/')}/")
    return Path(place).resolve().is_relative_to(Path(table).resolve())


def _later(names: Iterable[str], version: int | None) -> set[str]:
    """Files of a log that tell of versions after one; none where there is no such version."""
    if version is None:
        return set()
    names = list(names)
    found = {n for n in names if (m := _OF_VERSIONS.match(n)) and int(m[1]) > version}
    return found | ({_LAST_CHECKPOINT} & set(names)) if found else set()


def _link(source: Path, target: Path, version: int | None) -> None:
    def left_out(directory: str, names: list[str]) -> set[str]:
        return _later(names, version) if Path(directory) == source / _LOG else set()

    shutil.copytree(source, target, ignore=left_out, copy_function=_link_or_copy)


def _link_or_copy(source: str, target: str) -> None:
    # an entry of the log is tiny, and its last checkpoint's name is written in place by some
    if _LOG in Path(source).parts:
        shutil.copyfile(source, target)
        return
    try:
        os.link(source, target)
    except OSError:  # another device, or a file system without links
        shutil.copyfile(source, target)


def _copy_objects(table: DeltaTable, target: Target) -> None:
    objects, source = filesystem(table.uri, table.storage_options)
    _, destination = filesystem(target.uri, target.options)
    found = objects.get_file_info(fs.FileSelector(source, recursive=True))
    log = f"{source.rstrip('/')}/{_LOG}/"
    in_log = [info.path.removeprefix(log) for info in found if info.path.startswith(log)]
    later = {f"{log}{name}" for name in _later(in_log, table.version)}
    files = [
        info.path for info in found if info.type == fs.FileType.File and info.path not in later
    ]
    with ThreadPoolExecutor(_COPIES_AT_ONCE) as pool:
        moves = [
            pool.submit(objects.copy_file, path, f"{destination}{path.removeprefix(source)}")
            for path in files
        ]
        for move in moves:
            move.result()
