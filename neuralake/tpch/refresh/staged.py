"""Refresh sets that are staged: Parquet files in a directory, and what they hold."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Final

from neuralake.errors import DatasetError
from neuralake.tpch.refresh.keys import KeyMapping

if TYPE_CHECKING:
    import pyarrow as pa

FORMAT: Final = "neuralake-tpch-refresh"
SCHEMA_VERSION: Final = 1
RECORD_NAME: Final = "refresh.json"


@dataclass(frozen=True)
class StagedFile:
    """Rows of one table in one Parquet file.

    Attributes
    ----------
    path
        Absolute.
    table
        ``orders`` or ``lineitem``.
    columns
        Names, in order; all of the table's, or its key alone.
    rows
        How many.
    """

    path: str
    table: str
    columns: tuple[str, ...]
    rows: int

    @property
    def schema(self) -> pa.Schema:
        """Of the rows: the table's columns as the dataset has them."""
        import pyarrow as pa

        from neuralake.tpch.tables import TABLES

        declared = {column.name: column for column in TABLES[self.table].columns}
        chosen = [declared[name] for name in self.columns]
        return pa.schema([pa.field(c.name, c.type, c.nullable) for c in chosen])


@dataclass(frozen=True)
class Totals:
    """What some orders with their items add up to.

    Attributes
    ----------
    orders, lineitems
        Number of rows.
    totalprice, extendedprice
        Sums of ``o_totalprice`` and ``l_extendedprice``, dollars.
    """

    orders: int
    lineitems: int
    totalprice: Decimal
    extendedprice: Decimal

    def __add__(self, other: Totals) -> Totals:
        return self._combined(other, 1)

    def __sub__(self, other: Totals) -> Totals:
        return self._combined(other, -1)

    def _combined(self, other: Totals, sign: int) -> Totals:
        return Totals(
            self.orders + sign * other.orders,
            self.lineitems + sign * other.lineitems,
            self.totalprice + sign * other.totalprice,
            self.extendedprice + sign * other.extendedprice,
        )


@dataclass(frozen=True)
class RefreshSet:
    """One set: what RF1 appends and what RF2 deletes, in all of which order and items go together.

    Attributes
    ----------
    number
        From 1.
    orders, lineitem
        Rows that RF1 appends.
    deleted_orders, deleted_lineitem
        Keys of the rows that RF2 deletes, in a column named as in the table: ``o_orderkey`` and
        ``l_orderkey``. A key stands once, for all items of its order.
    totals
        Of the orders that are inserted; those that are deleted have the same.
    """

    number: int
    orders: StagedFile
    lineitem: StagedFile
    deleted_orders: StagedFile
    deleted_lineitem: StagedFile
    totals: Totals


@dataclass(frozen=True)
class Staged:
    """Refresh sets of one dataset.

    Attributes
    ----------
    dataset
        URI of the dataset.
    sha256
        Digest of the dataset's manifest, which says that it is the same one.
    scale_factor
        Of it.
    sets
        As they were asked for.
    """

    dataset: str
    sha256: str
    scale_factor: float
    sets: tuple[RefreshSet, ...]

    def mapping(self) -> KeyMapping:
        """Which keys the orders have after the pairs of all sets."""
        return KeyMapping(tuple(one.number for one in self.sets), self.scale_factor)


@dataclass(frozen=True)
class _Record:
    """The document beside the files; sets hold their rows and totals alone."""

    format: str
    schema_version: int
    dataset: str
    sha256: str
    scale_factor: float
    sets: dict[str, Totals]


def set_directory(number: int) -> str:
    """Name of the directory of a set."""
    return f"set-{number:03d}"


def refresh_set(directory: Path, number: int, totals: Totals) -> RefreshSet:
    """A set whose files lie below a directory."""
    from neuralake.tpch.tables import TABLES

    root = directory / set_directory(number)

    def rows(table: str, count: int) -> StagedFile:
        names = tuple(column.name for column in TABLES[table].columns)
        return StagedFile(str(root / f"{table}.parquet"), table, names, count)

    def keys(table: str, column: str) -> StagedFile:
        path = str(root / f"delete-{table}.parquet")
        return StagedFile(path, table, (column,), totals.orders)

    return RefreshSet(
        number,
        rows("orders", totals.orders),
        rows("lineitem", totals.lineitems),
        keys("orders", "o_orderkey"),
        keys("lineitem", "l_orderkey"),
        totals,
    )


def encode(staged: Staged) -> bytes:
    """The document of staged sets."""
    import msgspec

    sets = {str(one.number): one.totals for one in staged.sets}
    record = _Record(
        FORMAT, SCHEMA_VERSION, staged.dataset, staged.sha256, staged.scale_factor, sets
    )
    return msgspec.json.format(msgspec.json.encode(record), indent=1) + b"\n"


def load_staged(directory: Path) -> Staged:
    """The sets that :func:`neuralake.tpch.refresh.stage.stage` left in a directory.

    Raises
    ------
    DatasetError
        If there are none, or they cannot be read.
    """
    import msgspec

    file = directory / RECORD_NAME
    try:
        record = msgspec.json.decode(file.read_bytes(), type=_Record)
    except OSError as error:
        raise DatasetError(
            f"no refresh sets at {directory}: {error.strerror}; "
            "make them with neuralake tpch refresh"
        ) from error
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise DatasetError(f"{file} is corrupt: {error}; remove the directory") from error
    if (record.format, record.schema_version) != (FORMAT, SCHEMA_VERSION):
        raise DatasetError(
            f"{file} has format {record.format!r} {record.schema_version}: "
            f"expected {FORMAT!r} {SCHEMA_VERSION}; remove the directory"
        )
    sets = tuple(
        refresh_set(directory.absolute(), int(number), totals)
        for number, totals in record.sets.items()
    )
    _check_files(sets)
    return Staged(record.dataset, record.sha256, record.scale_factor, sets)


def _check_files(sets: tuple[RefreshSet, ...]) -> None:
    for one in sets:
        for file in (one.orders, one.lineitem, one.deleted_orders, one.deleted_lineitem):
            if not Path(file.path).is_file():
                raise DatasetError(
                    f"refresh set {one.number} lacks {file.path}: remove the directory, "
                    "and make the sets again"
                )
