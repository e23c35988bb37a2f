"""What became of the mutants, and whether enough of them were found."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Outcome:
    """What became of one mutant.

    Attributes
    ----------
    module
        Path of the module under the root.
    line
        Where it was mutated.
    survived
        Whether all tests passed.
    diff
        What was changed.
    """

    module: str
    line: int
    survived: bool
    diff: str


def report(outcomes: Sequence[Outcome], drawn: int, least: float, seed: int) -> int:
    """Print what survived and the share that was killed; the exit status."""
    if not outcomes:
        print("the time was up before the first mutant", file=sys.stderr)
        return 2
    for outcome in outcomes:
        if outcome.survived:
            print(f"\n{outcome.module}:{outcome.line} survived\n{outcome.diff}")
    count = Counter(outcome.module for outcome in outcomes)
    killed = Counter(outcome.module for outcome in outcomes if not outcome.survived)
    print()
    for module in sorted(count):
        print(f"{killed[module]:4} of {count[module]:3} killed  {module}")
    share = killed.total() / len(outcomes)
    print(
        f"{killed.total()} of {len(outcomes)} mutants killed ({share:.0%}; at least {least:.0%} "
        f"must be), of {drawn} drawn with seed {seed}"
    )
    return 0 if share >= least else 1
