"""Hive partitions: values of columns that stand in the names of directories, ``day=2026-05-01``.

Directories are listed level by level, and one that a condition excludes is not looked into. Names
and values are percent-encoded, and ``__HIVE_DEFAULT_PARTITION__`` is a missing value, as Hive,
Spark, Arrow, Polars and DuckDB write them. Directories of values without names are read, too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal
from urllib.parse import unquote

import pyarrow as pa
from pyarrow import fs

from neuralake.catalog.columns import Column
from neuralake.catalog.filters import Condition
from neuralake.catalog.listing import is_parquet, refuse_tables
from neuralake.errors import CatalogError

if TYPE_CHECKING:
    import polars as pl

# Directory of a value that is missing
HIVE_NULL = "__HIVE_DEFAULT_PARTITION__"
PartitionedBy = Sequence[str | Column] | Literal["infer"]

_LISTED_AT_ONCE = 16
_ROW = "neuralake row"  # as no column is called
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_INTEGER = re.compile(r"0|-?[1-9]\d*")


@dataclass(frozen=True)
class PartitionedFile:
    """A file with the values that its directories say.

    Attributes
    ----------
    uri
        Absolute path, or URI of an object store.
    values
        By the name of the column, as Arrow scalars; empty where there are no partitions.
    """

    uri: str
    values: Mapping[str, pa.Scalar] = field(default_factory=dict)


@dataclass(frozen=True)
class Partitions:
    """The files of a table, and the columns that its directories hold.

    Attributes
    ----------
    files
        By their paths.
    fields
        The columns, in the order of the levels; none where there are no partitions. One is not
        null where no value is missing.
    """

    files: Sequence[PartitionedFile]
    fields: Sequence[pa.Field] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns."""
        return tuple(f.name for f in self.fields)


@dataclass(frozen=True)
class _Directory:
    path: str
    texts: tuple[str | None, ...] = ()


def check_partitioned_by(table: str, given: PartitionedBy, columns: Sequence[Column]) -> None:
    """Refuse a declaration of partitions that says nothing, or contradicts the columns.

    Raises
    ------
    CatalogError
        If it does.
    """
    if given == "infer":
        return
    if isinstance(given, str) or not all(isinstance(key, str | Column) for key in given):
        raise CatalogError(
            f"table {table}: partitioned_by is {given!r:.60}: expected 'infer' or the columns of "
            f"the levels, such as (Column('day', pa.date32()),) or ('day',)"
        )
    names = [key if isinstance(key, str) else key.name for key in given]
    if twin := next((name for i, name in enumerate(names) if name in names[:i]), None):
        raise CatalogError(f"table {table} is partitioned by {twin} twice")
    declared = {column.name: column.type for column in columns}
    for key in given:
        if isinstance(key, Column):
            if declared.get(key.name, key.type) != key.type:
                raise CatalogError(
                    f"table {table}: partitioned_by says {key.name} is {key.type}, and the columns "
                    f"say {declared[key.name]}"
                )
            _require_type(table, key.name, key.type)
        elif columns and key not in declared:
            raise CatalogError(
                f"table {table} is partitioned by {key}, which is not declared; declared are "
                f"{', '.join(declared)}"
            )
        elif key in declared:
            _require_type(table, key, declared[key])


def check_names_in_paths(table: str, names_in_paths: object, given: PartitionedBy) -> None:
    """Refuse directories without names of which nothing says the columns.

    Raises
    ------
    CatalogError
        If nothing does.
    """
    if not isinstance(names_in_paths, bool):
        raise CatalogError(
            f"table {table}: names_in_paths is {names_in_paths!r:.60}: expected True or False"
        )
    if not names_in_paths and (given == "infer" or not given):
        raise CatalogError(
            f"table {table}: names_in_paths=False goes with the columns of the levels, such as "
            f"partitioned_by=('day',)"
        )


def with_partitions(columns: Sequence[Column], given: PartitionedBy) -> tuple[Column, ...]:
    """Declared columns, those of the partitions last where they are not among them."""
    if not columns or given == "infer":
        return tuple(columns)
    names = {column.name for column in columns}
    extra = (key for key in given if isinstance(key, Column) and key.name not in names)
    return (*columns, *extra)


