"""The answer to a query as a person looks at it: in a terminal, and in a notebook."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from neuralake.api.display import as_text
from neuralake.catalog.html import grid
from neuralake.report.answer import ROWS_SHOWN, print_answer

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, repr=False)
class Answer:
    """Rows that show themselves as a table; whatever reads Arrow reads them as they are.

    Attributes
    ----------
    table
        All rows, as a :class:`pyarrow.Table`.
    """

    table: pa.Table

    def polars(self) -> pl.DataFrame:
        """The rows as a :class:`polars.DataFrame`."""
        import polars as pl

        return pl.DataFrame(self.table)

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> Any:
        """Arrow's PyCapsule interface, by which Polars, DuckDB and pyarrow take an answer."""
        return self.table.__arrow_c_stream__(requested_schema)

    def __repr__(self) -> str:
        return as_text(lambda console: print_answer(self.table, console))

    def _repr_html_(self) -> str:
        shown = self.table.slice(0, ROWS_SHOWN)
        header = [f"{field.name}: {field.type}" for field in shown.schema]
        columns = [column.to_pylist() for column in shown.columns]
        rows = islice(zip(*columns, strict=True), ROWS_SHOWN)
        number = len(self)
        more = f", of which {ROWS_SHOWN} are shown" if number > ROWS_SHOWN else ""
        return f"<div>{grid(header, rows)}<p><small>{number:,} rows{more}</small></p></div>"
