"""The tasks of a plan's file, every key of them typed."""

from __future__ import annotations

from typing import Annotated, TypeAlias, get_args

import msgspec

Times = Annotated[int, msgspec.Meta(ge=1, le=1000)]
RowCount = Annotated[int, msgspec.Meta(ge=1, le=1_000_000_000)]
Percent = Annotated[float, msgspec.Meta(gt=0, le=100)]
Hours = Annotated[int, msgspec.Meta(ge=0, le=87_600)]
Seconds = Annotated[float, msgspec.Meta(gt=0, le=3600)]

EARLIER = "earlier"


class TaskFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind"):
    """What every task has: its kind."""


class QueryFile(TaskFile, frozen=True, forbid_unknown_fields=True, tag="query"):
    """Queries of the workload, one after another.

    Attributes
    ----------
    queries
        Numbers or names, such as ``1,6,9-12``; all of them if it is left out.
    times
        How often, all of them each time.
    as_of
        Reads the tables as they were after an earlier phase: its name (that of one turn of a loop
        is ``modify 2``), or ``earlier`` for each earlier phase in turn that changed a table.
    """

    queries: str | None = None
    times: Times = 1
    as_of: str | None = None


class CreateFile(TaskFile, frozen=True, forbid_unknown_fields=True, tag="create"):
    """A bulk load: the table is made anew, with all rows that the dataset has of it.

    Attributes
    ----------
    table
        Its name.
    partition_by
        Columns.
    """

    table: str
    partition_by: tuple[str, ...] = ()


class AppendFile(TaskFile, frozen=True, forbid_unknown_fields=True, tag="append"):
    """Batches of new rows, each a task and a commit of its own.

    A new row is a copy of one of the table's with a key that there was not.

    Attributes
    ----------
    table
        Its name.
    rows
        Of a batch.
    percent
        Of a batch, of the rows that the table has when the plan begins; in place of ``rows``.
    batches
        How many.
    children
        Tables that refer to the table: the rows that belong to a copied one are copied too, and
        refer to the new key.
    """

    table: str
    rows: RowCount | None = None
    percent: Percent | None = None
    batches: Times = 1
    children: tuple[str, ...] = ()


class MergeFile(TaskFile, frozen=True, forbid_unknown_fields=True, tag="merge"):
    """An upsert: rows that replace those of the same key, and new ones.

    A changed row has the values of another one, but for its key and what refers to other tables.

    Attributes
    ----------
    table
        Its name.
    percent
        Of its rows that are changed.
    new_percent
        Rows that are new, in percent of those that there are.
    columns
        That change; all that are no key if it is left out.
    times
        How often, other rows each time.
    """

    table: str
    percent: Percent = 1.0
    new_percent: Percent | None = None
    columns: tuple[str, ...] = ()
    times: Times = 1


class DeleteFile(TaskFile, frozen=True, forbid_unknown_fields=True, tag="delete"):
    """Rows that a predicate holds for.

    Attributes
    ----------
    table
        Its name.
    where
        In SQL.
    """

    table: str
    where: str


class DeleteKeysFile(TaskFile, frozen=True, forbid_unknown_fields=True, tag="delete_keys"):
    """Rows by their keys, drawn by the seed.

    Attributes
    ----------
    table
        Its name.
    percent
        Of its rows.
    children
        Tables that refer to the table: rows that belong to a deleted one are deleted too.
    times
        How often, other rows each time.
    """

    table: str
    percent: Percent = 1.0
    children: tuple[str, ...] = ()
    times: Times = 1


class UpdateFile(TaskFile, frozen=True, forbid_unknown_fields=True, tag="update"):
    """Columns of some rows that get new values.

    Attributes
    ----------
    table
        Its name.
    set
        An SQL expression by column.
    where
        The rows, in SQL.
    """

    table: str
    set: dict[str, str]
    where: str


class CompactFile(TaskFile, frozen=True, forbid_unknown_fields=True, tag="compact"):
    """Small files become large ones.

    Attributes
    ----------
    table
        Its name.
    """

    table: str


class ZOrderFile(TaskFile, frozen=True, forbid_unknown_fields=True, tag="z_order"):
    """Files are written anew, their rows in Z-order.

    Attributes
    ----------
    table
        Its name.
    columns
        By which.
    """

    table: str
    columns: tuple[str, ...]


class VacuumFile(TaskFile, frozen=True, forbid_unknown_fields=True, tag="vacuum"):
    """Files are deleted that no version of the last hours needs.

    Attributes
    ----------
    table
        Its name.
    retention_hours
        A week if it is left out, as in Delta Lake.
    enforce
        Whether a retention below the table's own is refused.
    """

    table: str
    retention_hours: Hours = 168
    enforce: bool = True


class CheckpointFile(TaskFile, frozen=True, forbid_unknown_fields=True, tag="checkpoint"):
    """A checkpoint of the table's log.

    Attributes
    ----------
    table
        Its name.
    """

    table: str


class PauseFile(TaskFile, frozen=True, forbid_unknown_fields=True, tag="pause"):
    """Nothing, for some seconds.

    Attributes
    ----------
    seconds
        How long.
    """

    seconds: Seconds


AnyTask: TypeAlias = (
    QueryFile
    | CreateFile
    | AppendFile
    | MergeFile
    | DeleteFile
    | DeleteKeysFile
    | UpdateFile
    | CompactFile
    | ZOrderFile
    | VacuumFile
    | CheckpointFile
    | PauseFile
)
TASKS: tuple[type[TaskFile], ...] = get_args(AnyTask)
ROW_CHANGES = (CreateFile, AppendFile, MergeFile, DeleteFile, DeleteKeysFile, UpdateFile)
MAINTENANCE = (CompactFile, ZOrderFile, VacuumFile, CheckpointFile)


def tag_of(kind: type[TaskFile]) -> str:
    """How the file writes a kind of task."""
    return str(kind.__struct_config__.tag)


def kind_of(task: TaskFile) -> str:
    """The kind of a task, as the file writes it."""
    return tag_of(type(task))


def row_change_kinds() -> frozenset[str]:
    """Kinds of tasks that change rows."""
    return frozenset(tag_of(task) for task in ROW_CHANGES)
