"""A dataset that is there: whole, and as asked for, or what is wrong with it in one line."""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Protocol

from neuralake.config import is_remote
from neuralake.errors import DatasetError
from neuralake.machine import cores
from neuralake.tpch.checksum import ChecksumKind, checksum, file_checksum
from neuralake.tpch.layout import Layout
from neuralake.tpch.manifest import CLAIMS, MANIFEST_NAME, DataFile, Manifest
from neuralake.tpch.tpchgen import Tpchgen

if TYPE_CHECKING:
    from neuralake.delta.objects import ObjectStore


class Place(Protocol):
    """Where a dataset lies, or not yet."""

    @property
    def uri(self) -> str:
        """Absolute path, or URI of an object store."""
        ...

    @property
    def remedy(self) -> str:
        """What to do with a dataset that cannot be used, as the end of a message."""
        ...

    def read_manifest(self) -> bytes:
        """The document; ``FileNotFoundError`` if there is none."""
        ...

    def first_entry(self) -> str | None:
        """Name of something that lies there, or None."""
        ...

    def size(self, path: str) -> int:
        """Bytes of a file; ``OSError`` if there is none."""
        ...

    def checksum(self, path: str, kind: ChecksumKind) -> str:
        """Checksum of a file, which is read for it."""
        ...


def load_manifest(
    dataset_uri: str,
    *,
    storage_options: Mapping[str, str] | None = None,
    scale_factor: float | None = None,
    layout: Layout | None = None,
    verify: bool = False,
) -> Manifest:
    """Read a dataset's manifest and check that the dataset is whole and as asked for.

    Parameters
    ----------
    dataset_uri
        Directory of the dataset, or its ``s3://`` URI.
    storage_options
        What reaches it on S3.
    scale_factor
        The one it must have; any, if None.
    layout
        The one it must have; any, if None.
    verify
        Also compare the checksums of all files, which reads them once.

    Raises
    ------
    DatasetError
        If there is no dataset, a part of it is missing or changed, or it is another one.
    StorageError
        If S3 does not give it.
    """
    place: Place
    if is_remote(dataset_uri):
        from neuralake.delta.objects import ObjectStore

        place = OnObjectStore(ObjectStore(dataset_uri, storage_options or {}))
    else:
        place = OnDisk(Path(dataset_uri).absolute())
    return load(place, scale_factor=scale_factor, layout=layout, verify=verify)


def load(
    place: Place,
    *,
    scale_factor: float | None = None,
    layout: Layout | None = None,
    verify: bool = False,
) -> Manifest:
    """As :func:`load_manifest`, of a place that is open already."""
    scale = "S" if scale_factor is None else f"{scale_factor:g}"
    uri = place.uri
    document = _read(place, f"neuralake generate --scale-factor {scale} --to {uri}")
    try:
        manifest = Manifest.from_json(document)
        _check_generator(manifest)
        _check_schemas(manifest)
        _check_files(manifest, place)
        if verify:
            _check_digests(manifest, place)
    except DatasetError as error:
        raise DatasetError(
            f"the dataset at {uri} cannot be used: {error}; {place.remedy} and generate it again"
        ) from error
    if scale_factor is not None and manifest.scale_factor != scale_factor:
        raise DatasetError(
            f"the dataset at {uri} has scale factor {manifest.scale_factor:g}, not "
            f"{scale_factor:g}: choose another directory, or remove this one"
        )
    if layout is not None:
        asked = layout.at(manifest.scale_factor, remote=is_remote(uri))
        if manifest.layout != asked:
            raise DatasetError(
                f"the dataset at {uri} has another layout, {_differences(manifest.layout, asked)}: "
                f"choose another directory, or remove this one"
            )
    return manifest


class OnDisk:
    """A directory of this machine; see :class:`Place`."""

    remedy = "remove the directory"

    def __init__(self, root: Path) -> None:
        self._root = root
        self.uri = str(root)

    def read_manifest(self) -> bytes:
        """The document."""
        return (self._root / MANIFEST_NAME).read_bytes()

    def first_entry(self) -> str | None:
        """The first name in the directory."""
        if self._root.exists() and not self._root.is_dir():
            raise DatasetError(f"{self._root} is a file: a dataset is a directory")
        entries = self._root.iterdir() if self._root.exists() else ()
        return min((entry.name for entry in entries), default=None)

    def size(self, path: str) -> int:
        """Bytes of a file."""
        return (self._root / path).stat().st_size

    def checksum(self, path: str, kind: ChecksumKind) -> str:
        """Checksum of a file."""
        return file_checksum(self._root / path, kind)


