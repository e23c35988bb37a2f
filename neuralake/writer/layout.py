"""How a table's rows are laid out in files: their columns, partitions and statistics.

It follows from the table's metadata alone, and holds until that changes.
"""

from __future__ import annotations

import string
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any
from urllib.parse import quote

import numpy as np
import pyarrow as pa

from neuralake.arrow import types_in
from neuralake.delta.actions import Metadata, PartitionValues
from neuralake.delta.columns import mapping_mode, physical_name
from neuralake.delta.schema import read_schema
from neuralake.delta.snapshot import HIVE_NULL
from neuralake.delta.statistics import Indexed, indexed_columns
from neuralake.errors import reason_of
from neuralake.writer.errors import BatchError, UnsupportedTableError
from neuralake.writer.relabel import relabelled

_MAPPING_ID = b"delta.columnMapping.id"
_FIELD_ID = b"PARQUET:field_id"
# As Delta's reference implementation does (dataSkippingNumIndexedCols)
_INDEXED = 32
# Hive's, which readers know: what cannot stand in a name of a directory
_ESCAPED = frozenset("\"#%'*/:=?\\{[]^\x7f" + "".join(map(chr, range(0x20))))

# Bytes of a name of a directory, of which file systems have no longer ones
_LONGEST_NAME = 255

# What stands for itself in the path of a URI (java.net.URI, "Character categories")
_URI_LEGAL = frozenset("/;:@&=+$,-_.!~'()*" + string.ascii_letters + string.digits)


@dataclass(frozen=True)
class Layout:
    """Of the files of a table.

    Attributes
    ----------
    schema
        Columns of the table, as whoever writes to it knows them.
    stored
        Columns of its files: with their physical names and ids, without the partition's.
    partition_columns
        Names in ``schema``.
    mapping
        ``none``, ``name`` or ``id``.
    indexed
        How many columns have statistics; all if negative.
    """

    schema: pa.Schema
    stored: pa.Schema
    partition_columns: tuple[str, ...]
    mapping: str
    indexed: int

    @classmethod
    def of(cls, metadata: Metadata) -> Layout:
        """The layout that a table's metadata asks for.

        Raises
        ------
        UnsupportedTableError
            If a column has a type that is not written here.
        """
        try:
            schema = read_schema(metadata.schema_string)
        except Exception as error:
            raise UnsupportedTableError(
                f"the table's schema cannot be read: {reason_of(error)}"
            ) from error
        for field in schema:
            _check_type(field.type, field.name)
        mapping = mapping_mode(metadata.configuration)
        partition = tuple(metadata.partition_columns)
        stored = pa.schema(
            [_stored(f, mapping != "none") for f in schema if f.name not in partition]
        )
        indexed = metadata.configuration.get("delta.dataSkippingNumIndexedCols", str(_INDEXED))
        return cls(schema, stored, partition, mapping, int(indexed))

    @cached_property
    def indexed_columns(self) -> tuple[Indexed, ...]:
        """Columns of files that their statistics tell of."""
        return indexed_columns(self.stored, self.indexed)

    @cached_property
    def floats(self) -> tuple[str, ...]:
        """Columns of files that are floats."""
        return tuple(f.name for f in self.stored if pa.types.is_floating(f.type))

    @cached_property
    def nested_floats(self) -> tuple[str, ...]:
        """Columns of files that have floats within."""
        return tuple(
            f.name for f in self.stored if not pa.types.is_floating(f.type) and _has_floats(f.type)
        )

    @cached_property
    def encodings(self) -> dict[str, str]:
        """Encodings of a file's columns, by name, that are not the default.

        Differences of neighbours are small in what counts or tells time, and cost less to encode
        than a dictionary; every reader of Parquet 2 knows them.
        """
        return {
            f.name: "DELTA_BINARY_PACKED"
            for f in self.stored
            if pa.types.is_integer(f.type) or pa.types.is_temporal(f.type)
        }

    @cached_property
    def dictionaries(self) -> list[str]:
        """Columns of files that are worth a dictionary: text that may repeat."""
        return [f.name for f in self.stored if pa.types.is_string(f.type)]

    def parts(self, table: pa.Table) -> Iterator[tuple[PartitionValues, str, pa.Table]]:
        """The rows of each partition in their order: values in the log, directory, and rows.

        Parameters
        ----------
        table
            With ``schema``.

        Raises
        ------
        BatchError
            If a partition value cannot be told in a log.
        """
        if not self.partition_columns:
            yield {}, "", self.as_stored(table)
            return
        codes = _codes(table, self.partition_columns)
        order = np.argsort(codes, kind="stable")
        starts = np.flatnonzero(np.diff(codes[order], prepend=-1))
        rows = table if _is_sorted(order) else table.take(pa.array(order))
        for start, end in zip(starts, [*starts[1:], len(codes)], strict=True):
            part = rows.slice(start, end - start)
            texts = [partition_text(n, part.column(n)[0]) for n in self.partition_columns]
            names = [self._physical(name) for name in self.partition_columns]
            values = dict(zip(names, texts, strict=True))
            directory = partition_directory(values)
            self._check_names(directory)
            yield values, directory, self.as_stored(part)

    def _check_names(self, directory: str) -> None:
        """Refuse a value too long for a directory: some readers take it from there."""
        for column, name in zip(self.partition_columns, directory.split("/"), strict=False):
            if len(name.encode()) > _LONGEST_NAME:
                raise BatchError(
                    f"column {column!r} has a value of {len(name.encode())} bytes as a name of a "
                    f"directory: as a partition value at most {_LONGEST_NAME}, the column's name "
                    "included"
                )

    def as_stored(self, table: pa.Table) -> pa.Table:
        """Rows with the columns of a file.

        Parameters
        ----------
        table
            With ``schema``.
        """
        if self._is_stored_as_is:
            return table
        kept = [n for n in self.schema.names if n not in self.partition_columns]
        columns = [
            pa.chunked_array([relabelled(c, f.type) for c in table.column(n).chunks], f.type)
            for n, f in zip(kept, self.stored, strict=True)
        ]
        return pa.Table.from_arrays(columns, schema=self.stored)

    @cached_property
    def _is_stored_as_is(self) -> bool:
        return bool(self.stored.equals(self.schema, check_metadata=True))

    def _physical(self, name: str) -> str:
        return physical_name(self.schema.field(name)) if self.mapping != "none" else name


