"""A pipeline in the terminal: one picture that is redrawn, or a line now and then."""

from __future__ import annotations

from rich.console import Console, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from neuralake.pipeline.figures import Figures
from neuralake.pipeline.parts import Places
from neuralake.report.line import TimedLines, is_redrawn
from neuralake.report.numbers import count, duration, size, time_in_words
from neuralake.report.text import one_line


class Picture:
    """Where a pipeline is shown.

    Parameters
    ----------
    console
        A terminal has the picture; elsewhere there are lines.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = (
            Live(console=console, auto_refresh=False, transient=True)
            if is_redrawn(console)
            else None
        )
        self._line = None if self._live is not None else TimedLines(console)

    def show(self, figures: Figures, places: Places) -> None:
        """Show where things stand."""
        if self._live is None:
            assert self._line is not None  # noqa: S101 - one of the two
            self._line.show(in_a_line(figures))
            return
        if not self._live.is_started:
            self._live.start()
        self._live.update(picture(figures, places), refresh=True)

    def say(self, text: str) -> None:
        """Tell what is to stay."""
        self._console.print(one_line(text), markup=False, highlight=False, soft_wrap=True)

    def close(self) -> None:
        """Remove the picture."""
        if self._live is not None:
            self._live.stop()


def picture(figures: Figures, places: Places) -> RenderableType:
    """The parts of a pipeline, one below the other, in the way of an event."""
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, words in rows(figures, places):
        table.add_row(Text(name), Text(words))
    return table


def rows(figures: Figures, places: Places) -> list[tuple[str, str]]:
    """Name and words of each part."""
    found = [("pipeline", f"{duration(figures.elapsed_s)}; Ctrl-C ends it")]
    if figures.sent is not None:
        late = f", {figures.late:,} late" if figures.late else ""
        rate = f"{figures.sent_per_s or 0:,.0f} a second"
        found.append(("events", f"{rate}, {figures.sent:,} in all{late}"))
    found.append(("topic", _topic(figures, places)))
    found.append(("writer", _writer(figures)))
    found.append(("table", _table(figures, places)))
    found.append(("API", _api(figures, places)))
    return found


def in_a_line(figures: Figures) -> str:
    """The same in a line."""
    parts = [] if figures.sent is None else [f"{figures.sent:,} events sent"]
    parts.append(f"{figures.rows:,} rows in {count(figures.commits, 'commit')}")
    if figures.waiting is not None:
        parts.append(f"{figures.waiting:,} wait")
    if figures.durable_p99_s is not None:
        parts.append(f"durable p99 {_at_most(figures.durable_p99_s)}")
    if figures.age_max_s is not None:
        parts.append(f"answers at most {_age(figures.age_max_s)} old")
    if figures.files is not None:
        parts.append(count(figures.files, "file"))
    if figures.restarts:
        parts.append(count(figures.restarts, "restart"))
    return ", ".join(parts)


def _topic(figures: Figures, places: Places) -> str:
    waiting = "" if figures.waiting is None else f"; {figures.waiting:,} events wait"
    lag = figures.lag_s
    oldest = "" if not lag else f"; the oldest that was read for {_age(lag)}"
    return f"{places.source}{waiting}{oldest}"


def _writer(figures: Figures) -> str:
    words = f"{figures.rows_per_s:,.0f} rows and {figures.commits_per_s:,.1f} commits a second"
    if figures.durable_p50_s is not None and figures.durable_p99_s is not None:
        words += (
            f"; durable in {_at_most(figures.durable_p50_s)} (p50), "
            f"{_at_most(figures.durable_p99_s)} (p99)"
        )
    if figures.dead_letters:
        words += f"; {count(figures.dead_letters, 'dead letter')}"
    if figures.restarts:
        words += f"; {count(figures.restarts, 'restart')}"
    return words


def _table(figures: Figures, places: Places) -> str:
    version = "" if figures.version is None else f", version {figures.version:,}"
    files = "" if figures.files is None else f", {count(figures.files, 'file')}"
    live = "" if figures.live_bytes is None else f" of {size(figures.live_bytes)}"
    return f"{places.table}{version}{files}{live}, {count(figures.compactions, 'compaction')}"


def _api(figures: Figures, places: Places) -> str:
    words = places.api
    if figures.age_p50_s is not None and figures.age_max_s is not None:
        words += (
            f"; newest event {_age(figures.age_p50_s)} old (median), "
            f"{_age(figures.age_max_s)} (most)"
        )
    if figures.query_p50_s is not None:
        words += f"; answers in {_age(figures.query_p50_s)}"
    return words


def _age(seconds: float) -> str:
    return time_in_words(seconds) if seconds < 600 else duration(seconds)


def _at_most(seconds: float) -> str:
    return "more than 30 s" if seconds == float("inf") else f"≤ {time_in_words(seconds)}"
