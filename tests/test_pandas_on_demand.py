"""pandas and NumPy: not loaded for Arrow's sake, and whole where somebody imports them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from neuralake import pandas_on_demand
from neuralake.measure.worker import Interpreter, Worker
from neuralake.tpch.existing import load_manifest
from tests.conftest import Cli, cli_environment
from tests.more import few

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


@pytest.mark.parametrize(
    "first", few(["pa.table({'n': [1]}).to_pandas()", ""]), ids=["asked for", "imported"]
)
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


def test_a_dataset_is_made_without_numpy(storage: Path, tmp_path: Path) -> None:
    command = ["-X", "importtime", "-m", "neuralake", "generate", "-s", "0.001", "--to", "made"]
    done = subprocess.run(
        [sys.executable, *command],
        capture_output=True,
        text=True,
        env=cli_environment(storage, tmp_path),
        cwd=tmp_path,
        check=True,
    )
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "pyarrow.lib" in loaded
    # those that are refused are listed too, without their parts
    assert not loaded.intersection(("numpy._core", "pandas._libs", "importlib.metadata._meta"))
    load_manifest(str(tmp_path / "made"), scale_factor=0.001, verify=True)


def test_where_numpy_is_left_out_nobody_finds_half_of_it() -> None:
    run(
        """
from neuralake.pandas_on_demand import import_pandas_on_demand, leave_numpy_out
import_pandas_on_demand()
leave_numpy_out()
import pyarrow as pa
assert pa.array([1, None]).null_count == 1
try:
    import numpy
except ModuleNotFoundError as error:
    assert error.name == "numpy"
else:
    raise AssertionError("Arrow would not know its arrays")
"""
    )


def test_numpy_that_is_there_already_stays() -> None:
    run(
        """
from neuralake.pandas_on_demand import leave_numpy_out
import pyarrow as pa
leave_numpy_out()
import numpy as np
assert pa.array(np.array([1, 2])).to_pylist() == [1, 2]
import numpy.linalg, numpy.testing
"""
    )
