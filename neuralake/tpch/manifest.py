"""The manifest of a dataset: what was generated, and whether all of it is still there.

``manifest.json`` is the last file that is written before a dataset is renamed into place, so that
a directory without it is no dataset.
"""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final

from neuralake.config import is_remote
from neuralake.errors import DatasetError
from neuralake.machine import cores
from neuralake.tpch.checksum import ChecksumKind, file_checksum
from neuralake.tpch.layout import Layout
from neuralake.tpch.scale import TABLE_NAMES, check_scale_factor, row_count
from neuralake.tpch.tpchgen import Tpchgen

MANIFEST_NAME: Final = "manifest.json"
FORMAT: Final = "neuralake-tpch"
SCHEMA_VERSION: Final = 1

_DIGEST_LENGTH = 64


@dataclass(frozen=True, kw_only=True)
class DataFile:
    """One file of a dataset.

    Attributes
    ----------
    path
        Relative to the dataset.
    size_bytes
        Bytes of it.
    sha256
        Checksum in 64 hexadecimal digits, of the kind that :attr:`Manifest.checksum` says.
    """

    path: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True, kw_only=True)
class GeneratedTable:
    """One table of a dataset.

    Attributes
    ----------
    rows
        Rows of all files.
    size_bytes
        Bytes of all data files.
    schema
        Fingerprint of the declared columns.
    delta_version
        Version of the Delta table.
    log
        Its one entry in the transaction log.
    files
        Its data files.
    """

    rows: int
    size_bytes: int
    schema: str
    delta_version: int
    log: DataFile
    files: tuple[DataFile, ...]


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What a dataset consists of.

    Attributes
    ----------
    format
        Always ``neuralake-tpch``.
    schema_version
        Version of this document's structure.
    generator
        Name and version of the generator, such as ``tpchgen-cli 4.0.0``.
    scale_factor
        TPC-H scale factor.
    layout
        Options of the Parquet writer.
    tables
        The eight tables by name.
    checksum
        What the checksums of the files are (:func:`neuralake.tpch.checksum.checksum`). Older
        manifests do not say it; and versions of Neuralake that do not know of it still read the
        dataset, as those do that are compared with this one, or measured by asv.
    """

    format: str
    schema_version: int
    generator: str
    scale_factor: float
    layout: Layout
    tables: dict[str, GeneratedTable]
    checksum: ChecksumKind = "content"

    @property
    def rows(self) -> int:
        """Rows of all tables."""
        return sum(table.rows for table in self.tables.values())

    @property
    def size_bytes(self) -> int:
        """Bytes of all data files."""
        return sum(table.size_bytes for table in self.tables.values())

    @property
    def digest(self) -> str:
        """SHA-256 over the checksums of all data files: the same for the same rows and layout."""
        files = (file for name in TABLE_NAMES for file in self.tables[name].files)
        lines = "".join(f"{file.sha256} {file.path}\n" for file in files)
        return hashlib.sha256(lines.encode()).hexdigest()

    def facts(self) -> dict[str, Any]:
        """What identifies the dataset in a result, without the list of its files."""
        return {
            "format": self.format,
            "generator": self.generator,
            "scale_factor": self.scale_factor,
            "layout": asdict(self.layout),
            "rows": self.rows,
            "size_bytes": self.size_bytes,
            "sha256": self.digest,
        }

    def to_json(self) -> bytes:
        """The document."""
        import msgspec

        return msgspec.json.format(msgspec.json.encode(self), indent=1) + b"\n"

    @classmethod
    def from_json(cls, document: bytes) -> Manifest:
        """Read a document and check that it does not contradict itself.

        Raises
        ------
        DatasetError
            If it is not such a document, or of another version.
        """
        import msgspec

        try:
            header = msgspec.json.decode(document, type=_Header)
            if header.format != FORMAT:
                raise DatasetError(f"its format is {header.format!r}: expected {FORMAT!r}")
            if header.schema_version != SCHEMA_VERSION:
                raise DatasetError(
                    f"its schema version is {header.schema_version}: expected {SCHEMA_VERSION}"
                )
            manifest = msgspec.json.decode(document, type=Manifest)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise DatasetError(f"it is corrupt: {error}") from error
        _check_consistency(manifest)
        return manifest


@dataclass(frozen=True)
class _Header:
    """What must be understood before anything else is read."""

    format: str
    schema_version: int


def load_manifest(
    dataset_uri: str,
    *,
    scale_factor: float | None = None,
    layout: Layout | None = None,
    verify: bool = False,
) -> Manifest:
    """Read a dataset's manifest and check that the dataset is whole and as asked for.

    Parameters
    ----------
    dataset_uri
        Directory of the dataset.
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
    """
    if is_remote(dataset_uri):
        raise DatasetError(f"{dataset_uri}: datasets on S3 are not supported yet; use a directory")
    root = Path(dataset_uri).absolute()
    scale = "S" if scale_factor is None else f"{scale_factor:g}"
    document = _read(root, f"neuralake generate --scale-factor {scale} --to {root}")
    try:
        manifest = Manifest.from_json(document)
        _check_generator(manifest)
        _check_schemas(manifest)
        _check_files(manifest, root)
        if verify:
            _check_digests(manifest, root)
    except DatasetError as error:
        raise DatasetError(
            f"the dataset at {root} cannot be used: {error}; remove the directory and generate it "
            f"again"
        ) from error
    if scale_factor is not None and manifest.scale_factor != scale_factor:
        raise DatasetError(
            f"the dataset at {root} has scale factor {manifest.scale_factor:g}, not "
            f"{scale_factor:g}: choose another directory, or remove this one"
        )
    if layout is not None and manifest.layout != layout.at(manifest.scale_factor):
        raise DatasetError(
            f"the dataset at {root} has another layout, {_differences(manifest, layout)}: choose "
            f"another directory, or remove this one"
        )
    return manifest


def _read(root: Path, advice: str) -> bytes:
    """Content of the manifest, or what is there instead."""
    try:
        if root.exists() and not root.is_dir():
            raise DatasetError(f"{root} is a file: a dataset is a directory")
        entries = sorted(entry.name for entry in root.iterdir()) if root.exists() else []
        if MANIFEST_NAME in entries:
            return (root / MANIFEST_NAME).read_bytes()
    except OSError as error:
        raise DatasetError(f"the dataset at {root} cannot be read: {error.strerror}") from error
    if not entries:
        raise DatasetError(f"no dataset at {root}: make it with {advice}")
    raise DatasetError(
        f"{root} holds {entries[0]!r} and no {MANIFEST_NAME}, so it is no dataset of Neuralake: "
        f"choose another directory, or remove this one"
    )


def _check_consistency(manifest: Manifest) -> None:
    check_scale_factor(manifest.scale_factor)
    if manifest.layout != manifest.layout.at(manifest.scale_factor):
        raise DatasetError("its manifest does not say how many files a table has")
    if set(manifest.tables) != set(TABLE_NAMES):
        raise DatasetError(f"its manifest must have the tables {', '.join(TABLE_NAMES)}")
    for name, table in manifest.tables.items():
        if table.rows not in row_count(name, manifest.scale_factor):
            raise DatasetError(
                f"its manifest has {table.rows} rows of {name}, which scale factor "
                f"{manifest.scale_factor:g} cannot have"
            )
        if table.size_bytes != sum(file.size_bytes for file in table.files):
            raise DatasetError(f"its manifest contradicts itself about the bytes of {name}")
        for file in (table.log, *table.files):
            if PurePosixPath(file.path).parts[:1] != (name,) or ".." in file.path:
                raise DatasetError(f"its manifest has the file {file.path!r} under {name}")
            if len(file.sha256) != _DIGEST_LENGTH:
                raise DatasetError(f"its manifest has no checksum of {file.path}")


def _check_generator(manifest: Manifest) -> None:
    installed = Tpchgen.installed().name
    if manifest.generator != installed:
        raise DatasetError(f"it was made by {manifest.generator}, and {installed} is installed")


def _check_schemas(manifest: Manifest) -> None:
    from neuralake.tpch.tables import TABLES, schema_fingerprint

    for name, table in manifest.tables.items():
        if table.schema != schema_fingerprint(TABLES[name]):
            raise DatasetError(f"its table {name} was made with other columns than are declared")


def _check_files(manifest: Manifest, root: Path) -> None:
    for name, table in manifest.tables.items():
        for file in (*table.files, table.log):
            try:
                size = (root / file.path).stat().st_size
            except OSError as error:
                raise DatasetError(f"{file.path}: {error.strerror}") from error
            if size != file.size_bytes:
                raise DatasetError(f"{file.path} has {size} bytes, not {file.size_bytes}")
        later = PurePosixPath(table.log.path).with_name(f"{table.delta_version + 1:020}.json")
        if (root / later).exists():
            raise DatasetError(f"table {name} was changed after it was generated: there is {later}")


def _check_digests(manifest: Manifest, root: Path) -> None:
    files = [file for table in manifest.tables.values() for file in (*table.files, table.log)]

    def check(file: DataFile) -> None:
        found = file_checksum(root / file.path, manifest.checksum)
        if found != file.sha256:
            raise DatasetError(f"{file.path} has the checksum {found}, not {file.sha256}")

    with ThreadPoolExecutor(cores()) as executor:
        list(executor.map(check, files))


def _differences(manifest: Manifest, layout: Layout) -> str:
    asked = layout.at(manifest.scale_factor)
    return ", ".join(
        f"{name.replace('_', ' ')} {getattr(manifest.layout, name)} and not {getattr(asked, name)}"
        for name in ("row_group_bytes", "compression", "files_per_table")
        if getattr(manifest.layout, name) != getattr(asked, name)
    )
