"""What is asked of a table itself, in a process of its own: it may be the user's code that answers.

Keys are checked with Polars, which every installation has. A sample takes every n-th value of a
key, by its hash: all rows of a value are in it or none, so that a sampled duplicate is found.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

from neuralake.catalog.declaration import ForeignKey
from neuralake.catalog.delta import DeltaTable
from neuralake.catalog.keys import check_foreign_key
from neuralake.catalog.promises import freshness
from neuralake.catalog.tables import Table, pinned
from neuralake.errors import NeuralakeError, named_reason
from neuralake.storage import one_line
from neuralake.verify.check import CheckFailedError

if TYPE_CHECKING:
    import polars as pl

T = TypeVar("T")
_SEED = 20_000


@dataclass(frozen=True)
class Found:
    """A table that can be read.

    Attributes
    ----------
    table
        As it is to be read by all that follows: a Delta table at the version that it had.
    what
        What it is, in a few words.
    """

    table: Table
    what: str


class Inspector:
    """Its methods are called over a worker's pipe, and raise with one line that says all."""

    def check(self, table: Table) -> Found:
        """Check a table against its declaration, and pin its version."""
        return _told(table, lambda: _check(table))

    def unique(self, table: Table, sample: int | None) -> str:
        """Check that no value of the primary key is missing or there twice."""
        return _told(table, lambda: _unique(table, sample))

    def fresh(self, table: Table) -> tuple[str, str]:
        """How fresh a table is against its promise: the outcome, and why."""
        found = _told(table, lambda: freshness(table, datetime.now(UTC)))
        return (
            ("skipped", "nothing is promised") if found is None else (found.outcome, found.detail)
        )

    def refers(self, table: Table, key: ForeignKey, parent: Table, sample: int | None) -> str:
        """Check that the values of a foreign key are there in the table that it refers to."""
        return _told(table, lambda: _refers(table, key, parent, sample))


def _told(table: Table, call: Callable[[], T]) -> T:
    """What a call returns; what it raises, as a line without secrets."""
    try:
        return call()
    except NeuralakeError:
        raise
    except BaseException as error:
        options = getattr(table, "storage_options", {})
        reason = one_line(error, options) or named_reason(error)
        raise CheckFailedError(f"table {table.name}: {reason}") from error


def _check(table: Table) -> Found:
    table.check()
    fixed = pinned(table)
    version = fixed.version if isinstance(fixed, DeltaTable) else None
    at = "" if version is None else f", version {version}"
    columns = len(table.columns)
    told = f"{columns} columns as declared" if columns else "its columns are not declared"
    return Found(fixed, f"{table.format}{at}; {told}")


def _unique(table: Table, sample: int | None) -> str:
    import polars as pl

    key = list(table.primary_key)
    frame = table.lazy(columns=key)
    rows = _rows(frame)
    missing = _rows(frame.filter(pl.any_horizontal(pl.col(key).is_null())))
    if missing:
        raise CheckFailedError(
            f"{missing:,} of {rows:,} rows have no value in the primary key {_names(key)}"
        )
    taken, said = _sampled(frame, key, rows, sample)
    twice = taken.group_by(key).len("neuralake rows").filter(pl.col("neuralake rows") > 1)
    number, example = _first(twice, key)
    if number:
        raise CheckFailedError(
            f"{number:,} values of the primary key {_names(key)} are there more than once, "
            f"such as {_shown(table, example)}"
        )
    return f"{said} have different values of {_names(key)}"


def _refers(table: Table, key: ForeignKey, parent: Table, sample: int | None) -> str:
    import polars as pl

    check_foreign_key(table, key, lambda _: parent)
    own, theirs = list(key.columns), list(key.referenced_columns)
    frame = table.lazy(columns=own)
    # SQL:2016, MATCH SIMPLE: a row with a null in the key refers to nothing
    referring, said = _sampled(frame.drop_nulls(), own, _rows(frame), sample)
    known = parent.lazy(columns=theirs).unique()
    types = known.collect_schema()  # of one meaning with ours, if perhaps another encoding
    values = referring.unique().with_columns(
        pl.col(name).cast(types[other], strict=False).alias(f"neuralake {name}")
        for name, other in zip(own, theirs, strict=True)
    )
    cast = [f"neuralake {name}" for name in own]
    lost = values.join(known, left_on=cast, right_on=theirs, how="anti")
    number, example = _first(lost, own)
    if number:
        raise CheckFailedError(
            f"{number:,} values of {_names(own)} are not in {parent.name}.{_names(theirs)}, "
            f"such as {_shown(table, example)}"
        )
    return f"{said} refer to what is in {parent.name}"


def _sampled(
    frame: pl.LazyFrame, key: Sequence[str], rows: int, sample: int | None
) -> tuple[pl.LazyFrame, str]:
    """All rows, or those of every n-th value of a key; and what to say of them."""
    import polars as pl

    if sample is None or rows <= sample:
        return frame, f"all {rows:,} rows"
    every = -(-rows // sample)
    taken = frame.filter(pl.struct(key).hash(_SEED) % every == 0)
    return taken, f"the rows of every {every:,}th value, of {rows:,} rows,"


def _first(frame: pl.LazyFrame, columns: Sequence[str]) -> tuple[int, dict[str, Any]]:
    """How many rows a frame has, and the least of them."""
    found = frame.select(columns).collect(engine="streaming")
    example = found.sort(list(columns)).head(1).to_dicts()
    return found.height, example[0] if example else {}


def _rows(frame: pl.LazyFrame) -> int:
    import polars as pl

    return int(frame.select(pl.len()).collect(engine="streaming").item())


def _names(columns: Sequence[str]) -> str:
    return columns[0] if len(columns) == 1 else f"({', '.join(columns)})"


def _shown(table: Table, example: dict[str, Any]) -> str:
    """A value of a key; one of a column that is marked as sensitive stays hidden."""
    hidden = {column.name for column in table.columns if getattr(column, "sensitive", False)}
    values = (f"{name} {'***' if name in hidden else value}" for name, value in example.items())
    return ", ".join(values)
