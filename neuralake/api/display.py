"""How a notebook shows what the terminal prints: the same tables, as text and as HTML."""

from __future__ import annotations

import io
import shutil
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

from rich.console import Console

from neuralake.errors import ResultsError

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa

Frame = Literal["arrow", "polars"]
_WIDTH = 140  # where there is no terminal; a notebook scrolls
_HTML = '<pre style="overflow-x:auto;line-height:normal;font-family:monospace">{code}</pre>'


def as_text(show: Callable[[Console], None]) -> str:
    """What a function prints on a console, as text without colour."""
    width = shutil.get_terminal_size((_WIDTH, 1)).columns if sys.stdout.isatty() else _WIDTH
    file = io.StringIO()
    console = Console(
        file=file, width=width, force_terminal=False, highlight=False, force_jupyter=False
    )
    show(console)
    return file.getvalue().rstrip("\n")


def as_html(show: Callable[[Console], None]) -> str:
    """What a function prints on a console, as HTML that needs no style sheet."""
    console = Console(
        file=io.StringIO(),
        width=_WIDTH,
        record=True,
        force_terminal=True,
        highlight=False,
        force_jupyter=False,  # it would print beside what it returns
    )
    show(console)
    return console.export_html(inline_styles=True, code_format=_HTML)


def as_frame(table: pa.Table, frame: Frame) -> pa.Table | pl.DataFrame:
    """A table as the caller wants it.

    Raises
    ------
    ResultsError
        If that is no kind of frame.
    """
    if frame == "arrow":
        return table
    if frame == "polars":
        import polars as pl

        return pl.DataFrame(table)
    raise ResultsError(f"there is no frame {frame!r}: expected 'arrow' or 'polars'")
