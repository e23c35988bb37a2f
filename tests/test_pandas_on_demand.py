"""pandas: not loaded for Arrow's sake, and whole where somebody's own code imports it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from neuralake import pandas_on_demand
from neuralake.measure.worker import Interpreter, Worker
from tests.conftest import Cli

CODE = """
import importlib.util, sys
from neuralake.pandas_on_demand import import_pandas_on_demand

import_pandas_on_demand()
import pyarrow as pa
import pyarrow.dataset

loader = type(pa.__loader__).__name__
assert pa.array([1, 2]).to_pylist() == [1, 2]
assert importlib.util.find_spec("pandas") is not None
assert "pandas" not in sys.modules
{first}
import pandas as pd

series = pd.Series([1.5, float("nan")])
assert pa.array(series).null_count == 1  # of a list, NaN is a value
assert pa.Table.from_pandas(pd.DataFrame({{"n": series}}))["n"].null_count == 1
assert pa.table({{"n": [1]}}).to_pandas().equals(pd.DataFrame({{"n": [1]}}))
assert type(pd.__loader__).__name__ == loader == "SourceFileLoader"
"""
CATALOG = """
import pandas as pd
import pyarrow as pa
from neuralake.catalog import table

@table
def readings():
    return pa.table({"value": pd.Series([1.5, float("nan")])})
"""


def run(code: str) -> None:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("first", ["", "pa.table({'n': [1]}).to_pandas()"])
def test_arrow_knows_pandas_as_soon_as_somebody_imports_it(first: str) -> None:
    run(CODE.format(first=first))


def test_where_pandas_comes_before_arrow_all_is_as_ever() -> None:
    run(
        """
from neuralake.pandas_on_demand import import_pandas_on_demand
import_pandas_on_demand()
import pandas as pd
import pyarrow as pa
assert pa.array(pd.Series([1.5, float("nan")])).null_count == 1
"""
    )


def test_without_pandas_arrow_is_as_ever() -> None:
    run(
        """
import sys
from neuralake.pandas_on_demand import import_pandas_on_demand

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name == "pandas":
            raise ModuleNotFoundError(name=name)

sys.meta_path.insert(0, Absent())
import_pandas_on_demand()
import pyarrow as pa
assert pa.array([1, None]).null_count == 1
try:
    pa.table({"n": [1]}).to_pandas()
except ModuleNotFoundError as error:
    assert error.name == "pandas"
else:
    raise AssertionError("there is no pandas")
"""
    )


def test_a_worker_starts_without_it(tmp_path: Path) -> None:
    worker = Worker("tests.measure.targets:Arrow", tmp_path / "log")
    try:
        assert worker.call("loaded", "pyarrow") is True
        assert worker.call("loaded", "pandas") is False
    finally:
        worker.close()


def test_a_worker_of_another_python_starts_without_it(tmp_path: Path) -> None:
    seen = tmp_path / "seen.py"
    seen.write_text("import sys\nimport pyarrow as pa\npa.array([1])\nloaded = sys.modules.copy\n")
    modules = {
        "neuralake.pandas_on_demand": Path(str(pandas_on_demand.__file__)),
        "neuralake.seen": seen,
    }
    interpreter = Interpreter(Path(sys.executable), tmp_path, modules)
    worker = Worker("neuralake.seen:loaded", tmp_path / "log", interpreter=interpreter)
    try:
        assert worker.call("__contains__", "pyarrow") is True
        assert worker.call("__contains__", "pandas") is False
    finally:
        worker.close()


def test_a_table_of_pandas_is_read_as_such(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "catalog.py").write_text(CATALOG)
    sql = "SELECT count(value) AS n FROM readings"
    done = cli("query", sql, "--catalog", "catalog.py", "--engine", "duckdb", "--format", "csv")
    assert (done.returncode, done.stdout) == (0, '"n"\n1\n'), done.stderr
