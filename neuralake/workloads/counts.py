"""Does an engine read the rows that a table has? Asked of each table, once it is open, unmeasured.

An engine that reads other files than the snapshot's gives wrong answers to every query, and two
engines that do so agree. The log and the footers know the number of rows independently of both.
"""

from __future__ import annotations

from collections.abc import Mapping

from neuralake.catalog.tables import DeltaTable, ParquetTable, Table
from neuralake.engines.protocol import Engine, Session
from neuralake.errors import NeuralakeError
from neuralake.storage import one_line


def unopened(engine: Engine, tables: Mapping[str, Table]) -> dict[str, str]:
    """Tables that an engine cannot open, each tried alone, with the reason."""
    faults = {}
    for name, table in tables.items():
        try:
            engine.open({name: table}).close()
        except BaseException as error:  # noqa: BLE001 (a Rust panic is not an Exception)
            faults[name] = _reason(engine.name, name, table, "cannot open it", error)
    return faults


def miscounted(engine: str, session: Session, tables: Mapping[str, Table]) -> dict[str, str]:
    """Tables of which an engine counts other rows than there are, with both numbers.

    Parameters
    ----------
    engine
        Name of the engine.
    session
        Of the engine, with the tables open.
    tables
        Those to count; one that a function makes is only counted, for nobody else knows it.
    """
    faults = {}
    for name, table in tables.items():
        try:
            sql = f"SELECT COUNT(*) AS n FROM {name}"  # noqa: S608 - a checked name of a catalog
            counted = session.execute(sql).column(0)[0].as_py()
        except BaseException as error:  # noqa: BLE001 (a Rust panic is not an Exception)
            faults[name] = _reason(engine, name, table, "cannot count it", error)
            continue
        known = _known_rows(table)
        if known is not None and known[0] != counted:
            faults[name] = (
                f"table {name}: {engine} reads {counted:,} rows, where {known[1]} {known[0]:,}"
            )
    return faults


def _known_rows(table: Table) -> tuple[int, str] | None:
    """Number of rows, and who says so."""
    if isinstance(table, DeltaTable):
        return table.rows(), f"version {table.version} has"
    return (table.rows(), "its files have") if isinstance(table, ParquetTable) else None


def _reason(engine: str, name: str, table: Table, what: str, error: BaseException) -> str:
    reason = one_line(error, getattr(table, "storage_options", {}))
    if isinstance(error, NeuralakeError) and f"table {name}" in reason:
        return f"{reason} ({engine})" if engine not in reason.lower() else reason
    return f"table {name}: {engine} {what}: {reason}"
