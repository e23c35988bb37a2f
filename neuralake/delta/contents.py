"""What the data files of a snapshot hold, by their footers, held against the table's schema.

An engine's own Parquet reader gives the table's rows from its files only where these are all there
is to them. What it must be told, or cannot do, follows from here.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property

import pyarrow as pa
import pyarrow.parquet as pq

from neuralake.arrow import (
    encoding,
    holds_leaf,
    int96_columns,
    plain_type,
    stored_schema,
    with_times,
)
from neuralake.delta.bounds import narrows_decimals
from neuralake.delta.columns import find_field
from neuralake.delta.nans import hides_nan
from neuralake.delta.snapshot import Snapshot
from neuralake.footer import read_footer
from neuralake.storage import filesystem

_FOOTERS_AT_ONCE = 8


@dataclass(frozen=True)
class Contents:
    """A snapshot with the footers of its data files.

    Attributes
    ----------
    snapshot
        The snapshot.
    footers
        Of each of its files, by URI; two entries of the log may share a file.
    known_to_hide_nan
        What :attr:`hides_nan` is, where it was found before.
    """

    snapshot: Snapshot
    footers: Mapping[str, pq.FileMetaData]
    known_to_hide_nan: bool | None = None

    @property
    def rows(self) -> int:
        """Number of rows: the log's own count, or the footers', without what is deleted."""
        return sum(
            (self.footers[f.uri].num_rows if f.rows is None else f.rows) - f.deleted
            for f in self.snapshot.files
        )

    @cached_property
    def is_uniform(self) -> bool:
        """Whether all files have just the table's columns, in its order, with its types."""
        names = [f.name for f in self._stored]
        return not self.has_other_types and all(s.names == names for s in self.schemas.values())

    @cached_property
    def is_alike(self) -> bool:
        """Whether all files have one schema, encodings included, and that is the table's."""
        written = {encoding(footer) for footer in self.footers.values()}
        return self.is_uniform and not self.int96_columns and len(written) <= 1

    @cached_property
    def has_other_types(self) -> bool:
        """Whether a file holds a column in another type than the table's.

        Encodings of one type are not other types, and INT96, which Spark writes by default, holds
        a time in UTC.
        """
        return any(
            not _is_same(schema.field(place), field, int96)
            for schema, int96 in self._with_int96()
            for field in self._stored
            if (place := find_field(field, schema, self.snapshot.mapping)) is not None
        )

    @cached_property
    def has_other_case(self) -> bool:
        """Whether a file has a column under a name that differs by case from the table's.

        Spark finds it, as Delta's own names never differ by case only; a reader that compares names
        as they are takes the file for one from before there was the column, and gives nulls.
        """
        return self.snapshot.mapping == "none" and any(
            (place := find_field(field, schema, "none")) is not None
            and schema.field(place).name != field.name
            for schema in self.schemas.values()
            for field in self._stored
        )

    @cached_property
    def has_dictionaries(self) -> bool:
        """Whether a file says that a column is dictionary-encoded in Arrow."""
        return any("dictionary" in str(f.type) for s in self.schemas.values() for f in s)

    @cached_property
    def int96_columns(self) -> frozenset[str]:
        """Columns, by their paths in the files, that a file stores as INT96."""
        return frozenset().union(*(int96_columns(footer) for footer in self.footers.values()))

    @cached_property
    def hides_nan(self) -> bool:
        """Whether a float is NaN and the statistics of its file leave that out.

        Where nothing else tells, the floats of the files are read (:mod:`neuralake.delta.nans`).
        """
        if self.known_to_hide_nan is not None:
            return self.known_to_hide_nan
        return hides_nan(self.footers, self.snapshot.storage_options)

    @cached_property
    def log_narrows_decimals(self) -> bool:
        """Whether the log tells narrower bounds of a decimal than the file has."""
        return narrows_decimals(self.snapshot, self.footers)

    @property
    def has_nested_int96(self) -> bool:
        """Whether one of them is within a list, map or struct."""
        tops = {name for schema in self.schemas.values() for name in schema.names}
        return not self.int96_columns <= tops

    @cached_property
    def _stored(self) -> list[pa.Field]:
        """The table's columns that are in files."""
        snapshot = self.snapshot
        return [f for f in snapshot.schema if f.name not in snapshot.partition_columns]

    @cached_property
    def schemas(self) -> dict[str, pa.Schema]:
        """What each file has."""
        return {uri: stored_schema(footer) for uri, footer in self.footers.items()}

    def _with_int96(self) -> list[tuple[pa.Schema, frozenset[str]]]:
        return [(self.schemas[uri], int96_columns(footer)) for uri, footer in self.footers.items()]


def read_contents(snapshot: Snapshot, known_to_hide_nan: bool | None = None) -> Contents:
    """Read the footer of every data file.

    Parameters
    ----------
    snapshot
        Whose.
    known_to_hide_nan
        As of :class:`Contents`.

    Raises
    ------
    OSError, ValueError
        If one is not there or no Parquet file; the message names it.
    """
    paths = list(dict.fromkeys(snapshot.paths))
    if not paths:
        return Contents(snapshot, {}, known_to_hide_nan)
    with ThreadPoolExecutor(min(_FOOTERS_AT_ONCE, len(paths))) as pool:
        footers = pool.map(lambda path: _footer(snapshot, path), paths)
        return Contents(snapshot, dict(zip(paths, footers, strict=True)), known_to_hide_nan)


def _footer(snapshot: Snapshot, uri: str) -> pq.FileMetaData:
    system, path = filesystem(uri, snapshot.storage_options)
    try:
        return read_footer(system, path)
    except (OSError, ValueError) as error:
        raise type(error)(f"{uri}: {error}") from error


def _is_same(stored: pa.Field, field: pa.Field, int96: frozenset[str]) -> bool:
    found, wanted = plain_type(stored.type), plain_type(field.type)
    if any(holds_leaf(stored, path) for path in int96):  # without a zone
        found, wanted = (with_times(kind, pa.timestamp("us")) for kind in (found, wanted))
    return bool(found == wanted)