@dataclass(frozen=True)
class Listing:
    """How a table's directories are listed.

    Attributes
    ----------
    table, uri
        Name and URI of the table.
    system, root
        File system, and the path in it.
    given
        What the declaration says of the partitions.
    columns
        Declared columns.
    names_in_paths
        Whether a directory is ``day=2026-05-01``, or ``2026-05-01`` as it stands.
    """

    table: str
    uri: str
    system: fs.FileSystem
    root: str
    given: PartitionedBy
    columns: Sequence[Column]
    names_in_paths: bool = True

    def partitions(self, conditions: Sequence[Condition] = ()) -> Partitions:
        """List what may have rows for which all conditions hold.

        Parameters
        ----------
        conditions
            Those on partition columns alone exclude directories, which are then not looked into:
            at once where the types of all levels are declared, and after the directories (not
            their files) are listed where a type is inferred from all of them.

        Raises
        ------
        CatalogError
            If directories contradict each other or the declaration, a value is not of its type, or
            there is no file at all.
        """
        if self.system.get_file_info(self.root).type != fs.FileType.Directory:
            raise CatalogError(
                f"table {self.table}: {self.uri} is no directory: expected the one that holds the "
                f"partitions"
            )
        refuse_tables(self.table, self.uri, self.system, {self.root})
        names, types = self._declared()
        # Inferred from all directories, so that a type does not depend on what is asked
        at_once = None not in types
        level = [_Directory(self.root)]
        with ThreadPoolExecutor(_LISTED_AT_ONCE) as pool:
            for depth, name in enumerate(names):
                listed = pool.map(self._list, (directory.path for directory in level))
                level = [
                    _Directory(path, (*parent.texts, self._text(path, name)))
                    for parent, (directories, files) in zip(level, listed, strict=True)
                    for path in self._only_directories(directories, files)
                ]
                if at_once:
                    fields = self._fields(names[: depth + 1], types, level)
                    level = self._kept(level, fields, conditions)
            fields = self._fields(names, types, level)
            leaves = level if at_once else self._kept(level, fields, conditions)
            contents = list(pool.map(self._list, (leaf.path for leaf in leaves)))
        files = [
            PartitionedFile(path, values)
            for leaf, values, (directories, found) in zip(
                leaves, self._values(leaves, fields), contents, strict=True
            )
            for path in self._only_files(directories, found)
        ]
        if not files and not conditions:
            raise CatalogError(f"table {self.table}: no Parquet file at {self.uri}")
        return Partitions(sorted(files, key=lambda file: file.uri), fields)

    def _declared(self) -> tuple[list[str], list[pa.DataType | None]]:
        """Names of the levels, and their types where they are known."""
        declared = {column.name: column.type for column in self.columns}
        if self.given == "infer":
            names = self._first_names()
            for name in names:
                if name in declared:
                    _require_type(self.table, name, declared[name])
            return names, [declared.get(name) for name in names]
        keys = [key for key in self.given if isinstance(key, str | Column)]
        names = [key if isinstance(key, str) else key.name for key in keys]
        return names, [declared.get(k) if isinstance(k, str) else k.type for k in keys]

    def _first_names(self) -> list[str]:
        """Names of the levels on the way down to the first file."""
        names: list[str] = []
        directory = self.root
        while directories := self._list(directory)[0]:
            directory = directories[0]
            names.append(self._split(directory)[0])
        if not names:
            raise CatalogError(
                f"table {self.table}: no partitions at {self.uri}: expected directories such as "
                f"day=2026-05-01"
            )
        return names

    def _list(self, directory: str) -> tuple[list[str], list[str]]:
        """Directories and Parquet files in a directory that are not hidden."""
        directories, files = [], []
        for entry in self.system.get_file_info(fs.FileSelector(directory, allow_not_found=True)):
            name = entry.base_name
            is_partition = "=" in name or (name == HIVE_NULL and not self.names_in_paths)
            if name.startswith(".") or (name.startswith("_") and not is_partition):
                continue
            if entry.type == fs.FileType.Directory:
                directories.append(entry.path)
            elif is_parquet(entry.path):
                files.append(entry.path)
        return sorted(directories), sorted(files)

    def _only_directories(self, directories: list[str], files: list[str]) -> list[str]:
        if files:
            raise self._contradiction(f"a file lies above its partitions: {files[0]}")
        return directories

    def _only_files(self, directories: list[str], files: list[str]) -> list[str]:
        if directories:
            raise self._contradiction(f"a directory lies below the last level: {directories[0]}")
        return files

    def _split(self, directory: str) -> tuple[str, str]:
        name, equals, text = directory.rpartition("/")[2].partition("=")
        if not (name and equals):
            raise self._contradiction(f"{directory} is no partition, such as day=2026-05-01")
        try:
            return unquote(name, errors="strict"), unquote(text, errors="strict")
        except UnicodeDecodeError as error:
            raise self._contradiction(f"{directory} is not UTF-8, percent-encoded") from error

    def _text(self, directory: str, expected: str) -> str | None:
        if self.names_in_paths:
            name, text = self._split(directory)
        else:
            name, text = expected, directory.rpartition("/")[2]
        if name != expected:
            raise self._contradiction(f"{directory} is of {name}, where others are of {expected}")
        if not text:
            raise self._contradiction(
                f"{directory} has an empty value: a missing one is {HIVE_NULL}"
            )
        return None if text == HIVE_NULL else text

    def _contradiction(self, what: str) -> CatalogError:
        return CatalogError(f"table {self.table}: partitions contradict each other: {what}")

    def _fields(
        self,
        names: Sequence[str],
        types: Sequence[pa.DataType | None],
        level: Sequence[_Directory],
    ) -> list[pa.Field]:
        fields = []
        for i, name in enumerate(names):
            texts = {directory.texts[i] for directory in level}
            kind = types[i] or _inferred(text for text in texts if text is not None)
            fields.append(pa.field(name, kind, None in texts))
        return fields

    def _values(
        self, level: Sequence[_Directory], fields: Sequence[pa.Field]
    ) -> list[dict[str, pa.Scalar]]:
        read: dict[tuple[int, str | None], pa.Scalar] = {}
        found = []
        for directory in level:
            for i, (text, column) in enumerate(zip(directory.texts, fields, strict=True)):
                if (i, text) not in read:
                    read[i, text] = self._scalar(text, column)
            texts = enumerate(directory.texts)
            found.append({fields[i].name: read[i, text] for i, text in texts})
        return found

    def _scalar(self, text: str | None, column: pa.Field) -> pa.Scalar:
        if text is None:
            return pa.scalar(None, column.type)
        try:
            return pa.scalar(text).cast(column.type)
        except (pa.ArrowException, ValueError) as error:
            raise CatalogError(
                f"table {self.table}: the partition {column.name}={text} at {self.uri} is no "
                f"{column.type}"
            ) from error

    def _kept(
        self,
        level: list[_Directory],
        fields: Sequence[pa.Field],
        conditions: Sequence[Condition],
    ) -> list[_Directory]:
        """Directories that may have rows for which all conditions hold."""
        if not (level and conditions):
            return level
        from neuralake.catalog.predicates import exclude
        from neuralake.catalog.scan import polars_schema

        keys = polars_schema(pa.schema(list(fields)))
        rows = _frame(self._values(level, fields), fields)
        kept = exclude(rows, self.table, conditions, keys)
        return [level[i] for i in kept[_ROW]]


