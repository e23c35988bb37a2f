"""What is written to a table, in the terminal."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.text import Text

from neuralake.report.numbers import count, duration, moment, size, time_in_words
from neuralake.report.rows import Column, print_rows
from neuralake.report.text import one_line
from neuralake.writer.status import Status


def print_status(status: Status, console: Console) -> None:
    """A table, then the senders that it remembers, then the writers of this machine."""
    age_s = status.last_commit_age_s
    entries = count(status.log_entries_since_checkpoint, "entry", "entries")
    facts = {
        "table": f"{status.table}, {status.uri}",
        "version": f"{status.version:,}"
        + ("" if age_s is None else f", committed {_ago(age_s)} ago"),
        "files": f"{count(status.files, 'file')}, {size(status.size_bytes)}; "
        f"{status.small_files:,} of them small",
        "log": f"{entries} since the last checkpoint",
    }
    for label, value in facts.items():
        _print(f"{label}: {value}", console)
    if status.applications:
        console.print()
        columns = (
            Column("application", is_whole=True),
            Column("last sequence", is_whole=True),
            Column("committed"),
        )
        rows = []
        for each in status.applications:
            updated_s = None if each.updated_ms is None else time.time() - each.updated_ms / 1000
            when = "" if updated_s is None else f"{_ago(max(0.0, updated_s))} ago"
            rows.append(_row(each.application, str(each.sequence), when))
        print_rows(columns, rows, console)
    console.print()
    if not status.writers:
        _print("no writer of this machine works on it", console)
    for writer in status.writers:
        _print_writer(writer, console)


def _print_writer(writer: Mapping[str, Any], console: Console) -> None:
    since = moment(writer.get("since"))
    source = f" from {writer['source']}" if writer.get("source") else ""
    _print(f"writer: process {writer.get('pid')}{source}, since {since}", console)
    if writer.get("metrics"):
        _print(f"metrics: {writer['metrics']}", console)
    lag = writer.get("gauges", {}).get("lag_messages")
    if lag is not None:
        _print(f"lag: {count(int(lag), 'message')}", console)
    columns = (
        Column("process", is_whole=True),
        Column("state", is_whole=True),
        Column("number", is_whole=True),
        Column("restarts", is_whole=True),
        Column("last"),
        Column("last trouble"),
    )
    rows = []
    for role, process in writer.get("processes", {}).items():
        rows.append(
            _row(
                role,
                process.get("state", "starting"),
                str(process.get("pid", "")),
                str(process.get("restarts", 0)),
                process.get("last", ""),
                process.get("trouble", ""),
            )
        )
    print_rows(columns, rows, console)


def _ago(seconds: float) -> str:
    return time_in_words(seconds) if seconds < 10 else duration(seconds)


def _print(text: str, console: Console) -> None:
    console.print(Text(one_line(text)), soft_wrap=True)


def _row(*cells: str) -> tuple[Text, ...]:
    return tuple(Text(one_line(cell)) for cell in cells)
