"""The file of a plan: TOML, every key of it typed, and whatever is wrong said in one line.

The words are LST-Bench's (Camacho-Rodríguez et al., SIGMOD 2024): tasks one after another make a
session, sessions at once make a phase, and phases follow one another.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, TypeAlias, Union, get_args, get_origin, get_type_hints

import msgspec

from neuralake.errors import LifecycleError, did_you_mean

Times = Annotated[int, msgspec.Meta(ge=1, le=1000)]
RowCount = Annotated[int, msgspec.Meta(ge=1, le=1_000_000_000)]
Percent = Annotated[float, msgspec.Meta(gt=0, le=100)]
Hours = Annotated[float, msgspec.Meta(ge=0, le=87_600)]
Seconds = Annotated[float, msgspec.Meta(gt=0, le=3600)]
Seed = Annotated[int, msgspec.Meta(ge=0, le=2**31)]

EARLIER = "earlier"
_PATH = re.compile(r" - at `(?P<path>[^`]*)`$")
_STEP = re.compile(r"\.(?P<key>\w+)|\[(?P<index>\d+)\]|\[\.\.\.\]")
_QUOTED = re.compile(r"`([^`]*)`")


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
    retention_hours: Hours = 168.0
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


class SessionFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Tasks one after another.

    Attributes
    ----------
    name
        In results, such as ``writer``.
    tasks
        In order.
    """

    name: str
    tasks: tuple[AnyTask, ...]


class PhaseFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Sessions at once.

    Attributes
    ----------
    name
        In results, and where other phases name it.
    sessions
        One at least.
    after
        Phases that come before it; the one before it in the file if it is left out.
    series
        What the phases are called whose latencies are compared with one another; its name if it is
        left out.
    alone
        The series in which the same queries run alone: what its own are compared with.
    """

    name: str
    sessions: tuple[SessionFile, ...]
    after: tuple[str, ...] | None = None
    series: str | None = None
    alone: str | None = None


class LoopFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Phases that are run in turn, several times.

    Attributes
    ----------
    phases
        Names of phases that follow one another.
    times
        How often.
    """

    phases: tuple[str, ...]
    times: Times


class PlanFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A whole plan.

    Attributes
    ----------
    name
        In results.
    phases
        One at least.
    description
        What it shows, in a line.
    seed
        Of all rows and keys that are drawn.
    loops
        Phases that are repeated.
    """

    name: str
    phases: tuple[PhaseFile, ...]
    description: str = ""
    seed: Seed = 1
    loops: tuple[LoopFile, ...] = ()


def scenario_names() -> list[str]:
    """Names of the plans that come with Neuralake."""
    return sorted(
        entry.name.removesuffix(".toml")
        for entry in files(f"{__package__}").joinpath("scenarios").iterdir()
        if entry.name.endswith(".toml")
    )


def scenario_text(name: str) -> str:
    """The file of a plan that comes with Neuralake.

    Raises
    ------
    LifecycleError
        If there is none of that name.
    """
    known = scenario_names()
    if name not in known:
        raise LifecycleError(
            f"unknown scenario {name!r}: expected one of {', '.join(known)}"
            f"{did_you_mean(name, known)}"
        )
    found = files(f"{__package__}").joinpath("scenarios", f"{name}.toml")
    return found.read_text(encoding="utf-8")


def read_plan_text(path: Path) -> str:
    """The text of a plan's file.

    Raises
    ------
    LifecycleError
        If it cannot be read, or is no text.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise LifecycleError(f"plan {path} cannot be read: {error.strerror}") from error
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise LifecycleError(
            f"plan {path} is no text: byte {content[error.start]:#04x} at offset {error.start}; "
            "expected TOML in UTF-8"
        ) from error


