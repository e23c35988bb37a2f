"""What is measured: constants that are part of the results, and what the environment may limit.

==============================  ==========================  ======================================
variable                        default                     meaning
==============================  ==========================  ======================================
NEURALAKE_ASV_SCALE_FACTOR      0.1 (asv.conf.json)         size of the dataset
NEURALAKE_ANCHOR                a commit (asv.conf.json)    the base that is measured beside
NEURALAKE_ASV_ARMS              commit,anchor               ``commit`` leaves the anchor out
NEURALAKE_ASV_ENGINES           polars,datafusion,spark     engines
NEURALAKE_ASV_QUERIES           1-22                        queries
NEURALAKE_ASV_ROUNDS            10 spark:3 generator:8      samples of a latency
                                ingestion:6 serving:3
                                freshness:3
NEURALAKE_ASV_STREAM_ROUNDS     8 spark:2                   samples of concurrent streams
NEURALAKE_ASV_COUNTED           polars,datafusion,duckdb    engines whose instructions are counted
==============================  ==========================  ======================================

Queries and rounds take a value for all and exceptions by engine: ``1-22 spark:1,6,13``. The first
two stand in asv's matrix, so that asv records them and keeps results of different ones apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

ENGINES: Final = ("polars", "datafusion", "spark")
QUERIES: Final = tuple(f"q{number:02d}" for number in range(1, 23))
STREAMS: Final = (1, 2, 4)
ARMS: Final = ("commit", "anchor")
COUNTED: Final = ("polars", "datafusion", "duckdb")
COUNTED_SCALE_FACTOR: Final = "0.01"
INSTRUCTIONS: Final = "instructions"
GENERATOR: Final = "generator"
INGESTION: Final = "ingestion"
SERVING: Final = "serving"
FRESHNESS: Final = "freshness"

_NAMED: Final = {"", *ENGINES, GENERATOR, INGESTION, SERVING, FRESHNESS, INSTRUCTIONS}
_DEFAULTS: Final = {
    "NEURALAKE_ASV_SCALE_FACTOR": "0.1",
    "NEURALAKE_ANCHOR": "",
    "NEURALAKE_ASV_ARMS": ",".join(ARMS),
    "NEURALAKE_ASV_ENGINES": ",".join(ENGINES),
    "NEURALAKE_ASV_QUERIES": "1-22",
    "NEURALAKE_ASV_ROUNDS": "10 spark:3 generator:8 ingestion:6 serving:3 freshness:3 "
    "instructions:4",
    "NEURALAKE_ASV_STREAM_ROUNDS": "8 spark:2",
    "NEURALAKE_ASV_COUNTED": ",".join(COUNTED),
}


class PlanError(ValueError):
    """A variable has an impossible value."""


@dataclass(frozen=True)
class Plan:
    """What one engine is to do, in each arm.

    Attributes
    ----------
    engine
        Its name.
    queries
        Names of the queries.
    rounds
        Counted executions of each query, after one that is not counted.
    stream_rounds
        How often each number of concurrent streams is run.
    options
        Of the engine, the same in each arm.
    """

    engine: str
    queries: tuple[str, ...]
    rounds: int
    stream_rounds: int
    options: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_whole(self) -> bool:
        """Whether all 22 queries are run; streams and memory of fewer would mean another thing."""
        return self.queries == QUERIES

    @property
    def streams(self) -> tuple[int, ...]:
        """Numbers of concurrent streams that are run."""
        return STREAMS if self.is_whole and self.stream_rounds else ()


def plans(environ: Mapping[str, str]) -> dict[str, Plan]:
    """The plan of each engine that is to run, by its name.

    Raises
    ------
    PlanError
        If a variable has an impossible value.
    """
    return {
        engine: Plan(
            engine,
            _queries(_for("NEURALAKE_ASV_QUERIES", environ, engine)),
            _count("NEURALAKE_ASV_ROUNDS", environ, engine, least=1),
            _count("NEURALAKE_ASV_STREAM_ROUNDS", environ, engine, least=0),
            _options(engine),
        )
        for engine in _names("NEURALAKE_ASV_ENGINES", environ, ENGINES)
    }


@dataclass(frozen=True)
class CountedPlan:
    """What one engine is to do while its instructions are counted.

    Attributes
    ----------
    engine
        Its name.
    queries
        Names of the queries.
    rounds
        Counted executions of each query in a process.
    options
        Of the engine: one thread, so that a count has no luck of the scheduler in it.
    """

    engine: str
    queries: tuple[str, ...]
    rounds: int
    options: Mapping[str, str] = field(default_factory=dict)


def counted_plans(environ: Mapping[str, str]) -> dict[str, CountedPlan]:
    """The plan of each engine whose instructions are counted, by its name.

    Raises
    ------
    PlanError
        If a variable has an impossible value.
    """
    if environ.get("NEURALAKE_ASV_COUNTED") == "none":
        return {}
    threads = {"datafusion": "target_partitions"}
    return {
        engine: CountedPlan(
            engine,
            _queries(_for("NEURALAKE_ASV_QUERIES", environ, engine)),
            _count("NEURALAKE_ASV_ROUNDS", environ, INSTRUCTIONS, least=1),
            {threads.get(engine, "threads"): "1"},
        )
        for engine in _names("NEURALAKE_ASV_COUNTED", environ, COUNTED)
    }


def arms(environ: Mapping[str, str]) -> tuple[str, ...]:
    """The arms that are measured: ``commit``, and ``anchor`` where there is one."""
    chosen = _names("NEURALAKE_ASV_ARMS", environ, ARMS)
    return tuple(a for a in ARMS if a in chosen and (a == "commit" or anchor_commit(environ)))


def anchor_commit(environ: Mapping[str, str]) -> str:
    """The commit of the anchor, or nothing."""
    return _value("NEURALAKE_ANCHOR", environ)


def generator_rounds(environ: Mapping[str, str]) -> int:
    """How often the dataset is generated."""
    return _count("NEURALAKE_ASV_ROUNDS", environ, GENERATOR, least=1)


def ingestion_rounds(environ: Mapping[str, str]) -> int:
    """How often each contestant of ingestion is measured."""
    return _count("NEURALAKE_ASV_ROUNDS", environ, INGESTION, least=1)


def serving_rounds(environ: Mapping[str, str]) -> int:
    """How often each contestant of serving is measured."""
    return _count("NEURALAKE_ASV_ROUNDS", environ, SERVING, least=1)


def freshness_rounds(environ: Mapping[str, str]) -> int:
    """How often each reader of freshness is measured."""
    return _count("NEURALAKE_ASV_ROUNDS", environ, FRESHNESS, least=1)


def scale_factor(environ: Mapping[str, str]) -> str:
    """The scale factor as text, as the command line takes it."""
    text = _value("NEURALAKE_ASV_SCALE_FACTOR", environ)
    try:
        valid = 0 < float(text) < float("inf")
    except ValueError:
        valid = False
    if not valid:
        raise PlanError(f"NEURALAKE_ASV_SCALE_FACTOR is {text!r}: expected such as 0.1")
    return f"{float(text):g}"


def _options(engine: str) -> dict[str, str]:
    """Two JVMs run side by side, and each would take a heap by what is free when it starts.

    Each gets 0.3 of the memory, without an anchor too, so that results are of one heap.
    """
    if engine != "spark":
        return {}
    from neuralake.machine import memory_bytes

    return {"memory": f"{max(int(0.3 * memory_bytes() / 2**30), 1)}g"}


def _value(variable: str, environ: Mapping[str, str]) -> str:
    return environ.get(variable) or _DEFAULTS[variable]


def _names(variable: str, environ: Mapping[str, str], known: tuple[str, ...]) -> tuple[str, ...]:
    text = _value(variable, environ)
    chosen = tuple(name.strip() for name in text.split(","))
    if not set(chosen) <= set(known):
        raise PlanError(f"{variable} is {text!r}: expected some of {','.join(known)}")
    return chosen


def _for(variable: str, environ: Mapping[str, str], engine: str) -> str:
    """The value for an engine: its own, or else everybody's, or else its default."""
    for text in (_value(variable, environ), _DEFAULTS[variable]):
        parts = [part.rpartition(":") for part in text.split()]
        by_name = {name: value for name, _, value in parts}
        if not set(by_name) <= _NAMED:
            raise PlanError(f"{variable} is {text!r}: expected such as {_DEFAULTS[variable]!r}")
        for name in (engine, ""):
            if name in by_name:
                return by_name[name]
    raise PlanError(f"{variable} has no value for {engine}")


def _count(variable: str, environ: Mapping[str, str], engine: str, *, least: int) -> int:
    text = _for(variable, environ, engine)
    if not (text.isascii() and text.isdigit() and least <= int(text)):
        raise PlanError(f"{variable} is {text!r} for {engine}: expected {least} or more")
    return int(text)


def _queries(text: str) -> tuple[str, ...]:
    chosen: set[str] = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        names = [
            f"q{int(n):02d}" if n.isascii() and n.isdigit() else n for n in (first, last or first)
        ]
        if not set(names) <= set(QUERIES) or names[0] > names[1]:
            raise PlanError(f"NEURALAKE_ASV_QUERIES has {part!r}: expected such as 1,6,9-12")
        chosen |= {query for query in QUERIES if names[0] <= query <= names[1]}
    return tuple(query for query in QUERIES if query in chosen)
