"""Print how often a query is called slower or faster for nothing where processes matter to some.

The queries of a run tell one another how much their pairs of processes vary beyond what the pairs
inside them show. Here they mislead one another: for some, two processes of the same code differ by
more than for the rest. Noise is normal, nothing has changed, and every call is a false one.

    python -m benchmarks.detection.unequal --trials 4000
    python -m benchmarks.detection.unequal --trials 20000 --counted
"""

from __future__ import annotations

import argparse
import math

import numpy as np
import numpy.typing as npt

from neuralake.arms.request import make_terms
from neuralake.arms.rounds import COUNTED
from neuralake.stats.sequential import Design, decide

Array = npt.NDArray[np.float64]
QUERIES, UNITS, ROUNDS = 22, 30, 12
# Pairs of processes that a test of fixed size would need: little noise, and much of it.
FIXED_SIZES = (8, 15, 25)
COUNTED_FIXED_SIZES = (0.1, 1.0, 8.0)
AT_ONCE = 500


def patterns() -> dict[str, Array]:
    """Variance of a unit ÷ what its pairs explain of it, of each query."""
    found = {"all alike, 1": np.ones(QUERIES), "all alike, 4": np.full(QUERIES, 4.0)}
    for count, factor in ((1, 2.0), (1, 4.0), (1, 10.0), (1, 30.0), (5, 4.0), (11, 2.0)):
        found[f"{count} of {QUERIES}, {factor:g}"] = np.array(
            [factor] * count + [1.0] * (QUERIES - count)
        )
    return found


def alarms(
    factor: Array,
    fixed_size: float,
    design: Design,
    trials: int,
    rng: np.random.Generator,
    *,
    rounds: int = ROUNDS,
    is_paired: bool = True,
) -> npt.NDArray[np.bool_]:
    """Whether each query of each trial was called slower or faster, of shape (trials, queries)."""
    sd = math.sqrt(fixed_size / design.fixed_information / 2)  # of one side
    shape = (2, UNITS, trials, QUERIES)
    values = rng.standard_normal((rounds, *shape)) * sd * math.sqrt(rounds)
    sides = values.mean(axis=0) + rng.standard_normal(shape) * sd * np.sqrt(factor - 1)
    within = (values[:, 1] - values[:, 0]).var(axis=0, ddof=1) / rounds
    found = decide(
        (sides[1] - sides[0]).reshape(UNITS, -1),
        design,
        within.reshape(UNITS, -1),
        QUERIES,
        None if is_paired else sides.reshape(2, UNITS, -1),
    )
    return np.array([d.answer in ("more", "less") for d in found]).reshape(trials, QUERIES)


def main() -> None:
    """Draw the trials and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=4000)
    parser.add_argument(
        "--counted", action="store_true", help="sides that are independent, of two rounds each"
    )
    arguments = parser.parse_args()
    counted = arguments.counted
    question = make_terms(max_time_s=1, by="instructions" if counted else "time").question
    design = question.query_design(QUERIES)
    rng = np.random.default_rng(1)
    print(f"chance asked for: a query {design.alpha:.3%}, any {design.alpha * QUERIES:.2%}")
    print(f"{'variance ÷ explained':<22}{'fixed size':>11}{'first query':>13}{'any':>8}")
    for name, factor in patterns().items():
        for fixed_size in COUNTED_FIXED_SIZES if counted else FIXED_SIZES:
            parts = [
                alarms(
                    *(factor, fixed_size, design, AT_ONCE, rng),
                    rounds=COUNTED.first if counted else ROUNDS,
                    is_paired=not counted,
                )
                for _ in range(max(arguments.trials // AT_ONCE, 1))
            ]
            found = np.concatenate(parts)
            first, several = found[:, 0].mean(), found.any(axis=1).mean()
            print(f"{name:<22}{fixed_size:>11}{first:>13.4%}{several:>8.3%}", flush=True)


if __name__ == "__main__":
    main()
