"""How noisy this machine is, on a terminal."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.table import Table

from neuralake.arms.calibration import Calibration, EngineNoise
from neuralake.report.text import printable
from neuralake.results.comparison import Comparison
from neuralake.stats.paired import Question

_MINUTES = (2, 5, 10, 30)


def print_calibration(
    calibration: Calibration, comparison: Comparison, console: Console, path: Path
) -> None:
    """Print the noise of each query, and the smallest effects that can be found.

    Parameters
    ----------
    calibration
        What was found.
    comparison
        Where it comes from.
    console
        Standard output.
    path
        Where it is kept.
    """
    question = Question(
        *(comparison.effect, comparison.query_effect),
        *(comparison.suite_alpha, comparison.queries_alpha),
    )
    for engine in comparison.engines:
        noise = calibration.engines.get(engine.engine)
        if noise is None:
            continue
        console.print(_noise_table(engine.engine, noise))
        console.print(_effect_table(engine.engine, noise, question))
    console.print(f"kept in {printable(str(path))}", markup=False, soft_wrap=True)


def _noise_table(engine: str, noise: EngineNoise) -> Table:
    table = Table(
        title=f"{engine}: spread (sd) of the log ratio of one code with itself",
        caption=f"{noise.units} pairs of processes of {noise.rounds} pairs, {noise.unit_s:.1f} s "
        "each",
        title_justify="left",
        caption_justify="left",
    )
    table.add_column("query")
    table.add_column("a pair", justify="right")
    table.add_column("a pair of processes", justify="right")
    for name, found in (("suite", noise.suite), *noise.queries.items()):
        table.add_row(printable(name), *(_percent(sd) for sd in (found.pair, found.unit)))
    return table


def _effect_table(engine: str, noise: EngineNoise, question: Question) -> Table:
    table = Table(
        title=f"{engine}: smallest change that is sure of a verdict",
        title_justify="left",
    )
    table.add_column("minutes", justify="right")
    table.add_column("suite", justify="right")
    table.add_column("any one query", justify="right")
    for minutes in _MINUTES:
        suite, query = noise.smallest_effects(minutes, question)
        table.add_row(str(minutes), _percent(suite), _percent(query))
    return table


def _percent(share: float) -> str:
    """With the decimals that a counted change needs: ``4.2%``, ``0.03%``."""
    return f"{share:.1%}" if share >= 0.01 else f"{share:.2%}"
