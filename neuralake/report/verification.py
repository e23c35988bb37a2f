"""A verification in the terminal: a line a check, as soon as it is made, and one in the end."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from neuralake.verify.check import Result
from neuralake.verify.verification import Verification

_STYLES = {"passed": "green", "failed": "bold red", "skipped": "yellow"}


def print_result(result: Result, console: Console) -> None:
    """How a check ended, its name, what it took, and what it found."""
    took = f"{result.milliseconds:,.0f} ms"
    line = Text.assemble(
        (f"{result.status:<7}", _STYLES[result.status]),
        "  ",
        (result.name, "bold"),
        f"  {took}  " if result.status != "skipped" else "  ",
        result.reason,
    )
    console.print(line, soft_wrap=True)


def in_a_line(verification: Verification) -> str:
    """How many checks passed, failed and were skipped, and how long that took."""
    counts = dict.fromkeys(_STYLES, 0)
    for result in verification.results:
        counts[result.status] += 1
    told = ", ".join(f"{number} {status}" for status, number in counts.items() if number)
    return (
        f"{verification.environment}: {told or 'no check was made'} in {verification.seconds:.1f} s"
    )
