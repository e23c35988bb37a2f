"""Tasks, sessions of tasks one after another, and phases of sessions at once: plain data.

The words are LST-Bench's (Camacho-Rodríguez et al., "LST-Bench: Benchmarking Log-Structured Tables
in the Cloud", SIGMOD 2024): a *task* is a query, or a change of a table; a *session* does its tasks
in order; the sessions of a *phase* run at once. All of it goes to the engine's process as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from neuralake.engines.writing import Rows
from neuralake.errors import LoadError


@dataclass(frozen=True)
class RunQuery:
    """A query.

    Attributes
    ----------
    sql
        Its text.
    reads
        Names of the tables that it reads.
    order_by
        Names of the columns that its rows are ordered by.
    at
        Version by table, for a query of the past; a table that is not named is read at the version
        that is its newest when the query begins.
    keeps_answer
        Whether its answer is kept, so that it can be checked after the phase.
    """

    kind = "query"
    sql: str
    reads: tuple[str, ...]
    order_by: tuple[str, ...] = ()
    at: Mapping[str, int] = field(default_factory=dict)
    keeps_answer: bool = True


@dataclass(frozen=True)
class Create:
    """A new table with its first rows, partitioned by columns."""

    kind = "create"
    table: str
    rows: Rows
    partition_by: tuple[str, ...] = ()


@dataclass(frozen=True)
class Append:
    """Rows that are added."""

    kind = "append"
    table: str
    rows: Rows


@dataclass(frozen=True)
class Delete:
    """Rows that are deleted by a predicate in SQL."""

    kind = "delete"
    table: str
    where: str


@dataclass(frozen=True)
class DeleteKeys:
    """Rows that are deleted by their keys, which columns of the same names hold."""

    kind = "delete_keys"
    table: str
    keys: Rows
    on: tuple[str, ...]


@dataclass(frozen=True)
class Update:
    """Columns that get the values of SQL expressions, where a predicate holds."""

    kind = "update"
    table: str
    assignments: Mapping[str, str]
    where: str


@dataclass(frozen=True)
class Merge:
    """Rows that replace those of the same keys, and are added where there are none."""

    kind = "merge"
    table: str
    rows: Rows
    on: tuple[str, ...]


@dataclass(frozen=True)
class Compact:
    """Small files that become large ones."""

    kind = "compact"
    table: str


@dataclass(frozen=True)
class ZOrder:
    """Files that are written anew, their rows in Z-order of columns."""

    kind = "z_order"
    table: str
    columns: tuple[str, ...]


@dataclass(frozen=True)
class Vacuum:
    """Files that are deleted which no version of the last hours needs.

    Attributes
    ----------
    table
        Its name.
    retention_hours
        How long ago a file must have been removed from the table.
    enforce
        Whether a retention below the table's own is refused.
    """

    kind = "vacuum"
    table: str
    retention_hours: float
    enforce: bool = True


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint of the log."""

    kind = "checkpoint"
    table: str


@dataclass(frozen=True)
class Pause:
    """Nothing, for some seconds."""

    kind = "pause"
    seconds: float


Write = (
    Create | Append | Delete | DeleteKeys | Update | Merge | Compact | ZOrder | Vacuum | Checkpoint
)
Action = RunQuery | Write | Pause


@dataclass(frozen=True)
class Task:
    """One thing that a session does, and one sample.

    Attributes
    ----------
    name
        In results, such as ``q14``, ``RF1`` or ``compact orders``.
    action
        What is done.
    group
        What belongs together, such as the writes of a refresh function to two tables: when one of a
        group has failed, the rest of it is not begun, and the samples say so. Empty for none.
    """

    name: str
    action: Action
    group: str = ""

    @property
    def kind(self) -> str:
        """``query``, ``append`` and so on."""
        return self.action.kind


@dataclass(frozen=True)
class SessionPlan:
    """Tasks in order, under a name for results such as ``stream 1``."""

    name: str
    tasks: tuple[Task, ...]


@dataclass(frozen=True)
class PhasePlan:
    """Sessions that run at once.

    Attributes
    ----------
    name
        In results, such as ``power``.
    sessions
        Each under a name of its own.
    repetition
        1 for the first time that the phase runs.

    Raises
    ------
    LoadError
        If it has no session, or two of one name.
    """

    name: str
    sessions: tuple[SessionPlan, ...]
    repetition: int = 1

    def __post_init__(self) -> None:
        names = [session.name for session in self.sessions]
        if not names:
            raise LoadError(f"phase {self.name} has no session: expected one at least")
        for name in names:
            if names.count(name) > 1:
                raise LoadError(f"phase {self.name} has two sessions {name!r}: expected one a name")
