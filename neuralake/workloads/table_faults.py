"""Tables that an engine does not read rightly: one that it cannot open, one with other rows.

An engine that reads other files than the snapshot's gives wrong answers to every query, and two
engines that do so agree. The log and the footers know the number of rows independently of both.

This is part of the instrument: within an arm it comes from the Neuralake that compares, and the
tables from the arm's own, which may be older. So a table is asked only for what it can tell.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from neuralake.errors import NeuralakeError
from neuralake.identifiers import quoted
from neuralake.measure.counter import Counter
from neuralake.measure.execution import Execution, measure

if TYPE_CHECKING:
    from neuralake.catalog.tables import Table
    from neuralake.engines.protocol import Engine, Session

# A library's error in one line, without what the options of the storage keep secret
Reason = Callable[[BaseException, Mapping[str, str]], str]


@dataclass(frozen=True)
class Opening:
    """Tables that are open.

    Attributes
    ----------
    session
        Of the engine, with the tables that it could open.
    execution
        What opening them took.
    faults
        Tables that it cannot open, with the reason.
    """

    session: Session
    execution: Execution
    faults: Mapping[str, str]


@dataclass(frozen=True)
class Count:
    """How many rows a table has.

    Attributes
    ----------
    counted
        As the engine says.
    known
        As the log or the footers say; None where they do not, or there are none.
    teller
        Who says so, and a verb: ``version 3 has``.
    """

    counted: int
    known: int | None = None
    teller: str = ""


def open_tables(
    engine: Engine,
    tables: Mapping[str, Table],
    reason: Reason,
    counter: Counter | None = None,
) -> Opening:
    """Open the tables together; if that fails, those that can be opened.

    Parameters
    ----------
    engine
        A started one.
    tables
        By the names that queries use.
    reason
        Tells an error in one line.
    counter
        Of instructions, if there is one.

    Raises
    ------
    Exception
        The engine's own, if it can open none, or each one alone but not all.
    """
    try:
        session, execution = measure(lambda: engine.open(tables), counter)
        return Opening(session, execution, {})
    except BaseException:  # a Rust panic is not an Exception
        faults = _unopened(engine, tables, reason)
        if not faults or len(faults) == len(tables):
            raise
        rest = {name: table for name, table in tables.items() if name not in faults}
        session, execution = measure(lambda: engine.open(rest), counter)
        return Opening(session, execution, faults)


def count_rows(
    engine: str, session: Session, tables: Mapping[str, Table], reason: Reason
) -> tuple[dict[str, Count], dict[str, str]]:
    """Let an engine count each table once.

    Parameters
    ----------
    engine
        Its name.
    session
        With the tables open.
    tables
        Those to count; one that a function makes is only counted, for nobody else knows it.
    reason
        Tells an error in one line.

    Returns
    -------
    tuple
        The counts, and the tables that cannot be counted, with the reason.
    """
    counts, faults = {}, {}
    for name, table in tables.items():
        try:
            sql = f"SELECT COUNT(*) AS n FROM {quoted(name)}"  # noqa: S608 - a checked name
            counted = int(session.execute(sql).column(0)[0].as_py())
            counts[name] = Count(counted, *_known(table))
        except BaseException as error:  # noqa: BLE001 (a Rust panic is not an Exception)
            faults[name] = _told(engine, name, table, "cannot count it", error, reason)
    return counts, faults


def miscounted(engine: str, counts: Mapping[str, Count]) -> dict[str, str]:
    """Tables of which an engine reads other rows than there are, with both numbers."""
    return {
        table: f"table {table}: {engine} reads {count.counted:,} rows, "
        f"where {count.teller} {count.known:,}"
        for table, count in counts.items()
        if count.known is not None and count.counted != count.known
    }


def _unopened(engine: Engine, tables: Mapping[str, Table], reason: Reason) -> dict[str, str]:
    """Tables that an engine cannot open, each tried alone, with the reason."""
    faults = {}
    for name, table in tables.items():
        try:
            engine.open({name: table}).close()
        except BaseException as error:  # noqa: BLE001 (a Rust panic is not an Exception)
            faults[name] = _told(engine.name, name, table, "cannot open it", error, reason)
    return faults


def _known(table: Table) -> tuple[int | None, str]:
    """Number of rows, and who says so."""
    rows = getattr(table, "rows", None)
    if rows is None or table.format not in ("delta", "parquet"):
        return None, ""
    if table.format == "parquet":
        return rows(), "its files have"
    version = getattr(table, "version", None)
    return rows(), "its log has" if version is None else f"version {version} has"


def _told(
    engine: str, name: str, table: Table, what: str, error: BaseException, reason: Reason
) -> str:
    told = reason(error, getattr(table, "storage_options", {}))
    if isinstance(error, NeuralakeError) and f"table {name}" in told:
        return f"{told} ({engine})" if engine not in told.lower() else told
    return f"table {name}: {engine} {what}: {told}"
