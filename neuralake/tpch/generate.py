"""Makes a TPC-H dataset: eight Delta tables on disk or S3, whole or not at all.

The generator writes the Parquet files where they stay; then each table gets its transaction log.
Checksums and the writing of the page cache to the disk happen while the generator is at work.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from importlib import import_module
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from neuralake.catalog.storage import require_plain
from neuralake.config import is_remote
from neuralake.delta.disk import sync_directory
from neuralake.errors import ConfigError, DatasetError, StorageError
from neuralake.machine import cores
from neuralake.tpch.existing import load_manifest
from neuralake.tpch.follow import Follower
from neuralake.tpch.layout import Layout
from neuralake.tpch.manifest import MANIFEST_NAME, DataFile, GeneratedTable, Manifest
from neuralake.tpch.parts import (
    DISK_FLOOR_BYTES,
    DISK_MARGIN,
    check_rows,
    check_space,
    commit_facts,
    generated_table,
    new_manifest,
)
from neuralake.tpch.progress import Progress, no_progress
from neuralake.tpch.scale import TABLE_NAMES, check_scale_factor, estimate_bytes
from neuralake.tpch.staging import Staging, clean, staging, sync_file, write_durably
from neuralake.tpch.tpchgen import Tpchgen, running, watch

if TYPE_CHECKING:
    from neuralake.tpch.spread import Hands

_LOOK_INTERVAL_S = 0.1
_COMMIT_MODULE = "neuralake.tpch.commit"


def generate(
    scale_factor: float,
    uri: str,
    *,
    storage_options: Mapping[str, str] | None = None,
    layout: Layout | None = None,
    verify: bool = False,
    progress: Progress = no_progress,
    hands: Hands | None = None,
) -> Manifest:
    """Make a dataset, unless it is there already.

    Parameters
    ----------
    scale_factor
        TPC-H scale factor, 0.001 to 100000.
    uri
        Directory that is absent or empty, or holds the dataset; or the ``s3://`` URI of such a
        prefix.
    storage_options
        What reaches S3.
    layout
        Options of the Parquet writer. None takes the defaults for a new dataset, and leaves an
        existing one as it is.
    verify
        Compare the checksums of a dataset that exists, which reads it once.
    progress
        Told the bytes written, several times a second; of others' hands, at the end.
    hands
        Who makes the files (:class:`neuralake.tpch.spread.Hands`); None is this machine.

    Returns
    -------
    Manifest
        What the dataset consists of.

    Raises
    ------
    DatasetError
        If an argument is impossible, the directory holds anything else, or the dataset cannot be
        written; no part of one is left behind.
    BusyError
        If another process makes a dataset in the same place.
    StorageError
        If S3 is away, refuses, or lacks the bucket.
    """
    scale_factor = float(scale_factor)
    check_scale_factor(scale_factor)
    if is_remote(uri):
        return _generate_remote(
            scale_factor,
            uri,
            storage_options or {},
            layout,
            verify=verify,
            progress=progress,
            hands=hands,
        )
    wanted = (layout or Layout()).at(scale_factor)
    load = partial(load_manifest, scale_factor=scale_factor, layout=layout, verify=verify)
    try:
        target = _target(uri)
        if not _is_vacant(target):
            manifest = load(str(target))
            clean(target)
            return manifest
        with staging(target) as stage:
            # Somebody else may have made it before we had the lock.
            if not _is_vacant(target):
                return load(str(target))
            make = _make if hands is None else partial(_have_made, hands)
            manifest = make(stage, scale_factor, wanted, progress)
            stage.publish()
            return manifest
    except OSError as error:
        advice = "name a place with --to, or set NEURALAKE_STORAGE_ROOT"
        raise DatasetError(f"{_reason(uri, error)}; {advice}") from error


def _generate_remote(
    scale_factor: float,
    uri: str,
    options: Mapping[str, str],
    layout: Layout | None,
    *,
    verify: bool,
    progress: Progress,
    hands: Hands | None,
) -> Manifest:
    from neuralake.tpch.remote import generate_remote

    try:
        return generate_remote(
            scale_factor,
            uri,
            options,
            layout=layout,
            verify=verify,
            progress=progress,
            hands=hands,
        )
    except StorageError:
        raise
    except OSError as error:
        raise DatasetError(_reason(uri, error)) from error


def _target(uri: str) -> Path:
    """The directory itself where the path is a link to it, as it is replaced by a rename."""
    target = Path(uri).resolve()
    if "%" in str(target):
        # deltalake 1.6 takes %20 in a path for a space, and so looks elsewhere.
        raise DatasetError(f"{target} holds a percent sign, which Delta tables cannot lie under")
    try:
        require_plain(str(target))
    except ConfigError as error:
        raise DatasetError(str(error)) from error
    return target


def _is_vacant(target: Path) -> bool:
    """Whether a directory can be renamed to this path."""
    if not target.exists():
        return True
    if not target.is_dir() or any(target.iterdir()):
        return False
    if target.is_mount():
        raise DatasetError(f"{target} is a mount point: give a directory within it")
    return True


def _make(stage: Staging, scale_factor: float, layout: Layout, progress: Progress) -> Manifest:
    """Fill the staging directory, down to the last byte that has to be on the disk."""
    tpchgen = Tpchgen.installed()
    expected_bytes = estimate_bytes(scale_factor, layout)
    check_space(
        stage.destination.parent,
        scale_factor,
        round(expected_bytes * DISK_MARGIN) + DISK_FLOOR_BYTES,
    )
    command = tpchgen.command(scale_factor, layout, stage.directory)
    with closing(Follower(stage.directory)) as follower, ThreadPoolExecutor(cores()) as executor:

        def look() -> None:
            follower.follow(executor)
            progress(follower.bytes_written, expected_bytes)

        with running(command, stage.lock_descriptor) as process:
            # Importing pyarrow and deltalake takes as long as committing eight tables.
            executor.submit(import_module, _COMMIT_MODULE)
            watch(process, _LOOK_INTERVAL_S, look)
        files = follower.finish(executor)
        facts = commit_facts(tpchgen, scale_factor)
        make_table = partial(_make_table, stage.directory, scale_factor, files, facts)
        tables = dict(zip(TABLE_NAMES, executor.map(make_table, TABLE_NAMES), strict=True))
        # When all are there: a file system with a journal then writes it once, and not eight times
        list(
            executor.map(
                lambda table: _make_last(stage.directory / table.log.path), tables.values()
            )
        )
    manifest = new_manifest(tpchgen, scale_factor, layout, tables)
    write_durably(stage.directory / MANIFEST_NAME, manifest.to_json())
    sync_directory(stage.directory)
    return manifest


def _have_made(
    hands: Hands, stage: Staging, scale_factor: float, layout: Layout, progress: Progress
) -> Manifest:
    """Have others fill the staging directory, and see that its last byte is on the disk."""
    from neuralake.tpch.part_job import Commission
    from neuralake.tpch.spread import commit_parts, make_parts

    tpchgen = Tpchgen.installed()
    made = make_parts(Commission(scale_factor, layout, tpchgen.name, str(stage.directory)), hands)
    facts = commit_facts(tpchgen, scale_factor)
    tables = {
        name: commit_parts(stage.directory, scale_factor, made, facts, name) for name in TABLE_NAMES
    }
    for table in tables.values():
        _make_last(stage.directory / table.log.path)
    manifest = new_manifest(tpchgen, scale_factor, layout, tables)
    progress(manifest.size_bytes, manifest.size_bytes)
    write_durably(stage.directory / MANIFEST_NAME, manifest.to_json())
    sync_directory(stage.directory)
    return manifest


def _make_table(
    root: Path,
    scale_factor: float,
    files: Mapping[str, DataFile],
    facts: Mapping[str, str],
    name: str,
) -> GeneratedTable:
    """Commit one table and check its rows."""
    from neuralake.tpch.commit import commit
    from neuralake.tpch.tables import TABLES

    directory = root / name
    names = [PurePosixPath(path).name for path in files if path.startswith(f"{name}/")]
    committed = commit(TABLES[name], directory, names, facts)
    check_rows(name, committed.rows, scale_factor)
    for empty in set(names).difference(committed.files):
        (directory / empty).unlink()
    return generated_table(root, name, committed, files)


def _make_last(log: Path) -> None:
    """See that a table's entries on the disk last: its log, whose files have been synced before."""
    sync_file(log)
    sync_directory(log.parent)
    sync_directory(log.parent.parent)


def _reason(uri: str, error: OSError) -> str:
    what = error.strerror or str(error)
    where = f" ({error.filename})" if error.filename else ""
    return f"the dataset cannot be written to {uri}: {what}{where}"
