"""A plan's text is read, and whatever is wrong in it is said in one line."""

from __future__ import annotations

import re
import tomllib
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import msgspec

from neuralake.errors import LifecycleError, did_you_mean, shortened
from neuralake.workloads.lifecycle.file import PlanFile, keys_of
from neuralake.workloads.lifecycle.tasks import TASKS, AnyTask, TaskFile, tag_of

_PATH = re.compile(r" - at `(?P<path>[^`]*)`$")
_STEP = re.compile(r"\.(?P<key>\w+)|\[(?P<index>\d+)\]|\[\.\.\.\]")
_QUOTED = re.compile(r"`([^`]*)`")
_WORDS = {
    "array": "a list",
    "object": "a table",
    "int": "a whole number",
    "float": "a number",
    "str": "a text",
    "bool": "true or false",
}


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
        known = keys_of(kind)
        return f"{place} has a key {names[0]!r}: it has {', '.join(known)}" + did_you_mean(
            names[0], known
        )
    if reason.startswith("Object missing required field"):
        return f"{place} has no {names[0]!r}: expected such a key"
    value = shortened(repr(found[0]), 60) if found else "absent"
    if place.rpartition(".")[2] == "kind":
        known = [tag_of(task) for task in TASKS]
        given = str(found[0]) if found else ""
        return f"{place} is {value}: expected one of {', '.join(known)}" + did_you_mean(
            given, known
        )
    return f"{place} is {value}: expected {_expected(reason)}"


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
        return next((task for task in TASKS if tag_of(task) == kind), TaskFile)
    return current if isinstance(current, type) else PlanFile


def _plain(hint: Any) -> Any:
    """A type without ``| None``."""
    if hint == AnyTask or get_origin(hint) not in (Union, UnionType):
        return hint
    return next(kind for kind in get_args(hint) if kind is not type(None))