def _frame(rows: Sequence[Mapping[str, pa.Scalar]], fields: Sequence[pa.Field]) -> pl.DataFrame:
    import polars as pl

    columns = {f.name: pa.array([row[f.name] for row in rows], f.type) for f in fields}
    return pl.DataFrame(pa.table(columns)).with_row_index(_ROW)


def _inferred(texts: Iterable[str]) -> pa.DataType:
    """Dates and whole numbers where all values are, as they would be written; or else strings."""
    values = list(texts)
    if values and all(map(_DATE.fullmatch, values)) and _all_are(values, pa.date32()):
        return pa.date32()
    if values and all(map(_INTEGER.fullmatch, values)) and _all_are(values, pa.int64()):
        return pa.int64()
    return pa.string()


def _all_are(values: Sequence[str], kind: pa.DataType) -> bool:
    try:
        pa.array(values, pa.string()).cast(kind)
    except pa.ArrowException:
        return False
    return True


def _require_type(table: str, name: str, kind: pa.DataType) -> None:
    types = pa.types
    known = (
        types.is_string(kind)
        or types.is_integer(kind)
        or types.is_date32(kind)
        or types.is_boolean(kind)
        or types.is_decimal128(kind)
        or types.is_timestamp(kind)
    )
    if not known:
        raise CatalogError(
            f"table {table}: partition column {name} is {kind}: expected a string, an integer, a "
            f"date, a boolean, a decimal or a timestamp, which a path says exactly"
        )
