"""A line that says how far something is: redrawn on a terminal, told now and then elsewhere.

Nothing here has a thread: what is shown is shown between executions, and takes no processor time
from what is measured.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any, Protocol

from rich.console import Console

from neuralake.report.text import one_line

EVERY_S = 30.0
_REDRAW_S = 0.5


class Line(Protocol):
    """Where progress is shown."""

    def show(self, text: str) -> None:
        """Show where things stand, in place of what was shown before."""

    def say(self, text: str, style: str = "") -> None:
        """Tell what is to stay."""

    def close(self, *, has_failed: bool = False) -> None:
        """It has come to its end, or to an error."""


class TerminalLine:
    """The last line of a terminal."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def show(self, text: str) -> None:
        """Redraw the line."""
        self._console.file.write("\r\x1b[2K" + one_line(text)[: self._console.width - 1])
        self._console.file.flush()

    def say(self, text: str, style: str = "") -> None:
        """Print a line above."""
        self.show("")
        self._console.print(one_line(text), style=style, markup=False, highlight=False)

    def close(self, *, has_failed: bool = False) -> None:  # noqa: ARG002 - the error is told
        """Remove the line."""
        self.show("")


class TimedLines:
    """A log, in which a line every half minute says where things stand.

    Parameters
    ----------
    console
        Where the lines go.
    clock
        Seconds.
    """

    def __init__(self, console: Console, clock: Callable[[], float] = time.monotonic) -> None:
        self._console = console
        self._clock = clock
        self._told_s = clock()

    def show(self, text: str) -> None:
        """Print it, unless the last line is younger than half a minute."""
        if text and self._clock() - self._told_s >= EVERY_S:
            self._told_s = self._clock()
            self.say(text)

    def say(self, text: str, style: str = "") -> None:
        """Print a line."""
        self._console.print(
            one_line(text), style=style, markup=False, highlight=False, soft_wrap=True
        )

    def close(self, *, has_failed: bool = False) -> None:
        """Leave the lines where they are."""


class NotebookLine:
    """An output of a notebook's cell, which is replaced.

    Parameters
    ----------
    display
        ``IPython.display.display``.
    clock
        Seconds.
    """

    def __init__(
        self, display: Callable[..., Any], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._clock = clock
        self._began_s = clock()
        self._drawn_s = float("-inf")
        self._said: list[str] = []
        self._handle = display({"text/plain": ""}, raw=True, display_id=True)

    def show(self, text: str) -> None:
        """Replace the output, unless that was done a moment ago."""
        if text and self._clock() - self._drawn_s >= _REDRAW_S:
            self._drawn_s = self._clock()
            self._draw(text)

    def say(self, text: str, style: str = "") -> None:  # noqa: ARG002 - plain text has none
        """Add a line, which stays above."""
        self._said.append(one_line(text))
        self._draw("")

    def close(self, *, has_failed: bool = False) -> None:
        """Say how long it took."""
        how = "ended by an error after" if has_failed else "done in"
        self._draw(f"{how} {self._clock() - self._began_s:.0f} s")

    def _draw(self, text: str) -> None:
        lines = "\n".join([*self._said, one_line(text)]).rstrip()
        self._handle.update({"text/plain": lines}, raw=True)


class NoLine:
    """Nobody looks."""

    def show(self, text: str) -> None:
        """Show nothing."""

    def say(self, text: str, style: str = "") -> None:
        """Tell nobody."""

    def close(self, *, has_failed: bool = False) -> None:
        """Come to nothing's end."""


def is_redrawn(console: Console) -> bool:
    """Whether a console is a terminal; one in a file only has its colours (``FORCE_COLOR``)."""
    return console.is_terminal and console.file.isatty()


def line_of(console: Console) -> Line:
    """The line of a command: redrawn on a terminal, every half minute elsewhere."""
    return TerminalLine(console) if is_redrawn(console) else TimedLines(console)


def line_where_somebody_looks(console: Console) -> Line:
    """The line of a program: on a terminal, in a notebook, or nowhere."""
    if is_redrawn(console):
        return TerminalLine(console)
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    if shell is not None and hasattr(shell, "kernel"):
        from IPython.display import display

        return NotebookLine(display)
    return NoLine()
