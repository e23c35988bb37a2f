"""An engine of somebody else's that loses a row of each append, and has no way to do much else."""

from collections.abc import Mapping
from typing import Any

import deltalake
import pyarrow.parquet as pq

from neuralake.engines.polars import PolarsEngine, PolarsOptions
from neuralake.engines.writing import Rows, Written


class SloppyEngine(PolarsEngine):
    name = "sloppy"
    write_paths = {"append": "sloppy hand", "compact": "sloppy hand"}  # noqa: RUF012

    def __init__(self, options: PolarsOptions) -> None:
        super().__init__(options)
        self.writes: Any = SloppyWrites()


class SloppyWrites:
    name = "sloppy"
    settings: Mapping[str, Any] = {}

    def append(self, table: Any, rows: Rows) -> Written:
        staged = pq.read_table(rows.files[0])
        target = deltalake.DeltaTable(table.uri)
        deltalake.write_deltalake(target, staged.slice(1), mode="append")
        return Written(target.version(), rows.rows, "sloppy hand")
