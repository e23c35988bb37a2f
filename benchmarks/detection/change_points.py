"""False alarms, power and error of place of the change points that ``neuralake history`` finds.

    python -m benchmarks.detection.change_points [--trials N] [--seed S] [--only NAME …]

Series are simulated as a machine would give them: a level, a noise whose standard deviation is that
of one point's logarithm, perhaps a drift. Where apache-otava can be imported too, its
``compute_change_points`` with its own defaults judges the same series.
"""

from __future__ import annotations

import argparse
import importlib
import math
from collections.abc import Callable, Iterable, Sequence
from statistics import median

import numpy as np
import numpy.typing as npt

from neuralake.stats.change_points import find_change_points, p_value_of_change, points_needed
from neuralake.stats.multiplicity import benjamini_hochberg

Array = npt.NDArray[np.float64]
Generator = np.random.Generator

ALPHA = 0.01
SERIES = 66  # 22 queries on three engines
PERMUTATIONS = 999
LENGTHS = (20, 50, 100, 200)


def normal(generator: Generator, n: int) -> Array:
    """Unit normal noise."""
    return generator.standard_normal(n)


def lognormal(generator: Generator, n: int) -> Array:
    """Noise that leans right, even as a logarithm: log-normal, brought to unit deviation."""
    noise = np.exp(0.6 * generator.standard_normal(n))
    spread = math.sqrt((math.exp(0.36) - 1) * math.exp(0.36))
    return np.asarray((noise - math.exp(0.18)) / spread)


def heavy(generator: Generator, n: int) -> Array:
    """Student's t with 3 degrees of freedom, brought to unit deviation."""
    return generator.standard_t(3, n) / math.sqrt(3)


def outliers(generator: Generator, n: int) -> Array:
    """Unit normal noise; one point in twenty is ten deviations too slow."""
    return generator.standard_normal(n) + 10 * (generator.random(n) < 0.05)


NOISES: dict[str, Callable[[Generator, int], Array]] = {
    "normal": normal,
    "log-normal": lognormal,
    "heavy tails (t, 3)": heavy,
    "5 % outliers of 10 sd": outliers,
}


def drift(generator: Generator, n: int) -> Array:
    """A machine that wanders: a random walk of half a deviation a commit."""
    return np.cumsum(0.5 * generator.standard_normal(n))


def finds(series: Array) -> bool:
    """Whether any change is found in a series at the level."""
    return p_value_of_change(series.tolist(), PERMUTATIONS) <= ALPHA


def otava() -> Callable[[Array], bool] | None:
    """The same of apache-otava, if it is there."""
    try:
        analysis = importlib.import_module("otava.analysis")
    except ImportError:
        return None
    return lambda series: bool(analysis.compute_change_points(series.tolist())[0])


def _share(judged: Iterable[bool]) -> float:
    """How many of some are true, in percent."""
    verdicts = list(judged)
    return 100 * sum(verdicts) / len(verdicts)


def false_alarms(generator: Generator, trials: int) -> None:
    """Share of series without a change in which one is found."""
    print(f"\nFalse alarms: % of series without a change, p ≤ {ALPHA:g} in one series")
    peer = otava()
    print(f"{'noise':36}" + "".join(f"{f'n={n}':>8}" for n in LENGTHS))

    def line(name: str, make: Callable[[int], Array]) -> None:
        shown: dict[str, list[float]] = {}
        for n in LENGTHS:
            made = [make(n) for _ in range(trials)]
            shown.setdefault(name, []).append(_share(map(finds, made)))
            if peer:
                shown.setdefault(f"{name} (otava)", []).append(_share(map(peer, made)))
        for who, shares in shown.items():
            print(f"{who:36}" + "".join(f"{share:8.1f}" for share in shares), flush=True)

    for name, noise in NOISES.items():
        line(name, lambda n, noise=noise: np.exp(0.05 * noise(generator, n)))  # type: ignore[misc]
    line("drift, raw", lambda n: np.exp(0.05 * (normal(generator, n) + drift(generator, n))))

    def anchored(n: int) -> Array:
        common = drift(generator, n)
        own, anchor = (np.exp(0.05 * (normal(generator, n) + common)) for _ in range(2))
        return np.asarray(own / anchor)

    line("drift in both arms, ÷ anchor", anchored)


