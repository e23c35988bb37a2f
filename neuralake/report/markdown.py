"""Markdown that is harmless wherever it is rendered: text from elsewhere, and tables."""

from __future__ import annotations

import re
from collections.abc import Sequence

from neuralake.report.notes import Note
from neuralake.report.tables import Entry, Table
from neuralake.report.text import short

_SAFE = frozenset(" ,.;:/'()=%+-")
# What GitHub brings to life in plain text: mentions, issues, links, emoji
_ALIVE = re.compile(r"[@#]|://|www\.|\bGH-|:[a-z+_-][\w+-]*:", re.IGNORECASE | re.ASCII)
_ALIVE_AT_START = re.compile(r"[-+=]|\d+[.)](?:\s|$)", re.ASCII)  # lists, headings
_MOST_CHARACTERS = 300


def markdown(text: str, *, starts_line: bool = True) -> str:
    """Text from elsewhere in one line, without a meaning in Markdown, HTML or to GitHub.

    Punctuation that may be syntax becomes character references, which never are. What GitHub would
    still link or turn into a picture becomes code, in which it does neither.

    Parameters
    ----------
    text
        From elsewhere.
    starts_line
        Whether it may come first in a line, where a sign may begin a list.
    """
    line = short(text, _MOST_CHARACTERS)
    alive = bool(_ALIVE.search(line) or (starts_line and _ALIVE_AT_START.match(line)))
    kept = frozenset(" ") if alive else _SAFE
    safe = "".join(
        c if c.isalnum() or c in kept or not c.isascii() else f"&#{ord(c)};" for c in line
    )
    return f"<code>{safe}</code>" if alive else safe


def joined_blocks(blocks: Sequence[str | None]) -> str:
    """A document of those of the blocks that there are."""
    return "\n\n".join(block for block in blocks if block) + "\n"


def run_summary(
    title: str,
    said: Sequence[str],
    shown: Table | None,
    notes: Sequence[Note],
    more: Sequence[Table | None],
    where: Sequence[str],
) -> str:
    """The summary of one run: its main table, and the others folded away.

    Parameters
    ----------
    title
        Of the run.
    said
        Paragraphs below it.
    shown
        The main table, if there is one.
    notes
        What is to be known of the numbers.
    more
        The other tables; those without a row are left out.
    where
        Run, time and machine, in a few words each.
    """
    return joined_blocks(
        [
            f"### {markdown(title)}",
            *map(markdown, said),
            None if shown is None else table_markdown(shown),
            notes_markdown(notes),
            *(folded(table) for table in more if table is not None and table.rows),
            " · ".join(map(markdown, where)),
        ]
    )


def notes_markdown(notes: Sequence[Note]) -> str | None:
    """A line a note; None if there is none."""
    return "\n".join(f"- {note.level}: {markdown(note.text)}" for note in notes) or None


def folded(table: Table) -> str:
    """A table that opens only when asked for."""
    opener = f"<details><summary>{markdown(table.caption)}</summary>"
    return f"{opener}\n\n{table_markdown(table)}\n\n</details>"


def table_markdown(table: Table) -> str:
    """A table; a mark is a sign or a weight, since there are no colours."""
    labels = " | ".join(markdown(column.label) for column in table.columns)
    align = "|".join("---:" if column.numeric else "---" for column in table.columns)
    rows = "".join(f"\n| {' | '.join(map(_entry, row))} |" for row in (*table.rows, *table.foot))
    return f"| {labels} |\n|{align}|{rows}"


def _entry(entry: Entry) -> str:
    text = markdown(entry.text, starts_line=False)
    if entry.mark == "failed":
        text = f"× {text}"
    elif entry.mark not in ("", "open"):
        text = f"**{text}**"
    return f"{text} ({markdown(entry.small, starts_line=False)})" if entry.small else text
