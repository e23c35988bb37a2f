"""Colours and markers of every figure.

Each colour below stands for a role, and occurs nowhere else: so a figure drawn once is the PNG for
print, and an SVG whose roles take other colours on a dark page.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from neuralake.report.text import short

INK = "#1b1f24"
MUTED = "#57606a"
GRID = "#d8dee4"
BAND = "#f5f7f9"
SURFACE = "#fefefe"
WORSE = "#b3261e"
BETTER = "#00694b"
HEAT = ("#e6f0f8", "#cbdff0", "#a5c7e3", "#7cabd2", "#39749f", "#235f92", "#0c3f6c")

# Okabe and Ito's palette, distinguishable with any colour vision, and markers for print
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
MARKERS = ("o", "s", "^", "D", "v", "P")
FAILED = "x"

# Verdicts, each of which is a word too
SLOWER = "#b3261e"
FASTER = "#00694b"
UNCHANGED = "#4b5a6b"
INCONCLUSIVE = "#8a5a00"
EFFECT = "#e9edf2"

# The role of each colour that an SVG has, and the colour that it takes on a dark page
ROLES = {
    INK: ("ink", "#e6e9ec"),
    MUTED: ("muted", "#9aa5b1"),
    GRID: ("grid", "#323b44"),
    BAND: ("band", "#1a2027"),
    SURFACE: ("surface", "#12161b"),
    WORSE: ("worse", "#ff9a8f"),
    BETTER: ("better", "#56c596"),
    HEAT[0]: ("heat0", "#16252f"),
    HEAT[1]: ("heat1", "#1b3447"),
    HEAT[2]: ("heat2", "#224661"),
    HEAT[3]: ("heat3", "#2a5a7f"),
    HEAT[4]: ("heat4", "#6fa8d6"),
    HEAT[5]: ("heat5", "#9cc7ea"),
    HEAT[6]: ("heat6", "#cde4f7"),
    SLOWER: ("slower", "#ff9a8f"),
    FASTER: ("faster", "#56c596"),
    UNCHANGED: ("unchanged", "#a9b6c4"),
    INCONCLUSIVE: ("inconclusive", "#e3b341"),
    EFFECT: ("effect", "#26303a"),
    COLOURS[0]: ("engine0", "#3f92d6"),
    COLOURS[1]: ("engine1", "#ee7f33"),
    COLOURS[2]: ("engine2", "#1fb88a"),
    COLOURS[3]: ("engine3", "#d98fb8"),
    COLOURS[4]: ("engine4", "#f0b73a"),
    COLOURS[5]: ("engine5", "#9bd7fa"),
}


@dataclass(frozen=True)
class Mark:
    """How an engine is drawn: the combination is its own for up to 36 engines."""

    label: str
    colour: str
    marker: str

    def points(self, *, hollow: bool = False) -> dict[str, Any]:
        """Keywords of a plot call that draws points and no line."""
        return {
            "marker": self.marker,
            "markersize": 4.6,
            "markerfacecolor": SURFACE if hollow else self.colour,
            "markeredgecolor": self.colour,
            "markeredgewidth": 1.1 if hollow else 0.6,
            "linestyle": "none",
        }


def marks(engines: Sequence[str]) -> dict[str, Mark]:
    """The mark of each engine, by its name."""
    count = len(COLOURS)
    return {
        engine: Mark(short(engine), COLOURS[i % count], MARKERS[(i + i // count) % len(MARKERS)])
        for i, engine in enumerate(engines)
    }
