"""Stages refresh sets as Parquet files, from the dataset's own rows: whole or not at all.

The order that a set inserts for an index is that of the dataset with another key, its items with
it. The dataset is read once for up to 64 sets, row groups without any of their orders are passed
over, and of what is read only a bounded number of rows is in memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from neuralake.catalog.delta import DeltaTable
from neuralake.config import absolute_uri, is_remote
from neuralake.delta.disk import sync_directory
from neuralake.delta.rows import FilesDataset
from neuralake.errors import DatasetError, StorageError, reason_of
from neuralake.tpch.existing import load_manifest
from neuralake.tpch.refresh.keys import (
    INSERTED,
    Keys,
    check_sets,
    generation_of,
    index_of,
    indexes_of_set,
    order_key,
    orders_of_set,
)
from neuralake.tpch.refresh.staged import (
    RECORD_NAME,
    Staged,
    StagedFile,
    Totals,
    encode,
    load_staged,
    refresh_set,
    set_directory,
)
from neuralake.tpch.staging import clean, staging, sync_file, write_durably
from neuralake.tpch.tables import at

_SETS_AT_ONCE = 64  # four files each are open, two at a time
_ROWS_AT_ONCE = 1 << 17
_ROWS_IN_MEMORY = 1 << 20
_SETS_SHOWN = 10


def stage(
    dataset_uri: str,
    sets: Sequence[int],
    directory: str | Path,
    *,
    storage_options: Mapping[str, str] | None = None,
) -> Staged:
    """Make refresh sets of a dataset, unless they are there already.

    Parameters
    ----------
    dataset_uri
        A dataset made by ``neuralake generate``, on disk or S3, to whose tables nothing has been
        committed since.
    sets
        Numbers, 1 to 999, each once.
    directory
        Of this machine; absent, empty, or with these very sets.
    storage_options
        What reaches the dataset on S3.

    Returns
    -------
    Staged
        The sets, in the order given.

    Raises
    ------
    ParameterError
        If there is no such set.
    DatasetError
        If there is no whole dataset, or it has been changed, or the directory holds anything else
        or cannot be written; no part of a set is left behind.
    BusyError
        If another process stages there.
    StorageError
        If S3 does not give the rows.
    """
    check_sets(sets)
    if is_remote(str(directory)):
        raise DatasetError(f"{directory} is no directory of this machine: sets are staged on disk")
    options = dict(storage_options or {})
    uri = absolute_uri(dataset_uri)
    manifest = load_manifest(uri, storage_options=options)
    target = Path(directory).resolve()
    wanted = _Wanted(uri, manifest.digest, manifest.scale_factor, tuple(sets))
    tables = {
        name: replace(table, version=manifest.tables[name].delta_version, at=None)
        for name, table in at(uri, options).items()
        if name in ("orders", "lineitem")
    }
    try:
        if not _is_vacant(target):
            return wanted.existing(target)
        clean(target)
        with staging(target) as stage_:
            if not _is_vacant(target):  # somebody else made them before we had the lock
                return wanted.existing(target)
            totals = _make(stage_.directory, wanted, tables)
            made = wanted.staged(target, totals)
            write_durably(stage_.directory / RECORD_NAME, encode(made))
            sync_directory(stage_.directory)
            stage_.publish()
            return made
    except StorageError:
        raise
    except (OSError, pa.ArrowException) as error:
        raise DatasetError(
            f"refresh sets cannot be staged at {target}: {reason_of(error)}"
        ) from error


@dataclass(frozen=True)
class _Wanted:
    """What is to be made."""

    dataset: str
    sha256: str
    scale_factor: float
    sets: tuple[int, ...]

    def staged(self, directory: Path, totals: Mapping[int, Totals]) -> Staged:
        sets = tuple(refresh_set(directory, number, totals[number]) for number in self.sets)
        return Staged(self.dataset, self.sha256, self.scale_factor, sets)

    def existing(self, directory: Path) -> Staged:
        if not (directory / RECORD_NAME).is_file():
            raise DatasetError(
                f"{directory} holds something else than refresh sets: choose another directory"
            )
        found = load_staged(directory)
        totals = {one.number: one.totals for one in found.sets}
        if (found.sha256, found.scale_factor) != (self.sha256, self.scale_factor):
            raise DatasetError(
                f"{directory} holds refresh sets of another dataset, {found.dataset}: "
                "choose another directory, or remove this one"
            )
        if set(totals) != set(self.sets):
            shown = ", ".join(map(str, list(totals)[:_SETS_SHOWN]))
            more = len(totals) - _SETS_SHOWN
            raise DatasetError(
                f"{directory} holds refresh sets {shown}{f' and {more} more' if more > 0 else ''}: "
                "choose another directory, or remove this one"
            )
        return self.staged(directory, totals)


def _is_vacant(target: Path) -> bool:
    return not target.exists() or (target.is_dir() and not any(target.iterdir()))


def _make(directory: Path, wanted: _Wanted, tables: Mapping[str, DeltaTable]) -> dict[int, Totals]:
    numbers = sorted(wanted.sets)
    found: dict[int, Totals] = {}
    for first in range(0, len(numbers), _SETS_AT_ONCE):
        part = numbers[first : first + _SETS_AT_ONCE]
        making = _Making(directory, wanted, part)
        orders = making.copy(tables["orders"], "o_orderkey", "o_totalprice")
        lineitem = making.copy(tables["lineitem"], "l_orderkey", "l_extendedprice")
        for number in part:
            making.write_deleted(number)
            found[number] = Totals(
                orders[number].rows, lineitem[number].rows, orders[number].sum, lineitem[number].sum
            )
    return found


@dataclass
class _Part:
    """The rows of one table for one set: those that wait to be written, and what all add up to."""

    writer: pq.ParquetWriter
    seen: npt.NDArray[np.bool_]
    waiting: list[pa.RecordBatch] = field(default_factory=list)
    rows: int = 0
    rows_waiting: int = 0
    sum: Decimal = Decimal(0)

    def add(self, batch: pa.RecordBatch, places: Keys, money: str) -> None:
        self.waiting.append(batch)
        self.rows += batch.num_rows
        self.rows_waiting += batch.num_rows
        self.sum += pc.sum(batch.column(money)).as_py()
        self.seen[places] = True

    def write(self) -> None:
        if self.waiting:
            self.writer.write_table(pa.Table.from_batches(self.waiting).combine_chunks())
        self.waiting, self.rows_waiting = [], 0


class _Making:
    """Copies the rows of some sets, each to its own file."""

    def __init__(self, directory: Path, wanted: _Wanted, numbers: Sequence[int]) -> None:
        self._dataset = wanted.dataset
        self._count = orders_of_set(wanted.scale_factor)
        self._indexes = {n: indexes_of_set(n, wanted.scale_factor) for n in numbers}
        self._sets = {
            number: refresh_set(directory, number, Totals(self._count, 0, Decimal(0), Decimal(0)))
            for number in numbers
        }
        for number in numbers:
            (directory / set_directory(number)).mkdir()
        self._directory = directory

    def copy(self, table: DeltaTable, key: str, money: str) -> dict[int, _Part]:
        """Copy the rows of a table; of each order there must be one at least."""
        with ExitStack() as open_files:
            parts: dict[int, _Part] = {}
            for number, one in self._sets.items():
                file = one.orders if table.name == "orders" else one.lineitem
                writer = open_files.enter_context(pq.ParquetWriter(file.path, file.schema))
                parts[number] = _Part(writer, np.zeros(self._count, np.bool_))
                schema = file.schema
            for batch in self._batches(table, key, schema):
                self._distribute(batch, key, money, parts)
            for part in parts.values():
                part.write()
        for number, part in parts.items():
            self._check(number, part, table.name)
            self._sync(number, f"{table.name}.parquet")
        return parts

    def write_deleted(self, number: int) -> None:
        """Write the keys that are deleted, for each table under its own name."""
        one, indexes = self._sets[number], self._indexes[number]
        for file in (one.deleted_orders, one.deleted_lineitem):
            _write_keys(file, indexes)
            self._sync(number, Path(file.path).name)
        sync_directory(self._directory / set_directory(number))

    def _batches(self, table: DeltaTable, key: str, schema: pa.Schema) -> Iterable[pa.RecordBatch]:
        rows = FilesDataset(table.contents().snapshot)
        for batch in rows.to_batches(columns=schema.names, filter=self._filter(key)):
            if batch.num_rows:
                yield pa.RecordBatch.from_arrays(
                    [
                        column.cast(wanted.type)
                        for column, wanted in zip(batch.columns, schema, strict=True)
                    ],
                    schema=schema,
                )

    def _filter(self, key: str) -> ds.Expression:
        """Keys within the sets' ranges, those of neighbours in one."""
        spans: list[list[int]] = []
        for indexes in self._indexes.values():
            if spans and spans[-1][1] == indexes.start:
                spans[-1][1] = indexes.stop
            else:
                spans.append([indexes.start, indexes.stop])
        column = ds.field(key)
        found: ds.Expression | None = None
        for start, stop in spans:
            within = (column >= order_key(start)) & (column <= order_key(stop - 1))
            found = within if found is None else found | within
        assert found is not None  # noqa: S101 (there is a set at least)
        return found

    def _distribute(
        self, batch: pa.RecordBatch, key: str, money: str, parts: Mapping[int, _Part]
    ) -> None:
        keys: Keys = batch.column(key).to_numpy(zero_copy_only=False)
        index = index_of(keys)
        if generation_of(keys).any():
            raise self._other(f"an order with key {keys[generation_of(keys) != 0][0]}")
        numbers = (index - 1) // self._count + 1
        place = batch.schema.get_field_index(key)
        replaced = batch.set_column(
            place, batch.schema.field(place), pa.array(order_key(index, INSERTED), pa.int64())
        )
        for number in np.unique(numbers).tolist():
            mask = numbers == number
            rows = replaced if mask.all() else replaced.filter(pa.array(mask))
            places = index[mask] - self._indexes[number].start
            parts[number].add(rows, places, money)
            if parts[number].rows_waiting >= _ROWS_AT_ONCE:
                parts[number].write()
        if sum(part.rows_waiting for part in parts.values()) > _ROWS_IN_MEMORY:
            for part in parts.values():
                part.write()

    def _check(self, number: int, part: _Part, table: str) -> None:
        if not part.seen.all():
            index = self._indexes[number].start + int(np.argmin(part.seen))
            raise self._other(f"no row of {table} with order key {order_key(index)}")
        if table == "orders" and part.rows != self._count:
            raise self._other(f"{part.rows} orders of set {number}, not {self._count}")

    def _other(self, what: str) -> DatasetError:
        return DatasetError(
            f"the dataset at {self._dataset} has {what}, which the generator does not make: "
            "refresh sets are made of a dataset as it was generated"
        )

    def _sync(self, number: int, name: str) -> None:
        sync_file(self._directory / set_directory(number) / name)


def _write_keys(file: StagedFile, indexes: range) -> None:
    with pq.ParquetWriter(file.path, file.schema) as writer:
        for start in range(indexes.start, indexes.stop, _ROWS_IN_MEMORY):
            stop = min(start + _ROWS_IN_MEMORY, indexes.stop)
            keys = pa.array(order_key(np.arange(start, stop, dtype=np.int64)), pa.int64())
            writer.write_table(pa.Table.from_arrays([keys], schema=file.schema))
