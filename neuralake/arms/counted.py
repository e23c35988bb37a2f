"""How arms are compared by counted instructions: which engines can be, and how each is run."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from neuralake.engines.registry import EngineSpec
from neuralake.errors import CompareError
from neuralake.measure.valgrind import NotCountedError, find_valgrind

SCALE_FACTOR = 0.01
SUITE_EFFECT, QUERY_EFFECT = 0.005, 0.01
# A run of one engine raises a false alarm once in a thousand: nobody looks at a count twice. The
# suite's share is smaller, since a process of DuckDB now and then is out of line in all queries
SUITE_ALPHA, QUERIES_ALPHA = 0.0002, 0.0005
_ONE_THREAD = {
    "polars": ("threads", "1"),
    "datafusion": ("target_partitions", "1"),
    "duckdb": ("threads", "1"),
    "daft": ("threads", "1"),
}
_REFUSED = {
    "spark": "its JVM compiles as it runs, so that the same query is other instructions each time",
    "sail": "its server talks with PySpark's client through gRPC, and under Valgrind a round of "
    "queries takes minutes",
}


def counted_engines(engines: Iterable[EngineSpec]) -> tuple[EngineSpec, ...]:
    """Engines as their instructions are counted: with one thread each, unless asked otherwise.

    Threads that wait for one another spin, and how often is not the work's.

    Raises
    ------
    CompareError
        If one of them cannot be counted, or there is no Valgrind.
    """
    engines = tuple(engines)
    for engine in engines:
        if reason := _REFUSED.get(engine.name):
            raise CompareError(
                f"{engine.name} cannot be compared by instructions: {reason}; expected others, "
                f"such as {', '.join(_ONE_THREAD)}"
            )
    try:
        find_valgrind()
    except NotCountedError as error:
        raise CompareError(str(error)) from None
    return tuple(_with_one_thread(engine) for engine in engines)


def _with_one_thread(engine: EngineSpec) -> EngineSpec:
    if engine.name not in _ONE_THREAD:
        return engine
    key, value = _ONE_THREAD[engine.name]
    return replace(engine, options={key: value, **engine.options})
