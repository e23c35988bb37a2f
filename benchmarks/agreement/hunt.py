"""Hunt for a random table of which two engines read other rows.

    python -m benchmarks.agreement.hunt [--seconds 60] [--seed 0] [--engines polars,…] [--spark]

Each number makes one table and its queries, always the same; every engine answers, and any two
answers must mean the same. An engine may refuse a table by its name instead. A finding is printed
with its number, steps, query and answers; the exit status is then 1.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from deltalake.exceptions import DeltaError

from benchmarks.agreement.queries import random_queries
from benchmarks.agreement.tables import NAME, Made, by_deltalake, by_parquet, by_spark
from neuralake.engines import registry
from neuralake.engines.protocol import Engine
from neuralake.engines.registry import EngineSpec
from neuralake.errors import NeuralakeError
from neuralake.queries.answers import Answer, compare
from neuralake.queries.query import parse_query

ENGINES = ("polars", "datafusion", "duckdb")


@dataclass(frozen=True)
class Finding:
    """Two engines that do not agree, or one that fails without naming the table."""

    number: int
    steps: Sequence[str]
    sql: str
    what: str

    def __str__(self) -> str:
        steps = "; ".join(self.steps)
        return f"number {self.number}: {self.what}\n  table: {steps}\n  query: {self.sql}"


def hunt(number: int, engines: Sequence[Engine], spark: Any = None) -> Iterator[Finding]:
    """The findings of one number."""
    random = Random(number)
    with tempfile.TemporaryDirectory(prefix="neuralake-hunt-") as directory:
        location = Path(directory) / "t"
        chance = random.random()
        try:
            if spark is not None and chance < 0.5:
                made = by_spark(location, random, spark)
            elif chance < 0.75:
                made = by_deltalake(location, random)
            else:
                made = by_parquet(location, random)
        except DeltaError:  # deltalake does not write such columns: there is no table
            return
        queries = random_queries(made, random)
        yield from _judge(number, made, queries, engines)


def _judge(
    number: int, made: Made, queries: Sequence[str], engines: Sequence[Engine]
) -> Iterator[Finding]:
    answers: dict[str, dict[str, Answer]] = {sql: {} for sql in queries}
    for engine in engines:
        for sql, what in _ask(engine, made, answers):
            yield Finding(number, made.steps, sql, f"{engine.name} {what}")
    for sql, given in answers.items():
        names = list(given)
        for name in names[1:]:
            mismatch = compare(given[name], given[names[0]], parse_query("q", sql))
            if mismatch is not None:
                what = f"{name} and {names[0]} differ: {mismatch}"
                yield Finding(number, made.steps, sql, what)


def _ask(
    engine: Engine, made: Made, answers: Mapping[str, dict[str, Answer]]
) -> Iterator[tuple[str, str]]:
    """Let an engine answer; what it fails at is yielded, with the reason."""
    try:
        session = engine.open({NAME: made.table})
    except BaseException as error:  # noqa: BLE001 (a Rust panic is not an Exception)
        named = f"table {NAME}" in str(error) or f"column {NAME}." in str(error)
        if not (isinstance(error, NeuralakeError) and named):
            yield "(open)", f"does not open the table: {error}"
        return
    for sql, given in answers.items():
        try:
            given[engine.name] = Answer.of(session.execute(sql))
        except BaseException as error:  # noqa: BLE001 (a Rust panic is not an Exception)
            yield sql, f"fails: {error}"
    session.close()


def start(name: str, options: dict[str, str] | None = None) -> Engine:
    """An engine in this process."""
    spec = EngineSpec(name, options or {})
    registry.prepare(spec)
    return registry.start(spec)


def main() -> int:
    """Hunt until the time is over."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=0, help="the first number")
    parser.add_argument("--engines", default=",".join(ENGINES))
    parser.add_argument(
        "--spark", action="store_true", help="also read with, and write with, Spark"
    )
    arguments = parser.parse_args()
    engines = [start(name) for name in arguments.engines.split(",")]
    spark = None
    if arguments.spark:
        engines.append(start("spark", {"memory": "2g", "delta_reader": "delta"}))
        from pyspark.sql import SparkSession

        spark = SparkSession.active()
    found, number, end = 0, arguments.seed, time.monotonic() + arguments.seconds
    while time.monotonic() < end:
        for finding in hunt(number, engines, spark):
            found += 1
            print(finding, flush=True)
        number += 1
    for engine in engines:
        engine.close()
    print(f"{number - arguments.seed} tables, {found} findings")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
