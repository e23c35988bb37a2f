"""The file of a plan: TOML, every key of it typed.

The words are LST-Bench's (Camacho-Rodríguez et al., SIGMOD 2024): tasks one after another make a
session, sessions at once make a phase, and phases follow one another.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import msgspec

from neuralake.workloads.lifecycle.tasks import TASKS, AnyTask, TaskFile, Times, tag_of

Seed = Annotated[int, msgspec.Meta(ge=0, le=2**31)]


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


def keys_of(kind: type) -> list[str]:
    """The keys of a table of the file, by the type that it is read as."""
    if not issubclass(kind, msgspec.Struct):
        return []
    names = [field.name for field in msgspec.structs.fields(kind)]
    return ["kind", *names] if issubclass(kind, TaskFile) else names


def keys_of_the_file() -> Iterator[tuple[str, str]]:
    """Every table of a plan file, by its name in the documentation, with each key that it has."""
    for name, kind in (("plan", PlanFile), ("phase", PhaseFile), ("session", SessionFile)):
        yield from ((name, key) for key in keys_of(kind))
    yield from (("loop", key) for key in keys_of(LoopFile))
    for task in TASKS:
        yield from ((tag_of(task), key) for key in keys_of(task))
