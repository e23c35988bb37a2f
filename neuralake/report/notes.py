"""A note: what a reader must know before believing a number."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from neuralake.results.records import EngineRecord

Level = Literal["error", "warning", "info"]
_RANK: dict[Level, int] = {"error": 0, "warning": 1, "info": 2}


@dataclass(frozen=True)
class Note:
    """One sentence.

    Attributes
    ----------
    level
        ``error`` where an answer is wrong or missing, ``warning`` where a number may mislead, and
        ``info``.
    text
        Without a full stop; may hold text from elsewhere.
    """

    level: Level
    text: str


def gravest_first(notes: Iterable[Note]) -> tuple[Note, ...]:
    """The notes with errors before warnings, and those before the rest."""
    return tuple(sorted(notes, key=lambda note: _RANK[note.level]))


def not_run(engines: Iterable[EngineRecord]) -> Iterator[Note]:
    """Which engines, or what else was to be measured, did not run, and why."""
    for engine in engines:
        if engine.unavailable is not None:
            yield Note("info", f"{engine.name} did not run: {engine.unavailable}")
