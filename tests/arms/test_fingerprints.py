"""Results that are handed over have the digests that they had where they were made."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest

from neuralake.arms.agent import hand_over
from neuralake.arms.fingerprints import fingerprint, take_over
from neuralake.queries.digest import digest

LOADED = """
import sys
from neuralake.pandas_on_demand import import_pandas_on_demand

import_pandas_on_demand()
import neuralake.arms.agent, neuralake.tpch.dataset, neuralake.tpch.workload
from neuralake.engines.registry import engine_type

for engine in ("polars", "datafusion", "duckdb"):
    engine_type(engine)
print(*sys.modules)
"""


def dictionaries() -> pa.Table:
    """A column whose chunks have values of their own, as those of an engine may."""
    chunks = [pa.array(texts).dictionary_encode() for texts in (["a", "b"], ["c", "a"])]
    return pa.table({"text": pa.chunked_array(chunks)})


@pytest.mark.parametrize(
    "result",
    [
        pa.table({"n": [2, 1, None]}),
        pa.table({"n": pa.array([], pa.decimal128(12, 2))}),
        pa.table({"text": pa.array(["a", None], pa.string_view())}),
        dictionaries(),
    ],
    ids=["numbers", "no rows", "views", "dictionaries"],
)
def test_a_result_that_is_handed_over_has_its_digest(result: pa.Table, tmp_path: Path) -> None:
    handed = tmp_path / "result.handed"
    hand_over(result, str(handed))
    taken = take_over(handed)
    assert digest(taken, ["n"]) == digest(result, ["n"])
    assert taken.schema == result.schema
    assert not handed.exists()


def test_a_result_is_kept_unless_its_digest_is_known(tmp_path: Path) -> None:
    result, answer = dictionaries(), tmp_path / "answer"
    found = fingerprint(result, answer, None, [])
    with pa.memory_map(str(answer)) as file:
        kept = pa.ipc.open_file(file).read_all()
    assert kept.column("text").to_pylist() == ["a", "b", "c", "a"]
    answer.unlink()
    assert fingerprint(result, answer, found, []) == found
    assert not answer.exists()


def test_an_arm_that_counts_loads_nothing_that_only_digests_need() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOADED], capture_output=True, text=True, check=True
    )
    loaded = set(done.stdout.split())
    assert {"pyarrow.lib", "neuralake.engines.duckdb"} <= loaded
    unwanted = {"pyarrow.compute", "pyarrow.dataset", "neuralake.queries.digest", "pandas"}
    assert not loaded & unwanted
