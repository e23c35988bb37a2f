"""Compare the engines' answers to TPC-H's queries with the parameters of other seeds.

    python -m benchmarks.agreement.seeds [--seeds 10] [--first 1] [--scale-factor 0.1]
        [--engines polars,datafusion,duckdb] [--engine spark:memory=2g] [--dataset URI]

For each seed the 22 queries have the parameters that qgen draws. An answer is right if it means
the same as that of every other engine, by the query's own promises of order, limit and tolerance.
What differs is printed with seed, query and values; the exit status is then 1. Answers without a
row, or of nothing but null, are counted: they show little.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from benchmarks.agreement.hunt import ENGINES
from neuralake.catalog.tables import Table
from neuralake.config import Settings
from neuralake.engines import registry
from neuralake.engines.protocol import Engine, Session
from neuralake.engines.registry import EngineSpec
from neuralake.errors import NeuralakeError, reason_of
from neuralake.queries.answers import Answer, compare
from neuralake.queries.query import Query
from neuralake.queries.workload import Workload
from neuralake.tpch.parameters import QueryParameters, parameters


@dataclass(frozen=True)
class Asked:
    """A query with the parameters of a seed."""

    seed: int
    query: Query
    parameters: QueryParameters

    @property
    def sql(self) -> str:
        """The text with these parameters."""
        return self.query.sql(self.parameters.values)

    def __str__(self) -> str:
        values = ", ".join(f"{name}={value}" for name, value in self.parameters.values.items())
        return f"seed {self.seed} {self.query.name} ({values})"


@dataclass(frozen=True)
class Finding:
    """Two engines that do not agree, or one that fails."""

    asked: Asked
    what: str

    def __str__(self) -> str:
        return f"{self.asked}: {self.what}"


def questions(queries: Sequence[Query], seeds: Sequence[int], scale_factor: float) -> list[Asked]:
    """All queries of all seeds, in the power stream's order."""
    by_name = {query.name: query for query in queries}
    return [
        Asked(seed, by_name[drawn.query], drawn)
        for seed in seeds
        for drawn in parameters(seed, 0, scale_factor)
    ]


def ask(
    engine: Engine, tables: Mapping[str, Table], asked: Sequence[Asked]
) -> list[pa.Table | Exception]:
    """What an engine answers, or why it does not."""
    session = engine.open(tables)
    try:
        return [_answer(session, one.sql) for one in asked]
    finally:
        session.close()


def _answer(session: Session, sql: str) -> pa.Table | Exception:
    try:
        return session.execute(sql)
    except Exception as error:  # noqa: BLE001 (whatever an engine raises is a finding)
        return error


def judge(
    asked: Sequence[Asked], answers: Mapping[str, Sequence[pa.Table | Exception]]
) -> Iterator[Finding]:
    """Hold each engine's answers against those of the first, each way round."""
    for place, one in enumerate(asked):
        given: dict[str, Answer] = {}
        for engine, tables in answers.items():
            table = tables[place]
            if isinstance(table, Exception):
                yield Finding(one, f"{engine} fails: {reason_of(table)}")
            else:
                given[engine] = Answer.of(table)
        for engine in list(given)[1:]:
            first = next(iter(given))
            for a, b in ((engine, first), (first, engine)):
                mismatch = compare(given[a], given[b], one.query)
                if mismatch is not None:
                    yield Finding(one, f"{a} differs from {b}: {mismatch}")
                    break


def says_little(table: pa.Table | Exception) -> bool:
    """Whether an answer has no row, or nothing but nulls."""
    return isinstance(table, pa.Table) and all(
        column.null_count == len(column) for column in table.columns
    )


def run(workload: Workload, engines: Sequence[EngineSpec], seeds: Sequence[int]) -> int:
    """Ask all engines, one after another, and print what differs; returns the exit status."""
    assert workload.scale_factor is not None  # noqa: S101 (TPC-H has one)
    asked = questions(workload.queries, seeds, workload.scale_factor)
    answers: dict[str, Sequence[pa.Table | Exception]] = {}
    for spec in engines:
        registry.require(spec)
        reaching = registry.reaching(spec, workload.tables)
        registry.prepare(reaching)
        engine = registry.start(reaching)
        answers[spec.name] = ask(engine, workload.tables, asked)
        engine.close()
        print(f"{spec.name}: asked {len(asked)} questions", flush=True)
    findings = list(judge(asked, answers))
    for finding in findings:
        print(finding)
    little = Counter(
        one.query.name
        for one, table in zip(asked, next(iter(answers.values())), strict=True)
        if says_little(table)
    )
    print(
        f"{len(seeds)} seeds, {len(asked)} questions, {len(engines)} engines: "
        f"{len(findings)} findings; without a value: "
        + (", ".join(f"{name} {count}" for name, count in sorted(little.items())) or "none")
    )
    return 1 if findings else 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare the engines."""
    from neuralake.workloads.opening import open_tpch

    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=10, help="how many")
    parser.add_argument("--first", type=int, default=1, help="the first of them")
    parser.add_argument("--scale-factor", type=float, help="of the dataset (0.1)")
    parser.add_argument("--dataset", help="a dataset in another place")
    parser.add_argument("--engines", default=",".join(ENGINES))
    parser.add_argument("--engine", action="append", default=[], metavar="NAME:KEY=VALUE")
    chosen = parser.parse_args(arguments)
    scale = 0.1 if chosen.scale_factor is None and chosen.dataset is None else chosen.scale_factor
    try:
        engines = registry.parse_specs(chosen.engines.split(","), chosen.engine)
        seeds = range(chosen.first, chosen.first + chosen.seeds)
        settings = Settings.from_environ(os.environ)
        return run(open_tpch(settings, scale, chosen.dataset, make=True), engines, seeds)
    except NeuralakeError as error:
        print(f"seeds: {error}", file=sys.stderr)
        return error.exit_status


if __name__ == "__main__":
    sys.exit(main())
