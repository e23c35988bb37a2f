"""Files of a dataset, made where a job runs: by the generator there, straight to their place.

A job may be run again, by an executor that another one's death made necessary, or by two at once:
the generator's files are the same bytes each time, and each attempt works under a name of its own
until its files are whole. A job has several tables, as each start of the generator takes most of a
second of CPU time before the first row (it makes the text of all comments).
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from neuralake.config import is_remote
from neuralake.delta.disk import sync_directory
from neuralake.delta.objects import ObjectStore
from neuralake.errors import DatasetError
from neuralake.tpch.checksum import file_checksum
from neuralake.tpch.claim import is_given_up, require_held
from neuralake.tpch.commit import DescribedFile, describe
from neuralake.tpch.layout import Layout
from neuralake.tpch.manifest import MANIFEST_NAME, DataFile
from neuralake.tpch.staging import sync_file
from neuralake.tpch.tables import TABLES
from neuralake.tpch.tpchgen import Tpchgen, environment

# Beside the tables' directories, so that a file is renamed within one file system
_ATTEMPT_PREFIX = ".attempt-"


@dataclass(frozen=True)
class Commission:
    """What all jobs of a dataset have in common.

    Attributes
    ----------
    scale_factor
        TPC-H scale factor.
    layout
        With its number of files.
    generator
        Name and version that must make it.
    destination
        Directory of the dataset in the making, which all who run jobs see; or its ``s3://`` URI.
    storage_options
        What reaches S3.
    claim
        On S3 the token of the claim for which the files are made (:mod:`neuralake.tpch.claim`).
    """

    scale_factor: float
    layout: Layout
    generator: str
    destination: str
    storage_options: Mapping[str, str] = field(default_factory=dict, repr=False)
    claim: str = ""


@dataclass(frozen=True)
class PartJob:
    """Which files to make.

    Attributes
    ----------
    tables
        Their names.
    part
        Of each of them, from 1 on; a table that is never split has only the first.
    """

    tables: tuple[str, ...]
    part: int


@dataclass(frozen=True)
class MadePart:
    """A file that is in its place; one without rows is not.

    Attributes
    ----------
    file
        Its path, size and checksum.
    described
        What Delta wants to know of it.
    """

    file: DataFile
    described: DescribedFile


@dataclass(frozen=True)
class Made:
    """What came of a job.

    Attributes
    ----------
    part, tables
        Of the job.
    files
        That were made.
    """

    part: int
    tables: tuple[str, ...]
    files: tuple[MadePart, ...]


def run_part(commission: bytes, job: bytes) -> bytes:
    """Carry out a job of a commission; all are JSON, to pass between Pythons.

    Raises
    ------
    DatasetError
        If the generator here is another one or fails, the destination is not seen from here, or
        the dataset is not made any more.
    StorageError
        If S3 is away, or refuses.
    """
    made = make_part(
        msgspec.json.decode(commission, type=Commission), msgspec.json.decode(job, type=PartJob)
    )
    return msgspec.json.encode(made)


def make_part(commission: Commission, job: PartJob) -> Made:
    """Carry out a job; see :func:`run_part`."""
    tpchgen = Tpchgen.installed()
    if tpchgen.name != commission.generator:
        raise DatasetError(
            f"{tpchgen.name} is installed where a part is to be made, and {commission.generator} "
            "where the dataset is put together: install the same version"
        )
    if is_remote(commission.destination):
        with tempfile.TemporaryDirectory(prefix="neuralake-part-") as name:
            return _to_store(commission, job, tpchgen, Path(name))
    return _to_disk(commission, job, tpchgen)


def _to_store(commission: Commission, job: PartJob, tpchgen: Tpchgen, directory: Path) -> Made:
    """Put the files, unless the dataset was given up; then none of them is left there.

    A task whose driver has failed, or whose twin was faster, goes on for a while.
    """
    store = ObjectStore(commission.destination, commission.storage_options)
    require_held(store, commission.claim)
    made = _generate(commission, job, tpchgen, directory)
    paths = [part.file.path for part in made.files if part.described.rows]
    for path in paths:
        require_held(store, commission.claim)
        store.upload(path, directory / path)
    if is_given_up(store) and not store.exists(MANIFEST_NAME):
        store.delete(paths)
    return made


def _to_disk(commission: Commission, job: PartJob, tpchgen: Tpchgen) -> Made:
    root = Path(commission.destination)
    try:
        # never made here: a place that is gone was given up by whoever puts the dataset together
        directory = Path(tempfile.mkdtemp(prefix=_ATTEMPT_PREFIX, dir=root))
    except FileNotFoundError:
        raise DatasetError(
            f"{root.parent} is not seen where a part is to be made: generate to a directory that "
            "all machines share, or to S3"
        ) from None
    try:
        made = _generate(commission, job, tpchgen, directory)
        for part in made.files:
            if part.described.rows:
                local, place = directory / part.file.path, root / part.file.path
                sync_file(local)
                place.parent.mkdir(exist_ok=True)
                local.replace(place)
                sync_directory(place.parent)
        return made
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _generate(commission: Commission, job: PartJob, tpchgen: Tpchgen, directory: Path) -> Made:
    command = [
        *tpchgen.command(commission.scale_factor, commission.layout, directory),
        *(f"--tables={','.join(job.tables)}", f"--part={job.part}", "--num-threads=1"),
    ]
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=environment())
    if done.returncode:
        reason = done.stderr.strip().rpartition("\n")[2] or "no reason given"
        raise DatasetError(
            f"{commission.generator} failed at part {job.part} of {', '.join(job.tables)} with "
            f"status {done.returncode}: {reason}"
        )
    files = sorted(directory.glob("*/*.parquet"))
    return Made(job.part, job.tables, tuple(_made(file, directory) for file in files))


def _made(file: Path, directory: Path) -> MadePart:
    path = file.relative_to(directory).as_posix()
    described = describe(TABLES[file.parent.name], file)
    size_bytes = file.stat().st_size
    return MadePart(
        DataFile(path=path, size_bytes=size_bytes, sha256=file_checksum(file)), described
    )
