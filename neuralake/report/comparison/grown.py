"""Which functions took more instructions, of the queries whose work changed."""

from __future__ import annotations

from neuralake.report import numbers
from neuralake.report.tables import Column, Entry, Table, text_columns
from neuralake.report.text import short
from neuralake.results.comparison import SAME, Comparison

_MOST_CHARACTERS = 120
_COLUMNS = (
    *text_columns("engine", "query", "function"),
    *(Column("base (M)"), Column("candidate (M)"), Column("of the query (%)")),
)


def grown_tables(comparison: Comparison) -> tuple[Table, ...]:
    """A table of the functions that changed most, if profiles were kept and any work changed.

    A query that is the same work is left out: what its functions differ by is noise.
    """
    rows = []
    for engine in comparison.engines:
        of_queries = comparison.grown.get(engine.engine, {})
        for change in engine.queries:
            if change.query is None or change.verdict in SAME:
                continue
            rows += [
                (
                    Entry(engine.engine),
                    Entry(change.query),
                    Entry(short(growth.function, _MOST_CHARACTERS)),
                    Entry(numbers.millions(growth.base), growth.base),
                    Entry(numbers.millions(growth.candidate), growth.candidate),
                    Entry(numbers.change(1 + growth.share, 2), growth.share),
                )
                for growth in of_queries.get(change.query, ())
            ]
    if not rows:
        return ()
    caption = (
        "Functions whose own instructions changed most, in one execution of each arm, as a share "
        "of the query's in the base"
    )
    return (Table("grown", caption, _COLUMNS, tuple(rows)),)
