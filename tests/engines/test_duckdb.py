"""DuckDB's threads: those that were asked for, and no others."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from neuralake.engines.registry import EngineSpec, start

# Of its own, where no other library ends and begins threads meanwhile
PROGRAM = """\
import json, sys
from pathlib import Path
from neuralake.engines.registry import EngineSpec, start

def threads():
    return {task.name for task in Path("/proc/self/task").iterdir()}

def begun(options):
    before = threads()
    engine = start(EngineSpec("duckdb", {"threads": "1", **options}))
    session = engine.open({})
    assert session.execute("SELECT sum(range) AS n FROM range(100000)").num_rows == 1
    found = len(threads() - before)
    session.close()
    engine.close()
    return found

begun({})  # with it whatever libraries begin once
print(json.dumps([begun(options) for options in json.loads(sys.argv[1])]))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="threads are told by Linux's /proc")
def test_one_thread_is_one_thread() -> None:
    asked = json.dumps([{}, {"async_threads": "3"}])
    words = [sys.executable, "-c", PROGRAM, asked]
    assert json.loads(subprocess.check_output(words)) == [0, 3]


def test_by_default_duckdb_says_how_many_threads_read_ahead() -> None:
    engine = start(EngineSpec("duckdb", {"threads": "2"}))
    assert int(str(engine.settings["async_threads"])) > 0
    engine.close()
