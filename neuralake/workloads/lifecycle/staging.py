"""What a plan writes, made before anything is measured, and what tables hold after each phase.

Every engine, in every repetition, is given the same files. The plan is carried out once on tables
in memory, by Polars' expressions, which write for no engine: what a table holds there after a phase
is what it must hold everywhere.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from neuralake.catalog.tables import DeltaTable
from neuralake.engines.writing import Rows
from neuralake.errors import LifecycleError
from neuralake.queries.query import Query
from neuralake.queries.sql import tables_read
from neuralake.queries.workload import select_queries
from neuralake.results.lifecycle.records import Expected
from neuralake.workloads.lifecycle.check import named
from neuralake.workloads.lifecycle.expand import Phase
from neuralake.workloads.lifecycle.keys import required_reference, shifted_column
from neuralake.workloads.lifecycle.memory import MemoryTable, evaluated
from neuralake.workloads.lifecycle.tasks import (
    AnyTask,
    AppendFile,
    CheckpointFile,
    CompactFile,
    CreateFile,
    DeleteFile,
    DeleteKeysFile,
    MergeFile,
    PauseFile,
    QueryFile,
    UpdateFile,
    VacuumFile,
    ZOrderFile,
)
from neuralake.workloads.phases import model

TARGET = f"{__name__}:Stager"


@dataclass(frozen=True)
class StagedTask:
    """A task with what it needs.

    Attributes
    ----------
    task
        As it is run; a query of the past has no versions yet.
    as_of
        The phase after which the tables of a query are read, or None.
    changed_rows, changed_bytes
        Rows that it adds, changes or deletes, and their size as Parquet; 0 where it changes none.
    """

    task: model.Task
    as_of: str | None = None
    changed_rows: int = 0
    changed_bytes: int = 0


@dataclass(frozen=True)
class StagedSession:
    """Tasks in order."""

    name: str
    tasks: tuple[StagedTask, ...]


@dataclass(frozen=True)
class StagedPhase:
    """Sessions at once, and what the tables hold when all have come to their ends.

    Attributes
    ----------
    phase
        Of the plan.
    sessions
        At once.
    expected
        Of the tables that some task names.
    """

    phase: Phase
    sessions: tuple[StagedSession, ...]
    expected: tuple[Expected, ...] = ()

    @property
    def asks(self) -> dict[str, int]:
        """How often each question is asked, by the names of the tasks."""
        tasks = (staged.task for session in self.sessions for staged in session.tasks)
        return dict(Counter(task.name for task in tasks if task.kind == "query"))


class Stager:
    """Carries a plan out in memory; the object in a worker, whose memory is given back after it."""

    def stage(
        self,
        phases: Sequence[Phase],
        tables: Mapping[str, DeltaTable],
        queries: Sequence[Query],
        seed: int,
        directory: Path,
    ) -> tuple[StagedPhase, ...]:
        """Make everything that a plan writes.

        Parameters
        ----------
        phases
            Of the plan, in order.
        tables
            That it names, at the versions at which it begins.
        queries
            Of the workload.
        seed
            Of what is drawn.
        directory
            For the files; made if absent.

        Raises
        ------
        LifecycleError
            If a table cannot be read, a key is not unique, or an expression is no SQL.
        """
        directory.mkdir(parents=True, exist_ok=True)
        changed = dict.fromkeys(
            name for phase in phases for task in phase.tasks for name in named(task)
        )
        self._queries = queries
        self._names = frozenset(tables)
        self._directory = directory
        self._files = 0
        self._tables = {name: MemoryTable.read(tables[name]) for name in changed}
        return tuple(self._phase(phase, number, seed) for number, phase in enumerate(phases))

    def _phase(self, phase: Phase, number: int, seed: int) -> StagedPhase:
        sessions = []
        for place, session in enumerate(phase.sessions):
            tasks: list[StagedTask] = []
            for position, task in enumerate(session.tasks):
                random = np.random.default_rng([seed, number, place, position])
                where = f"phase {phase.name!r}, session {session.name!r}, task {position}"
                tasks += self._staged(task, random, where)
            sessions.append(StagedSession(session.name, tuple(tasks)))
        names = dict.fromkeys(name for task in phase.tasks for name in named(task))
        expected = tuple(self._tables[name].expected() for name in names)
        return StagedPhase(phase, tuple(sessions), expected)

    def _staged(
        self, task: AnyTask, random: np.random.Generator, where: str
    ) -> Iterator[StagedTask]:
        match task:
            case QueryFile():
                yield from self._asked(task)
            case PauseFile():
                yield StagedTask(model.Task("pause", model.Pause(task.seconds)))
            case CompactFile() | ZOrderFile() | VacuumFile() | CheckpointFile():
                action = _maintained(task)
                yield StagedTask(model.Task(f"{action.kind} {task.table}", action))
            case _:
                yield from self._changed(task, random, where)

    def _changed(
        self, task: AnyTask, random: np.random.Generator, where: str
    ) -> Iterator[StagedTask]:
        """A change of rows, as often as the plan says."""
        times = getattr(task, "times", 1)
        for number in range(1, times + 1):
            place = where if times == 1 else f"{where}, turn {number}"
            match task:
                case CreateFile():
                    yield self._created(task)
                case AppendFile():
                    yield from self._appended(task, random, place)
                case MergeFile():
                    yield self._merged(task, random, place)
                case DeleteKeysFile():
                    yield from self._deleted_keys(task, random, place)
                case DeleteFile():
                    yield self._deleted(task, place)
                case UpdateFile():
                    yield self._updated(task, place)

    def _created(self, task: CreateFile) -> StagedTask:
        rows = self._write(self._tables[task.table].arrow())
        action = model.Create(task.table, rows, task.partition_by)
        return self._change(action, rows.rows)

    def _deleted(self, task: DeleteFile, where: str) -> StagedTask:
        table = self._tables[task.table]
        chosen = table.where(task.where, f"{where}: where")
        affected = table.rows.filter(chosen)
        table.rows = table.rows.filter(~chosen)
        action = model.Delete(task.table, task.where)
        return self._change(action, affected.height, table.size(affected))

    def _asked(self, task: QueryFile) -> Iterator[StagedTask]:
        queries = select_queries(self._queries, task.queries)
        for _ in range(task.times):
            for query in queries:
                sql = query.sql()
                action = model.RunQuery(
                    sql,
                    tuple(sorted(tables_read(sql, self._names))),
                    tuple(key.column for key in query.order_by),
                )
                yield StagedTask(model.Task(asked_name(query.name, task.as_of), action), task.as_of)

    def _appended(
        self, task: AppendFile, random: np.random.Generator, where: str
    ) -> Iterator[StagedTask]:
        table = self._tables[task.table]
        rows = task.rows or max(round(table.first_rows * (task.percent or 0) / 100), 1)
        for number in range(1, task.batches + 1):
            made, new_keys = self._copies(task.table, rows, random, where)
            group = f"{where}, batch {number}" if task.children else ""
            copies = {task.table: made}
            for child in task.children:
                copies[child] = self._copied_children(task.table, child, new_keys, where)
            for name, copied in copies.items():
                self._tables[name].add(copied)
                yield self._change(
                    model.Append(name, self._write(self._tables[name].arrow(copied))),
                    copied.height,
                    group=group,
                )

    def _copies(
        self, name: str, count: int, random: np.random.Generator, where: str
    ) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Copies of some rows under new keys; and the keys that they had, and have now."""
        table = self._tables[name]
        if not table.rows.height:
            raise LifecycleError(f"{where}: table {name} is empty: there is no row to copy")
        drawn = random.choice(table.rows.height, count, replace=count > table.rows.height)
        source = table.rows[drawn]
        column = shifted_column(table.declared, where)
        new = table.new_keys(column, source[column]).alias(column)
        made = source.with_columns(new)
        old = {f"old {key}": source[key] for key in table.declared.primary_key}
        return made, pl.DataFrame(old).with_columns(new.alias("new"))

    def _copied_children(
        self, parent: str, child: str, keys: pl.DataFrame, where: str
    ) -> pl.DataFrame:
        """Rows of another table that belong to copied ones, and refer to their new keys."""
        table = self._tables[child]
        key = required_reference(table.declared, parent, where)
        shifted = shifted_column(self._tables[parent].declared, where)
        pairs = list(zip(key.columns, key.referenced_columns, strict=True))
        own = next((mine for mine, theirs in pairs if theirs == shifted), None)
        if own is None:
            raise LifecycleError(
                f"{where}: table {child} refers to {parent} by other columns than {shifted}, "
                "which is what a copied row gets a new value of"
            )
        found = table.rows.join(
            keys,
            left_on=[mine for mine, _ in pairs],
            right_on=[f"old {theirs}" for _, theirs in pairs],
            how="inner",
            maintain_order="right_left",
        )
        found = found.with_columns(pl.col("new").cast(table.rows.schema[own]).alias(own))
        if own not in table.declared.primary_key and table.declared.primary_key:
            column = shifted_column(table.declared, where)
            found = found.with_columns(table.new_keys(column, found[column]).alias(column))
        return found.select(table.rows.columns)

    def _merged(self, task: MergeFile, random: np.random.Generator, where: str) -> StagedTask:
        table = self._tables[task.table]
        keys = table.declared.primary_key
        table.require_unique(where)
        refers = {name for each in table.declared.foreign_keys for name in each.columns}
        columns = task.columns or [c for c in table.rows.columns if c not in {*keys, *refers}]
        height = table.rows.height
        count = max(round(height * task.percent / 100), 1) if height else 0
        drawn = np.sort(random.choice(height, count, replace=False))
        donors = table.rows[random.integers(0, height, count)] if height else table.rows
        changed = table.rows[drawn].with_columns(donors[column] for column in columns)
        new = table.rows.clear()
        if task.new_percent is not None:
            new_rows = max(round(height * task.new_percent / 100), 1)
            new, _ = self._copies(task.table, new_rows, random, where)
        kept = np.ones(height, bool)
        kept[drawn] = False
        table.rows = table.rows.filter(pl.Series(kept))
        rows = pl.concat([changed, new])
        table.add(rows)
        staged = self._write(table.arrow(rows))
        action = model.Merge(task.table, staged, keys)
        return self._change(action, rows.height)

    def _deleted_keys(
        self, task: DeleteKeysFile, random: np.random.Generator, where: str
    ) -> Iterator[StagedTask]:
        table = self._tables[task.table]
        table.require_unique(where)
        keys = list(table.declared.primary_key)
        count = min(max(round(table.rows.height * task.percent / 100), 1), table.rows.height)
        drawn = table.rows[np.sort(random.choice(table.rows.height, count, replace=False))]
        group = where if task.children else ""
        for child in task.children:  # first, so that no row refers to one that is gone
            key = required_reference(self._tables[child].declared, task.table, where)
            names = dict(zip(key.referenced_columns, key.columns, strict=True))
            of_child = drawn.select(pl.col(theirs).alias(own) for theirs, own in names.items())
            yield self._delete(child, of_child.unique(maintain_order=True), group)
        yield self._delete(task.table, drawn.select(keys), group)

    def _delete(self, name: str, keys: pl.DataFrame, group: str) -> StagedTask:
        table = self._tables[name]
        affected = table.rows.join(keys, on=keys.columns, how="semi", maintain_order="left")
        table.rows = table.rows.join(keys, on=keys.columns, how="anti", maintain_order="left")
        schema = pa.schema([table.schema.field(column) for column in keys.columns])
        staged = self._write(keys.to_arrow().cast(schema))
        action = model.DeleteKeys(name, staged, tuple(keys.columns))
        size = table.size(affected)
        return self._change(action, affected.height, size, group)

    def _updated(self, task: UpdateFile, where: str) -> StagedTask:
        table = self._tables[task.table]
        chosen = table.where(task.where, f"{where}: where")
        affected, rest = table.rows.filter(chosen), table.rows.filter(~chosen)
        values = []
        for column, text in task.set.items():
            place = f"{where}: set.{column}"
            dtype = table.rows.schema[column]
            values.append(evaluated(affected, text, place, dtype).alias(column))
        updated = affected.with_columns(values)
        table.rows = pl.concat([rest, updated])
        action = model.Update(task.table, dict(task.set), task.where)
        size = table.size(updated)
        return self._change(action, updated.height, size)

    def _change(
        self, action: model.Write, rows: int, size: int | None = None, group: str = ""
    ) -> StagedTask:
        staged = getattr(action, "rows", None)
        of_rows = _size(staged) if isinstance(staged, Rows) else 0
        return StagedTask(
            model.Task(f"{action.kind} {action.table}", action, group),
            changed_rows=rows,
            changed_bytes=of_rows if size is None else size,
        )

    def _write(self, rows: pa.Table) -> Rows:
        path = self._directory / f"{self._files:05d}.parquet"
        self._files += 1
        pq.write_table(rows, path, compression="zstd")
        return Rows((str(path),), rows.schema, rows.num_rows)


def asked_name(query: str, as_of: str | None) -> str:
    """Name of the task of a query, in results."""
    return query if as_of is None else f"{query} as of {as_of}"


def _maintained(task: CompactFile | ZOrderFile | VacuumFile | CheckpointFile) -> model.Write:
    match task:
        case CompactFile():
            return model.Compact(task.table)
        case ZOrderFile():
            return model.ZOrder(task.table, task.columns)
        case VacuumFile():
            return model.Vacuum(task.table, task.retention_hours, task.enforce)
        case CheckpointFile():
            return model.Checkpoint(task.table)


def _size(rows: Rows) -> int:
    return sum(Path(file).stat().st_size for file in rows.files)