class OnObjectStore:
    """A prefix on S3, listed once; see :class:`Place`."""

    remedy = "remove what lies there"

    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        self._sizes: dict[str, int] | None = None
        self.uri = store.uri

    def read_manifest(self) -> bytes:
        """The document."""
        return self._store.read(MANIFEST_NAME)

    def first_entry(self) -> str | None:
        """The first path there is."""
        return min(self._listed(), default=None)

    def size(self, path: str) -> int:
        """Bytes of an object."""
        if (size := self._listed().get(path)) is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        return size

    def checksum(self, path: str, kind: ChecksumKind) -> str:
        """Checksum of an object."""
        found = checksum(kind)
        for chunk in self._store.chunks(path):
            found.update(chunk)
        return found.hexdigest()

    def _listed(self) -> dict[str, int]:
        if self._sizes is None:
            self._sizes = {stored.path: stored.size_bytes for stored in self._store.list()}
        return self._sizes


def _read(place: Place, advice: str) -> bytes:
    """Content of the manifest, or what is there instead."""
    uri = place.uri
    try:
        try:
            return place.read_manifest()
        except (FileNotFoundError, NotADirectoryError):
            first = place.first_entry()
    except OSError as error:
        if isinstance(error, DatasetError) or error.strerror is None:
            raise
        raise DatasetError(f"the dataset at {uri} cannot be read: {error.strerror}") from error
    if first is None:
        raise DatasetError(f"no dataset at {uri}: make it with {advice}")
    if first.startswith(CLAIMS):
        raise DatasetError(
            f"the dataset at {uri} is being made, or its making was interrupted: "
            f"make it with {advice}"
        )
    raise DatasetError(
        f"{uri} holds {first!r} and no {MANIFEST_NAME}, so it is no dataset of Neuralake: "
        f"choose another directory, or remove this one"
    )


def _check_generator(manifest: Manifest) -> None:
    installed = Tpchgen.installed().name
    if manifest.generator != installed:
        raise DatasetError(f"it was made by {manifest.generator}, and {installed} is installed")


def _check_schemas(manifest: Manifest) -> None:
    from neuralake.tpch.tables import TABLES, schema_fingerprint

    for name, table in manifest.tables.items():
        if table.schema != schema_fingerprint(TABLES[name]):
            raise DatasetError(f"its table {name} was made with other columns than are declared")


def _check_files(manifest: Manifest, place: Place) -> None:
    for name, table in manifest.tables.items():
        for file in (*table.files, table.log):
            try:
                size = place.size(file.path)
            except OSError as error:
                raise DatasetError(f"{file.path}: {error.strerror or error}") from error
            if size != file.size_bytes:
                raise DatasetError(f"{file.path} has {size} bytes, not {file.size_bytes}")
        later = PurePosixPath(table.log.path).with_name(f"{table.delta_version + 1:020}.json")
        if _is_there(place, str(later)):
            raise DatasetError(f"table {name} was changed after it was generated: there is {later}")


def _is_there(place: Place, path: str) -> bool:
    try:
        place.size(path)
    except OSError:
        return False
    return True


def _check_digests(manifest: Manifest, place: Place) -> None:
    files = [file for table in manifest.tables.values() for file in (*table.files, table.log)]

    def check(file: DataFile) -> None:
        found = place.checksum(file.path, manifest.checksum)
        if found != file.sha256:
            raise DatasetError(f"{file.path} has the checksum {found}, not {file.sha256}")

    with ThreadPoolExecutor(cores()) as executor:
        list(executor.map(check, files))


def _differences(found: Layout, asked: Layout) -> str:
    return ", ".join(
        f"{name.replace('_', ' ')} {getattr(found, name)} and not {getattr(asked, name)}"
        for name in ("row_group_bytes", "compression", "files_per_table")
        if getattr(found, name) != getattr(asked, name)
    )
