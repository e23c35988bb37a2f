"""Progress of a generation on a terminal: bytes written of the bytes expected."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress


class Progress(Protocol):
    """What is told how far a generation is."""

    def __call__(self, bytes_written: int, bytes_expected: int) -> None:
        """Take note of it; the second number is an estimate."""


def no_progress(bytes_written: int, bytes_expected: int) -> None:
    """Tell nobody."""


@contextmanager
def generation_progress() -> Iterator[Progress]:
    """A bar on standard error if that is a terminal, else nothing."""
    if not sys.stderr.isatty():
        yield no_progress
        return
    with ExitStack() as stack:
        bar: RichProgress | None = None

        def show(bytes_written: int, bytes_expected: int) -> None:
            nonlocal bar
            if bar is None:
                # Imported while the generator is at work, and not at all if there is none.
                bar = stack.enter_context(_bar())
                bar.add_task("generating", total=bytes_expected)
            total = max(bytes_written, bytes_expected)
            bar.update(bar.task_ids[0], completed=bytes_written, total=total)

        yield show


def _bar() -> RichProgress:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )
