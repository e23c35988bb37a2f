"""A plan held against a workload: what can be refused is, before anything is measured."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from neuralake.catalog.about import warn_of_deprecated
from neuralake.catalog.tables import DeltaTable, Table
from neuralake.catalog.views import is_view
from neuralake.errors import LifecycleError, QueryError, did_you_mean
from neuralake.lists import require_once
from neuralake.queries.sql import tables_read
from neuralake.queries.workload import Workload, select_queries
from neuralake.workloads.lifecycle.expand import Phase
from neuralake.workloads.lifecycle.keys import required_reference, shifted_column
from neuralake.workloads.lifecycle.tasks import (
    ROW_CHANGES,
    AnyTask,
    AppendFile,
    CreateFile,
    DeleteKeysFile,
    MergeFile,
    PauseFile,
    QueryFile,
    UpdateFile,
    ZOrderFile,
    kind_of,
)

MOST_TASKS = 100_000


def tables_of(phases: Sequence[Phase], workload: Workload) -> dict[str, DeltaTable]:
    """The tables that a plan reads or changes, by name.

    Raises
    ------
    LifecycleError
        If one of them is no Delta table.
    """
    names = dict.fromkeys(name for phase in phases for task in phase.tasks for name in named(task))
    for phase in phases:
        for task in phase.tasks:
            if isinstance(task, QueryFile):
                for query in select_queries(workload.queries, task.queries):
                    names |= dict.fromkeys(sorted(tables_read(query.sql(), workload.tables)))
    found = {}
    for name in names:
        table = workload.tables[name]
        if not isinstance(table, DeltaTable):
            raise LifecycleError(
                f"table {name} is {table.format}: expected a Delta table, as a plan changes them "
                "and reads their earlier versions"
            )
        if is_view(table):
            raise LifecycleError(
                f"table {name} has computed or missing columns, or only its newest rows are read: "
                "expected a Delta table as it is stored, as a plan changes it"
            )
        found[name] = table
    warn_of_deprecated(found.values())
    return found


def named(task: AnyTask) -> tuple[str, ...]:
    """Tables that a task names."""
    if isinstance(task, QueryFile | PauseFile):
        return ()
    return (task.table, *getattr(task, "children", ()))


def check_against(phases: Sequence[Phase], workload: Workload) -> None:
    """Refuse a plan that names what there is not, or asks for what has no one outcome.

    Raises
    ------
    LifecycleError
        The message names the phase, the session and the task.
    """
    tasks = 0
    created: set[str] = set()
    creations = [t for phase in phases for t in phase.tasks if isinstance(t, CreateFile)]
    partitions = {creation.table: creation.partition_by for creation in creations}
    made_in_all = set(partitions)
    there: dict[str, frozenset[str]] = {}
    for phase in phases:
        made: set[str] = set()
        for session in phase.sessions:
            own: set[str] = set()  # what another session makes at the same time may not be there
            for number, task in enumerate(session.tasks):
                place = f"phase {phase.name!r}, session {session.name!r}, task {number}"
                _check_task(task, workload, place, partitions)
                tasks += getattr(task, "batches", 1) * getattr(task, "times", 1)
                _check_there(task, workload, place, made_in_all - created - own, there)
                if isinstance(task, CreateFile):
                    if task.table in created or task.table in made:
                        raise LifecycleError(f"{place} makes table {task.table} a second time")
                    made.add(task.table)
                    own.add(task.table)
        created |= made
        _check_order(phase)
        there[phase.name] = frozenset(made_in_all - created)
    if tasks > MOST_TASKS:
        raise LifecycleError(
            f"the plan has {tasks:,} tasks: expected {MOST_TASKS:,} at most, "
            "with fewer batches, times or turns"
        )


def _check_there(
    task: AnyTask,
    workload: Workload,
    place: str,
    missing: set[str],
    there: Mapping[str, frozenset[str]],
) -> None:
    """Refuse a table that the plan makes, but later."""
    if isinstance(task, CreateFile):
        return
    used: set[str] = set(named(task))
    if isinstance(task, QueryFile):
        for query in select_queries(workload.queries, task.queries):
            used |= tables_read(query.sql(), workload.tables)
        if task.as_of is not None:
            missing = missing | there.get(task.as_of, frozenset())
    for name in sorted(used & missing):
        raise LifecycleError(
            f"{place} uses table {name}, which the plan has not made by then: "
            "expected its create before"
        )


def _check_task(
    task: AnyTask, workload: Workload, place: str, partitions: Mapping[str, tuple[str, ...]]
) -> None:
    tables = workload.tables
    for name in named(task):
        if name not in tables:
            raise LifecycleError(
                f"{place} names table {name!r}: there are {', '.join(tables)}"
                f"{did_you_mean(name, tables)}"
            )
    if isinstance(task, QueryFile):
        try:
            select_queries(workload.queries, task.queries)
        except QueryError as error:
            raise LifecycleError(f"{place}: {error}") from error
    elif not isinstance(task, PauseFile):
        _check_columns(task, tables[task.table], place)
        if isinstance(task, ZOrderFile):
            _refuse_partitions(tables[task.table], task.columns, place, partitions)
        _check_keys(task, tables[task.table], place)
        children = getattr(task, "children", ())
        require_once(children, f"{place}: children", LifecycleError)
        for child in children:
            required_reference(tables[child], task.table, place)
            if child == task.table:
                raise LifecycleError(
                    f"{place}: children names {child!r}, the table itself: expected others, as "
                    "rows that refer to rows of their own table are not followed"
                )


def _check_columns(task: AnyTask, table: Table, place: str) -> None:
    """Refuse columns that the table has not, or that no change may touch."""
    match task:
        case CreateFile():
            _require_columns(table, task.partition_by, f"{place}: partition_by")
            if len(task.partition_by) == len(_columns(table)):
                raise LifecycleError(
                    f"{place}: partition_by names all columns of table {table.name}: expected one "
                    "at least that is none, as files must hold something"
                )
        case ZOrderFile():
            if not task.columns:
                raise LifecycleError(f"{place}: columns is empty: expected one at least")
            _require_columns(table, task.columns, f"{place}: columns")
        case MergeFile():
            _require_columns(table, task.columns, f"{place}: columns")
            _refuse_keys(table, task.columns, f"{place}: columns")
        case UpdateFile():
            if not task.set:
                raise LifecycleError(f"{place}: set is empty: expected an expression by column")
            _require_columns(table, task.set, f"{place}: set")
            _refuse_keys(table, task.set, f"{place}: set")


def _check_keys(task: AnyTask, table: Table, place: str) -> None:
    """Refuse a table without the key that the task needs."""
    match task:
        case AppendFile():
            if (task.rows is None) == (task.percent is None):
                raise LifecycleError(f"{place}: expected either rows or percent")
            shifted_column(table, place)
        case MergeFile():
            _require_key(table, place)
            if task.new_percent is not None:
                shifted_column(table, place)
        case DeleteKeysFile():
            _require_key(table, place)


def _check_order(phase: Phase) -> None:
    """Refuse sessions at once that change the rows of one table: who comes first would be chance.

    Appends may come in any order.
    """
    changers: dict[str, dict[str, set[str]]] = {}
    for session in phase.sessions:
        for task in session.tasks:
            if isinstance(task, ROW_CHANGES):
                for table in named(task):
                    kinds = changers.setdefault(table, {}).setdefault(session.name, set())
                    kinds.add(kind_of(task))
    for table, by_session in changers.items():
        others = set().union(*by_session.values()) - {"append"}
        if len(by_session) > 1 and others:
            raise LifecycleError(
                f"phase {phase.name!r}: sessions {' and '.join(map(repr, by_session))} change "
                f"table {table} at once, by {', '.join(sorted(others))} too: what it holds then "
                "would be chance; expected one session for each table, or appends only"
            )


def _require_key(table: Table, place: str) -> None:
    if not table.primary_key:
        raise LifecycleError(
            f"{place}: table {table.name} declares no primary key: "
            "expected one in the catalog, such as primary_key=('id',)"
        )


def _require_columns(table: Table, names: Iterable[str], place: str) -> None:
    names = tuple(names)
    require_once(names, place, LifecycleError)
    known = _columns(table)
    for name in names:
        if name not in known:
            raise LifecycleError(
                f"{place} names column {name!r} of table {table.name}: it has {', '.join(known)}"
                f"{did_you_mean(name, known)}"
            )


def _refuse_partitions(
    table: Table, names: Sequence[str], place: str, created: Mapping[str, tuple[str, ...]]
) -> None:
    """Refuse columns whose values are the same in all rows of a file."""
    own = created.get(table.name)
    if own is None and isinstance(table, DeltaTable):
        own = tuple(table.snapshot().metadata().partition_columns)
    for name in names:
        if name in (own or ()):
            raise LifecycleError(
                f"{place}: columns names {name!r}, by which table {table.name} is partitioned: "
                "expected columns that differ within a file"
            )


def _columns(table: Table) -> list[str]:
    return [column.name for column in table.columns] or table.arrow_schema().names


def _refuse_keys(table: Table, names: Iterable[str], place: str) -> None:
    for name in names:
        if name in table.primary_key:
            raise LifecycleError(
                f"{place} names {name!r}, which is part of the key of table {table.name}: "
                "expected columns that are no key"
            )
