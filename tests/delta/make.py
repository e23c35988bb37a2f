"""Delta tables written action by action, for what writers at hand do not write."""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import Schema

Action = dict[str, Any]


@dataclass(frozen=True)
class File:
    """A data file: its rows as they are stored, and what the log says of it."""

    rows: pa.Table
    path: str
    partition: Mapping[str, str | None] = field(default_factory=dict)
    deleted: Sequence[int] = ()
    int96: bool = False
    dictionaries: bool = True

    def write(self, root: Path) -> Action:
        """Write the file below the table, and return the action that adds it."""
        place = Path(self.path) if self.path.startswith("/") else root / self.path
        place.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(
            self.rows,
            place,
            use_deprecated_int96_timestamps=self.int96,
            use_dictionary=self.dictionaries,
        )
        add: Action = {
            "path": quote(self.path),
            "partitionValues": dict(self.partition),
            "size": place.stat().st_size,
            "modificationTime": 1,
            "dataChange": True,
            "stats": json.dumps({"numRecords": self.rows.num_rows}),
        }
        if self.deleted:
            add["deletionVector"] = deletion_vector(*self.deleted)
        return {"add": add}


def schema_string(schema: pa.Schema, physical: Mapping[str, str] | None = None) -> str:
    """A schema as the log has it; with physical names, by the path of each column."""
    found = json.loads(Schema.from_arrow(schema).to_json())
    if physical is not None:
        _map(found, physical, "", iter(range(1, 1000)))
    return json.dumps(found)


def write_table(
    root: Path,
    schema: pa.Schema,
    files: Sequence[File],
    *,
    partition_by: Sequence[str] = (),
    features: Sequence[str] = (),
    writer_features: Sequence[str] = (),
    configuration: Mapping[str, str] | None = None,
    physical: Mapping[str, str] | None = None,
) -> Path:
    """A Delta table of one commit.

    Parameters
    ----------
    root
        Directory of the table.
    schema
        Of its log.
    files
        Its data files.
    partition_by
        Partition columns.
    features
        Reader features; without any the table is of reader version 1.
    writer_features
        Features that readers need not know.
    configuration
        Table properties.
    physical
        Names of the columns in the files, by their paths (``s.x``): column mapping by name, or as
        the configuration says.
    """
    configuration = dict(configuration or {})
    if physical is not None:
        configuration.setdefault("delta.columnMapping.mode", "name")
        configuration.setdefault("delta.columnMapping.maxColumnId", "999")
        features = [*features, "columnMapping"]
    protocol: Action = {"minReaderVersion": 1, "minWriterVersion": 2}
    if features or writer_features:
        protocol = {
            "minReaderVersion": 3,
            "minWriterVersion": 7,
            "readerFeatures": list(features),
            "writerFeatures": [*features, *writer_features],
        }
    if not features and writer_features:
        protocol["minReaderVersion"] = 1
        del protocol["readerFeatures"]
    metadata = {
        "id": "00000000-0000-0000-0000-000000000000",
        "format": {"provider": "parquet", "options": {}},
        "schemaString": schema_string(schema, physical),
        "partitionColumns": list(partition_by),
        "configuration": configuration,
    }
    root.mkdir(parents=True, exist_ok=True)
    adds = [file.write(root) for file in files]
    commit(root, 0, {"protocol": protocol}, {"metaData": metadata}, *adds)
    return root


def log_file(root: Path, version: int) -> Path:
    """Where a commit of a table lies."""
    return root / "_delta_log" / f"{version:020d}.json"


def actions(root: Path, version: int) -> list[Action]:
    """The actions of a commit."""
    return [json.loads(line) for line in log_file(root, version).read_text().splitlines()]


def commit(root: Path, version: int, *lines: Action) -> None:
    """Write a commit, in the place of another if there is one."""
    log_file(root, version).parent.mkdir(parents=True, exist_ok=True)
    log_file(root, version).write_text("".join(json.dumps(line) + "\n" for line in lines))


def deletion_vector(*rows: int) -> Action:
    """An inline deletion vector (Delta protocol, "Deletion Vector Format")."""
    header = struct.pack("<IQIII", 1681511377, 1, 0, 12346, 1)
    raw = header + struct.pack(f"<HHI{len(rows)}H", 0, len(rows) - 1, 16, *rows)
    rfc1924 = (
        b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~"
    )
    z85 = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#"
    text = base64.b85encode(raw.ljust(-len(raw) % 4 + len(raw), b"\0"))
    return {
        "storageType": "i",
        "pathOrInlineDv": text.translate(bytes.maketrans(rfc1924, z85)).decode(),
        "sizeInBytes": len(raw),
        "cardinality": len(rows),
    }


def _map(kind: Any, physical: Mapping[str, str], path: str, numbers: Any) -> None:
    if not isinstance(kind, dict):
        return
    for part in ("elementType", "keyType", "valueType"):
        _map(kind.get(part), physical, path, numbers)
    for column in kind.get("fields", ()):
        place = f"{path}{column['name']}"
        column["metadata"] = {
            "delta.columnMapping.id": next(numbers),
            "delta.columnMapping.physicalName": physical[place],
        }
        _map(column["type"], physical, f"{place}.", numbers)
