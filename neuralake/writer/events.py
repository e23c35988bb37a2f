"""What a process of the writer tells: to its supervisor, or to whoever runs it alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, TypeAlias

from neuralake.writer.metrics import Figures
from neuralake.writer.task import Role

EventKind: TypeAlias = Literal["started", "ready", "did", "trouble", "figures", "ended", "died"]


def now() -> str:
    """The time in UTC, ISO 8601 with milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


@dataclass(frozen=True)
class Event:
    """Something that happened.

    Attributes
    ----------
    role
        Which process tells it.
    kind
        ``started`` (by the supervisor, once more after it has died), ``ready`` (it works), ``did``
        (something that has changed the table or its log), ``trouble`` (a run failed, and will be
        tried again), ``figures`` (what was counted since), ``ended`` (with a status), ``died``.
    text
        In a line, for people.
    facts
        For programs.
    figures
        What was counted since the last ones.
    at
        When.
    """

    role: Role
    kind: EventKind
    text: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)
    figures: Figures | None = None
    at: str = field(default_factory=now)


Tell: TypeAlias = Callable[[Event], None]