def partition_text(name: str, value: pa.Scalar) -> str | None:
    """A partition value as a log has it (protocol, "Partition Value Serialization").

    Raises
    ------
    BatchError
        If it would be read as another one: an empty string is null there.
    """
    kind, types = value.type, pa.types
    if not value.is_valid:
        return None
    if types.is_timestamp(kind):
        text = value.cast(pa.timestamp("us")).cast(pa.string()).as_py()
        return f"{text.replace(' ', 'T')}Z" if kind.tz else str(text)
    plain = value.as_py()
    if types.is_boolean(kind):
        return "true" if plain else "false"
    if types.is_binary(kind):
        return _text_of_bytes(name, plain)
    if isinstance(plain, Decimal):
        return f"{plain:f}"
    return _not_empty(name, str(plain), "string")


def _text_of_bytes(name: str, value: bytes) -> str:
    """Bytes as a partition value, of which readers have the same understanding: ASCII alone."""
    if not value.isascii():
        raise BatchError(
            f"column {name!r} has the bytes {value!r:.60}: as a partition value they must be ASCII"
        )
    return _not_empty(name, value.decode(), "sequence of bytes")


def _not_empty(name: str, text: str, what: str) -> str:
    if text == HIVE_NULL:
        raise BatchError(
            f"column {name!r} has {text!r}: as a partition value some readers take it for null"
        )
    if not text:
        raise BatchError(
            f"column {name!r} has an empty {what}: as a partition value Delta reads it as null"
        )
    return text


def _codes(table: pa.Table, columns: tuple[str, ...]) -> np.ndarray[Any, np.dtype[np.int64]]:
    """A number for each row, the same for rows of one partition."""
    codes = np.zeros(table.num_rows, np.int64)
    for name in columns:
        encoded = table.column(name).combine_chunks().dictionary_encode(null_encoding="encode")
        codes = codes * (len(encoded.dictionary) + 1) + encoded.indices.to_numpy()
        codes = np.unique(codes, return_inverse=True)[1].astype(np.int64)
    return codes


def _is_sorted(order: np.ndarray[Any, np.dtype[np.intp]]) -> bool:
    return bool((np.diff(order) == 1).all())


def partition_directory(values: PartitionValues) -> str:
    """Directory of a partition below the table, with its slash; empty where there is none.

    Parameters
    ----------
    values
        As the log has them.
    """
    return "".join(
        f"{_escaped(name)}={HIVE_NULL if text is None else _escaped(text)}/"
        for name, text in values.items()
    )


def _escaped(text: str) -> str:
    return "".join(f"%{ord(c):02X}" if c in _ESCAPED else c for c in text)


def uri_of(path: str) -> str:
    """A path below the table as a log has it: percent-encoded, as Java's URI does it.

    Spark's VACUUM compares paths in this very encoding, and takes a file of which the log says it
    otherwise for an orphan: what is not ASCII stays, but for spaces and controls.
    """
    return "".join(
        c if c in _URI_LEGAL or (not c.isascii() and not _is_space(c)) else quote(c, safe="")
        for c in path
    )


def _is_space(character: str) -> bool:
    """Whether Java takes it for a space or an ISO control."""
    return unicodedata.category(character) in {"Zs", "Zl", "Zp", "Cc"}


def _stored(field: pa.Field, is_mapped: bool) -> pa.Field:
    """A field as files have it."""
    kind = _stored_type(field.type, is_mapped)
    if not is_mapped:
        return pa.field(field.name, kind, field.nullable)
    number = (field.metadata or {}).get(_MAPPING_ID)
    metadata = None if number is None else {_FIELD_ID: number}
    return pa.field(physical_name(field), kind, field.nullable, metadata)


def _stored_type(kind: pa.DataType, is_mapped: bool) -> pa.DataType:
    types = pa.types
    if types.is_struct(kind):
        return pa.struct([_stored(field, is_mapped) for field in kind])
    if types.is_list(kind):
        return pa.list_(_inner(kind.value_field, is_mapped))
    if types.is_map(kind):
        return pa.map_(_inner(kind.key_field, is_mapped), _inner(kind.item_field, is_mapped))
    return kind


def _has_floats(kind: pa.DataType) -> bool:
    return any(map(pa.types.is_floating, types_in(kind)))


def _inner(field: pa.Field, is_mapped: bool) -> pa.Field:
    """An element, key or value: it has no name of its own."""
    return pa.field(field.name, _stored_type(field.type, is_mapped), field.nullable)


def _check_type(kind: pa.DataType, name: str) -> None:
    types = pa.types
    if types.is_null(kind) or isinstance(kind, pa.BaseExtensionType):
        raise UnsupportedTableError(f"column {name!r} is {kind}, which is not written here")
    for i in range(kind.num_fields):
        field = kind.field(i)
        _check_type(field.type, f"{name}.{field.name}")
