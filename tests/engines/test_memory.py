"""What engines are told of a limit on memory, and what is refused as a size."""

from __future__ import annotations

import pytest

from neuralake.engines.registry import EngineSpec, resolve, start
from neuralake.errors import EngineError

GIB = 2**30


@pytest.mark.parametrize(
    ("engine", "memory"),
    [
        ("duckdb", f"{int(4 * GIB * 0.6)}b"),
        ("datafusion", f"{(4 * GIB - GIB // 8) // 2}b"),
        ("polars", f"{2 * GIB}b"),
    ],
)
def test_an_engine_keeps_within_a_limit_unless_told_otherwise(engine: str, memory: str) -> None:
    assert resolve(EngineSpec(engine), 4 * GIB).options == {"memory": memory}
    assert resolve(EngineSpec(engine), None).options == {}
    own = EngineSpec(engine, {"memory": "1g"})
    assert resolve(own, 4 * GIB) == own


def test_a_pool_is_never_nothing() -> None:
    assert resolve(EngineSpec("datafusion"), 64 * 2**20).options == {"memory": f"{8 * 2**20}b"}


def test_polars_in_memory_is_told_no_budget() -> None:
    in_memory = EngineSpec("polars", {"engine": "in-memory"})
    assert resolve(in_memory, 4 * GIB) == in_memory
    with pytest.raises(EngineError, match="engine in-memory does not spill"):
        start(EngineSpec("polars", {"engine": "in-memory", "memory": "1g"}))


@pytest.mark.parametrize("engine", ["duckdb", "datafusion", "polars"])
@pytest.mark.parametrize("option", ["memory", "spill_limit"])
def test_what_is_no_size_is_refused_by_name(engine: str, option: str) -> None:
    with pytest.raises(EngineError, match=f"{engine}: {option}: '8' has no unit: .* or auto"):
        start(EngineSpec(engine, {option: "8"}))
