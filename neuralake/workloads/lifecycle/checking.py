"""Whether a phase was right: every answer at its versions, and every table it names at its end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pyarrow as pa

from neuralake.catalog.tables import DeltaTable
from neuralake.identifiers import quoted
from neuralake.queries.digest import digest
from neuralake.queries.query import Query
from neuralake.results.lifecycle.records import Expected
from neuralake.results.lifecycle.samples import end_check_name
from neuralake.results.phases.records import AnswerCheck, EndCheck
from neuralake.results.phases.samples import TaskSample
from neuralake.workloads.executor import read_answer
from neuralake.workloads.failures import FAILURES
from neuralake.workloads.lifecycle.staging import StagedPhase, asked_name
from neuralake.workloads.lifecycle.tasks import row_change_kinds
from neuralake.workloads.phases.checking import Reference, check_answers
from neuralake.workloads.phases.model import PhasePlan, RunQuery

_MOST_COLUMNS = 5


def judge_answers(
    samples: list[TaskSample],
    plan: PhasePlan,
    tables: Mapping[str, DeltaTable],
    queries: Mapping[str, Query],
    by: Reference | None,
    directory: Path,
    why_not: str,
) -> tuple[AnswerCheck, ...]:
    """Compare each answer with that of another engine at the same versions.

    Parameters
    ----------
    samples, plan, tables
        Of the phase.
    queries
        By the name of the task.
    by
        The other engine, or None.
    directory
        Of the run.
    why_not
        Why there is no other engine.
    """
    if by is not None:
        return tuple(check_answers(samples, plan, tables, queries, by, directory))
    return tuple(
        AnswerCheck(s.session, s.position, s.task, "unverified", None, why_not)
        for s in samples
        if s.answer is not None
    )


def queries_by_task(staged: StagedPhase, queries: Mapping[str, Query]) -> dict[str, Query]:
    """The queries of a phase by the names of their tasks."""
    found = {}
    for session in staged.sessions:
        for task in session.tasks:
            if isinstance(task.task.action, RunQuery):
                own = next(n for n in queries if asked_name(n, task.as_of) == task.task.name)
                found[task.task.name] = queries[own]
    return found


def judge_tables(
    staged: StagedPhase,
    samples: list[TaskSample],
    tables: Mapping[str, DeltaTable],
    by: Reference | None,
    why_not: str,
) -> Iterator[EndCheck]:
    """Hold every table that a phase names against what it must hold.

    A table of which a change failed, or was not made, is not looked at: nobody knows what it must
    hold.

    Parameters
    ----------
    staged
        The phase.
    samples
        Of it.
    tables
        At their newest versions, to be read again.
    by
        Another engine, which reads them; or None.
    why_not
        Why there is no other engine.
    """
    tables = dict(tables)
    made = {(s.session, s.position): s for s in samples}
    for expected in staged.expected:
        name = end_check_name(expected.table)
        undone = _undone(staged, expected.table, made)
        if undone is not None:
            yield EndCheck(name, None, undone)
        elif by is None:
            yield EndCheck(name, None, why_not)
        else:
            yield _judged(name, expected, tables[expected.table], by)


def _undone(
    staged: StagedPhase, table: str, made: Mapping[tuple[str, int], TaskSample]
) -> str | None:
    """Why it is not known what a table must hold: the first change of it that was not made."""
    kinds = row_change_kinds()
    for session in staged.sessions:
        for position, task in enumerate(session.tasks):
            action = task.task.action
            if getattr(action, "table", None) != table or task.task.kind not in kinds:
                continue
            sample = made.get((session.name, position))
            if sample is None:
                return f"{task.task.name} was not begun"
            if sample.status != "ok":
                return f"{task.task.name}: {sample.status}: {sample.message or ''}"
    return None


def _judged(name: str, expected: Expected, table: DeltaTable, by: Reference) -> EndCheck:
    newest = replace(table, version=table.newest_version(), at=None)
    try:
        path = by.answer({table.name: newest}, f"SELECT * FROM {quoted(table.name)}")  # noqa: S608
    except FAILURES as failure:
        return EndCheck(name, None, f"{by.name} cannot read it: {failure}")
    rows = _like(read_answer(path), table.arrow_schema())
    if rows.num_rows != expected.rows:
        return EndCheck(name, False, f"{rows.num_rows:,} rows: expected {expected.rows:,}")
    if digest(rows) == expected.digest:
        return EndCheck(name, True)
    other = [c for c in rows.column_names if digest(rows.select([c])) != expected.columns.get(c)]
    columns = ", ".join(other[:_MOST_COLUMNS]) or "the combination of columns"
    return EndCheck(name, False, f"other values than expected in {columns}")


def _like(rows: pa.Table, schema: pa.Schema) -> pa.Table:
    """Rows with the columns, and where it can be the types, of a table."""
    if set(rows.column_names) != set(schema.names):
        return rows
    rows = rows.select(schema.names)
    try:
        return rows.cast(schema)
    except (pa.ArrowException, ValueError):
        return rows
