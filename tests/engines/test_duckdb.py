"""DuckDB's threads: those that were asked for, and no others."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from neuralake.engines.registry import EngineSpec, start


@pytest.mark.skipif(sys.platform != "linux", reason="threads are told by Linux's /proc")
@pytest.mark.parametrize(("options", "more"), [({}, 0), ({"async_threads": "3"}, 3)])
def test_one_thread_is_one_thread(options: dict[str, str], more: int) -> None:
    def threads() -> set[str]:
        return {task.name for task in Path("/proc/self/task").iterdir()}

    before = threads()
    engine = start(EngineSpec("duckdb", {"threads": "1", **options}))
    session = engine.open({})
    assert session.execute("SELECT sum(range) AS n FROM range(100000)").num_rows == 1
    assert len(threads() - before) == more  # others' may end meanwhile
    session.close()
    engine.close()


def test_by_default_duckdb_says_how_many_threads_read_ahead() -> None:
    engine = start(EngineSpec("duckdb", {"threads": "2"}))
    assert int(str(engine.settings["async_threads"])) > 0
    engine.close()