def parse_plan(text: str, source: str) -> PlanFile:
    """The plan in a text.

    Parameters
    ----------
    text
        TOML.
    source
        Where it is from, for messages.

    Raises
    ------
    LifecycleError
        If it is no TOML, or something in it is not as it must be.
    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise LifecycleError(f"plan {source} is no TOML: {error}") from error
    except RecursionError as error:
        raise LifecycleError(f"plan {source} is no plan: it is nested too deeply") from error
    try:
        return msgspec.convert(data, PlanFile)
    except msgspec.ValidationError as error:
        raise LifecycleError(f"plan {source}: {_in_words(str(error), data)}") from None


def _in_words(said: str, data: Any) -> str:
    """What msgspec says, with the place as it stands in the file, the value, and what is right."""
    match = _PATH.search(said)
    path = match["path"] if match else "$"
    reason = said[: match.start()] if match else said
    found = _at(path, data)
    kind = _type_at(path, found[0] if found else None)
    place = path.removeprefix("$").removeprefix(".") or "the file"
    if place.endswith("[...]"):  # one of the values of a table
        return f"{place.removesuffix('[...]')} has a value that is not {_expected(reason)}"
    names = _QUOTED.findall(reason)
    if reason.startswith("Object contains unknown field"):
        known = _keys(kind)
        return f"{place} has a key {names[0]!r}: it has {', '.join(known)}" + did_you_mean(
            names[0], known
        )
    if reason.startswith("Object missing required field"):
        return f"{place} has no {names[0]!r}: expected such a key"
    value = repr(found[0]) if found else "absent"
    value = value if len(value) <= 60 else f"{value[:60]}…"
    if place.rpartition(".")[2] == "kind":
        known = [_tag(task) for task in TASKS]
        given = str(found[0]) if found else ""
        return f"{place} is {value}: expected one of {', '.join(known)}" + did_you_mean(
            given, known
        )
    return f"{place} is {value}: expected {_expected(reason)}"


_WORDS = {
    "array": "a list",
    "object": "a table",
    "int": "a whole number",
    "float": "a number",
    "str": "a text",
    "bool": "true or false",
}


def _expected(reason: str) -> str:
    wanted = re.sub(r", got .*$", "", reason.removeprefix("Expected "))
    return _QUOTED.sub(lambda m: _WORDS.get(m[1].removesuffix(" | null"), m[1]), wanted)


def _at(path: str, data: Any) -> tuple[Any] | None:
    """The value at a path of msgspec's such as ``$.phases[0].name``, or None."""
    for step in _STEP.finditer(path):
        try:
            data = data[step["key"]] if step["key"] else data[int(step["index"] or -1)]
        except (LookupError, TypeError, ValueError):
            return None
    return (data,)


def _type_at(path: str, value: Any) -> type:
    """The type that a table at a path is read as; a task's depends on its kind."""
    current: Any = PlanFile
    for step in _STEP.finditer(path):
        if step["key"] is not None:
            if not (isinstance(current, type) and issubclass(current, msgspec.Struct)):
                return PlanFile
            current = _plain(get_type_hints(current).get(step["key"], Any))
        else:
            current = get_args(current)[0]
    if current == AnyTask:
        kind = value.get("kind") if isinstance(value, dict) else None
        return next((task for task in TASKS if _tag(task) == kind), TaskFile)
    return current if isinstance(current, type) else PlanFile


def _plain(hint: Any) -> Any:
    """A type without ``| None``."""
    if hint == AnyTask or get_origin(hint) not in (Union, UnionType):
        return hint
    return next(kind for kind in get_args(hint) if kind is not type(None))


def _keys(kind: type) -> list[str]:
    if not issubclass(kind, msgspec.Struct):
        return []
    names = [field.name for field in msgspec.structs.fields(kind)]
    return ["kind", *names] if issubclass(kind, TaskFile) else names


def _tag(kind: type[TaskFile]) -> str:
    return str(kind.__struct_config__.tag)


def kind_of(task: TaskFile) -> str:
    """The kind of a task, as the file writes it."""
    return _tag(type(task))


def row_change_kinds() -> frozenset[str]:
    """Kinds of tasks that change rows."""
    return frozenset(_tag(task) for task in ROW_CHANGES)


def keys_of_the_file() -> Iterator[tuple[str, str]]:
    """Every table of a plan file, by its name in the documentation, with each key that it has."""
    for name, kind in (("plan", PlanFile), ("phase", PhaseFile), ("session", SessionFile)):
        yield from ((name, key) for key in _keys(kind))
    yield from (("loop", key) for key in _keys(LoopFile))
    for task in TASKS:
        yield from ((_tag(task), key) for key in _keys(task))
