"""Text from elsewhere, made harmless for a terminal or a page."""

from __future__ import annotations


def printable(text: str) -> str:
    """The text with control characters (escape sequences among them) replaced."""
    return "\n".join(
        line if line.isprintable() else "".join(map(_shown, line)) for line in text.split("\n")
    )


def one_line(text: str) -> str:
    """The text in one line, harmless for a terminal."""
    return printable(" ".join(text.split()))


def short(text: str, characters: int = 22) -> str:
    """The text in one line, and cut where it would push everything else aside."""
    line = one_line(text)
    return line if len(line) <= characters else f"{line[: characters - 1]}…"


def _shown(character: str) -> str:
    return character if character.isprintable() else "\N{REPLACEMENT CHARACTER}"