def histories(generator: Generator, trials: int) -> None:
    """Share of histories without a change in which any series has one; a tenth of the trials."""
    trials = max(trials // 10, 1)
    print(
        f"\nHistories of {SERIES} series without a change: % with any change at 99 %, {trials} each"
    )
    for n in (20, 50):
        alarms = 0
        for _ in range(trials):
            values = np.exp(0.05 * generator.standard_normal((SERIES, n)))
            p_values = [p_value_of_change(v.tolist(), 2 * SERIES * 100) for v in values]
            alarms += any(benjamini_hochberg(p_values, ALPHA)[0])
        print(f"n={n:<4} {100 * alarms / trials:.1f}", flush=True)


def power(generator: Generator, trials: int) -> None:
    """How often a step is found, where, and how large it is said to be."""
    print(f"\nPower: % of series with a step in which it is found, p ≤ {ALPHA:g} in one series")
    print(
        "place: % right to the commit, % within 2; covered: % of 99 % intervals with the true one"
    )
    print(
        f"{'sd':>4} {'step':>5} {'n':>4} {'after':>5} {'found':>6} {'exact':>6} {'in 2':>6} ",
        end="",
    )
    print(f"{'place':>6} {'size':>6} {'width':>6} {'more':>6} {'otava':>6}")
    peer = otava()
    for sd in (0.02, 0.05):
        for step in (0.02, 0.05, 0.10):
            for n, after in ((20, 10), (50, 25), (50, 5), (100, 50)):
                _power(generator, trials, sd, step, n, after, peer)


def _power(
    generator: Generator,
    trials: int,
    sd: float,
    step: float,
    n: int,
    after: int,
    peer: Callable[[Array], bool] | None,
) -> None:
    at = n - after
    found = exact = near = placed = sized = more = seen = 0
    widths: list[int] = []
    for _ in range(trials):
        series = np.exp(sd * generator.standard_normal(n))
        series[at:] *= 1 + step
        seen += bool(peer and peer(series))
        changes = (
            find_change_points(series.tolist(), ALPHA, confidence=0.99, permutations=PERMUTATIONS)
            if finds(series)
            else ()
        )
        if not changes:
            continue
        best = min(changes, key=lambda change: abs(change.index - at))
        found += 1
        more += len(changes) > 1
        exact += best.index == at
        near += abs(best.index - at) <= 2
        placed += best.earliest <= at <= best.latest
        sized += (best.change.low or 0) <= 1 + step <= (best.change.high or math.inf)
        widths.append(best.latest - best.earliest + 1)
    share = [100 * value / max(found, 1) for value in (exact, near, placed, sized)]
    width = f"{median(widths):6g}" if widths else f"{'–':>6}"
    print(
        f"{100 * sd:3.0f}% {100 * step:4.0f}% {n:4} {after:5} {100 * found / trials:6.0f} "
        + " ".join(f"{value:6.0f}" for value in share)
        + f" {width} {100 * more / trials:6.1f}"
        + (f" {100 * seen / trials:6.0f}" if peer else f" {'–':>6}"),
        flush=True,
    )


def undone(generator: Generator, trials: int) -> None:
    """How often both ends of a change that was undone are found."""
    print("\nA step of 10 % at 5 % noise, undone after some commits of 60: % with both ends found")
    for length in (5, 10, 20):
        both = 0
        for _ in range(trials):
            series = np.exp(0.05 * generator.standard_normal(60))
            series[20 : 20 + length] *= 1.1
            if finds(series):
                found = find_change_points(series.tolist(), ALPHA, permutations=PERMUTATIONS)
                both += len(found) == 2
        print(f"{length:3} commits: {100 * both / trials:.0f}", flush=True)


def needed(_: Generator, __: int) -> None:
    """How many points a significant change needs at least."""
    print("\nFewest commits for a significant change, however great, in one of some series alone")
    afters: Sequence[int | None] = (None, 3, 4, 5, 7)
    print(f"{'':34}" + "".join(f"{f'{a} after' if a else 'middle':>9}" for a in afters))
    for confidence in (0.95, 0.99):
        for series in (1, SERIES):
            level = (1 - confidence) / series
            line = "".join(f"{points_needed(level, after):9}" for after in afters)
            print(f"{f'{100 * confidence:g} % over {series} series':34}{line}")


PARTS: dict[str, Callable[[Generator, int], None]] = {
    "needed": needed,
    "false-alarms": false_alarms,
    "histories": histories,
    "power": power,
    "undone": undone,
}


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", nargs="*", choices=tuple(PARTS), default=tuple(PARTS))
    options = parser.parse_args()
    for name in options.only:
        PARTS[name](np.random.default_rng(options.seed), options.trials)


if __name__ == "__main__":
    main()
