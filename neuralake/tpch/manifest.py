"""The manifest of a dataset: what was generated.

``manifest.json`` is the last file that is written before a dataset is renamed into place, and the
last object that is put on S3, so that a place without it holds no dataset.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from pathlib import PurePosixPath
from typing import Any, Final

from neuralake.errors import DatasetError
from neuralake.tpch.checksum import ChecksumKind
from neuralake.tpch.layout import Layout
from neuralake.tpch.scale import TABLE_NAMES, check_scale_factor, row_count

MANIFEST_NAME: Final = "manifest.json"
# On S3, what tells who makes a dataset (:mod:`neuralake.tpch.claim`)
CLAIMS: Final = "_generating/"
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
