"""The tables of both arms: whether they are the same data, and whether both read it rightly."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from neuralake.arms.processes import Opened, Place
from neuralake.errors import CompareError
from neuralake.queries.sql import tables_read
from neuralake.results.comparison import SIDES, Side
from neuralake.workloads.table_faults import Count, miscounted


@dataclass(frozen=True)
class TableFault:
    """Why a table's queries have no time.

    Attributes
    ----------
    kind
        ``failed``: an arm cannot open or count it; ``wrong``: an arm reads other rows.
    reason
        In words, with the arm.
    """

    kind: Literal["failed", "wrong"]
    reason: str


def require_same_tables(
    found: Mapping[str, object], expected: Mapping[str, object], place: Place
) -> None:
    """Raise ``CompareError``, naming the table, unless the data is what it was.

    An arm has the tables that its queries name: one that only the other has is no difference of the
    data.
    """
    for name in sorted(found.keys() & expected.keys()):
        if found[name] != expected[name]:
            raise CompareError(
                f"table {name} is not the same in both arms: {place.side} {place.name} reads "
                f"{shown_identity(found[name])}, expected "
                f"{shown_identity(expected[name])}; both arms must read one dataset, and "
                "nothing may write to it meanwhile"
            )


def shown_identity(identity: object) -> str:
    """What identifies a table's data, in words."""
    if not isinstance(identity, dict):
        return "nothing"
    shown = {key: value for key, value in identity.items() if key != "files"}
    return " ".join(f"{key} {value}" for key, value in shown.items() if value is not None)


def table_faults(engine: str, opened: Mapping[Side, Opened]) -> dict[str, TableFault]:
    """Tables that an arm does not read rightly.

    Parameters
    ----------
    engine
        Its name.
    opened
        What each arm said of its tables; what one arm knows of the rows holds for the other, too,
        since both have the same data.

    Returns
    -------
    dict
        By the table's name.
    """
    faults = {
        name: TableFault("failed", _in_words({s: opened[s].faults.get(name) for s in SIDES}))
        for name in sorted({name for side in SIDES for name in opened[side].faults})
    }
    for name in sorted({name for side in SIDES for name in opened[side].counts} - faults.keys()):
        counts = {s: opened[s].counts[name] for s in SIDES if name in opened[s].counts}
        reason = _miscount(engine, name, counts)
        if reason is not None:
            faults[name] = TableFault("wrong", reason)
    return faults


def fault_of(texts: Iterable[str], faults: Mapping[str, TableFault]) -> TableFault | None:
    """Why a query cannot be measured, of whose texts one reads a table at fault; or None."""
    read = sorted({name for text in texts for name in tables_read(text, faults)})
    if not read:
        return None
    kinds = {faults[name].kind for name in read}
    reason = "; ".join(faults[name].reason for name in read)
    return TableFault("wrong" if "wrong" in kinds else "failed", reason)


def _miscount(engine: str, name: str, counts: Mapping[Side, Count]) -> str | None:
    """That an arm reads other rows than there are, or than the other arm."""
    telling = next((count for count in counts.values() if count.known is not None), Count(0))
    held = {
        side: replace(telling, counted=count.counted) if count.known is None else count
        for side, count in counts.items()
    }
    faults = {side: miscounted(engine, {name: count}).get(name) for side, count in held.items()}
    if any(faults.values()):
        return _in_words(faults)
    if len({count.counted for count in counts.values()}) > 1:
        base, candidate = (counts[side].counted for side in SIDES)
        return (
            f"table {name}: {engine} reads {base:,} rows in the base "
            f"and {candidate:,} in the candidate"
        )
    return None


def _in_words(faults: Mapping[Side, str | None]) -> str:
    told = {side: fault for side, fault in faults.items() if fault}
    if len(told) == len(SIDES) and len(set(told.values())) == 1:
        return f"both arms: {next(iter(told.values()))}"
    return "; ".join(f"{side}: {fault}" for side, fault in told.items())
