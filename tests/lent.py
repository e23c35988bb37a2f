"""What tests share for as long as the next of them wants it: it costs while it idles, too."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any, Generic, TypeVar

import pytest

T = TypeVar("T")


class Lent(Generic[T]):
    """Started when it is first asked for, ended when nobody comes for it, and started anew.

    Parameters
    ----------
    start
        Runs it for a block.
    is_for
        Whether a test may ask for it.
    """

    def __init__(
        self,
        start: Callable[[], AbstractContextManager[T]],
        is_for: Callable[[pytest.Item], bool],
    ) -> None:
        self._start = start
        self._is_for = is_for
        self._running = ExitStack()
        self._lent: list[T] = []

    def get(self) -> T:
        """It, running."""
        if not self._lent:
            self._lent.append(self._running.enter_context(self._start()))
        return self._lent[0]

    def end(self) -> None:
        """End it, until it is asked for again."""
        self._lent.clear()
        self._running.close()

    def end_between(self, item: pytest.Item, following: pytest.Item | None) -> None:
        """End it, unless the next test may ask for it, or is of a file that may still have it."""
        if not self._lent or (following is not None and following.path == item.path):
            return
        if following is None or not self._is_for(following):
            self.end()


ALL_LENT = pytest.StashKey[list[Lent[Any]]]()


def may_ask(fixture: str, room: Path) -> Callable[[pytest.Item], bool]:
    """Whether a test uses a fixture, by whatever way, or is of its room."""
    return lambda item: (
        fixture in getattr(item, "fixturenames", ()) or item.path.is_relative_to(room)
    )


def meeting_place(factory: pytest.TempPathFactory, name: str) -> Path:
    """A directory that all workers of one run share; pytest-xdist gives each a part of it."""
    base = factory.getbasetemp()
    return (base.parent if base.name.startswith("popen-gw") else base) / name
