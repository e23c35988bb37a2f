"""Neuralake's own writer as a contestant: appends, compaction and vacuum."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.parquet as pq

from neuralake.catalog.tables import DeltaTable
from neuralake.engines.writing import Rows, Written
from neuralake.writer.append import Writer
from neuralake.writer.compact import Compactor
from neuralake.writer.vacuum import vacuum

_S_AN_HOUR = 3600.0


class OwnWriter:
    """:mod:`neuralake.writer` with its defaults; one writer a table, which sessions share."""

    name = "neuralake"

    def __init__(self) -> None:
        self._writers: dict[str, Writer] = {}
        self._opening = threading.Lock()

    def append(self, table: DeltaTable, rows: Rows) -> Written:
        """Append in one commit."""
        with self._opening:
            if table.name not in self._writers:
                self._writers[table.name] = Writer(table)
            writer = self._writers[table.name]
        commit = writer.append(_read(rows.files))
        return Written(
            commit.version, commit.rows, "neuralake Writer.append", conflicts=commit.attempts - 1
        )

    def compact(self, table: DeltaTable) -> Written:
        """Pack small files until none is worth it."""
        compactor, version, lost = Compactor(table), None, 0
        while (done := compactor.run_once()) is not None:
            version, lost = done.version, lost + done.attempts - 1
        return Written(version, None, "neuralake Compactor", conflicts=lost)

    def vacuum(self, table: DeltaTable, retention_hours: float, *, enforce: bool = True) -> Written:
        """Remove what no version within the retention needs."""
        vacuum(table, retention_s=retention_hours * _S_AN_HOUR, is_forced=not enforce)
        return Written(None, None, "neuralake Vacuum")

    def close(self) -> None:
        """Close what was opened."""
        for writer in self._writers.values():
            writer.close()


def _read(files: Sequence[str]) -> pa.Table:
    return pa.concat_tables([pq.read_table(file) for file in files])
