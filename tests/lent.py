"""What tests share for as long as the next of them wants it: it costs while it idles, too."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
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


def asks_for(item: pytest.Item, fixture: str) -> bool:
    """Whether a test uses a fixture, by whatever way."""
    return fixture in getattr(item, "fixturenames", ())
