"""Real engines in real workers: samples of both arms, and no number for a wrong answer."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import ipc

from benchmarks.asv.anchor import AnchorError, ready_anchor
from benchmarks.asv.answers import Judge, WrongAnswerError
from benchmarks.asv.dataset import Dataset, find_dataset, ready_dataset
from benchmarks.asv.measuring import Measured, MeasurementError, measure, measure_all
from benchmarks.asv.plan import plans
from neuralake.config import Settings
from neuralake.tpch.dataset import open_workload
from tests.asv_suite.conftest import ROOT

SMALL = {
    "NEURALAKE_ASV_SCALE_FACTOR": "0.003",
    "NEURALAKE_ASV_ENGINES": "polars",
    "NEURALAKE_ASV_ROUNDS": "2",
    "NEURALAKE_ASV_STREAM_ROUNDS": "2",
}


@pytest.fixture(scope="module")
def ready(storage: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """An environment with the shared dataset, and answers of its own beside it."""
    root = tmp_path_factory.mktemp("asv")
    (root / "tpch").mkdir()
    (root / "tpch" / "sf0.003").symlink_to(storage / "tpch" / "sf0.003")
    environ = SMALL | {"NEURALAKE_STORAGE_ROOT": str(root), "ASV_CONF_DIR": str(ROOT)}
    ready_dataset(environ)
    yield environ


def own_answers(environ: dict[str, str], directory: Path) -> Dataset:
    """The dataset with answers that may be changed."""
    dataset = find_dataset(environ)
    return replace(dataset, answers=Path(shutil.copytree(dataset.answers, directory / "answers")))


def falsify(dataset: Dataset, query: str) -> None:
    """Let the answer to a query be that its first column is empty."""
    (path,) = dataset.answers.glob(f"{query}-*.arrow")
    with ipc.open_file(path) as reader:
        table = reader.read_all()
    first = pa.nulls(len(table), table.schema.field(0).type)
    falsified = table.set_column(0, table.schema.field(0).name, first)
    with ipc.new_file(path, falsified.schema) as writer:
        writer.write_table(falsified)


def test_every_query_has_an_answer_that_two_engines_agree_on(ready: dict[str, str]) -> None:
    answers = find_dataset(ready).answers
    names = {path.name.partition("-")[0] for path in answers.glob("*.arrow")}
    assert names == {f"q{number:02d}" for number in range(1, 23)}
    before = {path: path.stat().st_mtime_ns for path in answers.glob("*.arrow")}
    ready_dataset(ready)
    assert before == {path: path.stat().st_mtime_ns for path in answers.glob("*.arrow")}


@pytest.mark.more
def test_an_absent_dataset_is_generated(tmp_path: Path) -> None:
    environ = SMALL | {"NEURALAKE_STORAGE_ROOT": str(tmp_path)}
    dataset = ready_dataset(environ)
    assert dataset.path == tmp_path / "tpch" / "sf0.003"
    assert open_workload(str(dataset.path), Settings.from_environ(environ)).scale_factor == 0.003


@pytest.mark.more
def test_arms_are_measured_in_equal_numbers(ready: dict[str, str]) -> None:
    plan = replace(plans(ready)["polars"], stream_rounds=1)
    found = measure(plan, find_dataset(ready), {"commit": [], "anchor": []})
    assert list(found) == ["commit", "anchor"]
    for measured in found.values():
        assert measured.failures == {}
        for number in range(1, 23):
            assert len(measured.query(f"q{number:02d}")) == 2
        assert [len(measured.streams(count)) for count in (1, 2, 4)] == [1, 1, 1]
        assert measured.memory() > 50_000_000


@pytest.mark.more
def test_datafusion_runs_concurrent_streams_over_one_session(ready: dict[str, str]) -> None:
    once = {"NEURALAKE_ASV_ROUNDS": "1", "NEURALAKE_ASV_STREAM_ROUNDS": "1"}
    cache = measure_all(ready | {"NEURALAKE_ASV_ENGINES": "datafusion"} | once)
    measured = cache.arms["commit"]["datafusion"]
    assert measured.failures == {}
    assert [len(measured.query(f"q{number:02d}")) for number in range(1, 23)] == [1] * 22


@pytest.mark.more
@pytest.mark.parametrize("arms", [("commit",), ("commit", "anchor")])
def test_spark_runs_in_an_arm_and_in_both_at_once(
    ready: dict[str, str], arms: tuple[str, ...]
) -> None:
    environ = ready | {"NEURALAKE_ASV_ENGINES": "spark", "NEURALAKE_ASV_QUERIES": "6"}
    files = {"delta_reader": "snapshot-files"}  # how its tables are read is no matter here
    plan = replace(plans(environ)["spark"], rounds=1, options=files)
    found = measure(plan, find_dataset(ready), {arm: [] for arm in arms})
    assert tuple(found) == arms
    for measured in found.values():
        assert measured.failures == {}
        assert len(measured.query("q06")) == 1
        assert measured.memory() > 100_000_000


def test_a_wrong_answer_has_no_number(ready: dict[str, str], tmp_path: Path) -> None:
    dataset = own_answers(ready, tmp_path)
    falsify(dataset, "q06")
    plan = replace(plans(ready)["polars"], stream_rounds=1)
    measured = measure(plan, dataset, {"commit": []})["commit"]
    right = [f"q{number:02d}" for number in range(1, 23) if number != 6]
    assert [len(measured.query(query)) for query in right] == [2] * 21
    with pytest.raises(MeasurementError, match="q06: wrong answer"):
        measured.query("q06")
    with pytest.raises(MeasurementError, match="q06: wrong answer"):
        measured.streams(2)
    with pytest.raises(MeasurementError, match="wrong answer"):
        measured.memory()


def test_an_engine_that_cannot_start_has_no_numbers_and_the_other_arm_has(
    ready: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "neuralake").mkdir()
    (tmp_path / "neuralake" / "__init__.py").write_text("raise RuntimeError('broken')\n")
    plan = replace(plans(ready)["polars"], stream_rounds=0, queries=("q06",))
    found = measure(plan, find_dataset(ready), {"commit": [], "anchor": [str(tmp_path)]})
    assert len(found["commit"].query("q06")) == 2
    with pytest.raises(MeasurementError, match="process ended with status 1"):
        found["anchor"].query("q06")


def test_a_worker_with_another_neuralake_is_refused(ready: dict[str, str], tmp_path: Path) -> None:
    plan = replace(plans(ready)["polars"], stream_rounds=0, queries=("q06",))
    found = measure(plan, find_dataset(ready), {"anchor": [str(tmp_path)]})
    with pytest.raises(MeasurementError, match="the worker has the Neuralake of"):
        found["anchor"].query("q06")


def test_without_the_anchor_the_commit_still_has_numbers(ready: dict[str, str]) -> None:
    environ = ready | {
        "NEURALAKE_ANCHOR": "f" * 40,
        "NEURALAKE_ASV_QUERIES": "6",
    }
    cache = measure_all(environ)
    assert len(cache.arms["commit"]["polars"].query("q06")) == 2
    with pytest.raises(MeasurementError, match="NEURALAKE_ASV_ARMS=commit"):
        cache.arms["anchor"]["polars"].query("q06")


def test_an_answer_in_the_wrong_order_is_wrong(ready: dict[str, str]) -> None:
    dataset = find_dataset(ready)
    workload = open_workload(str(dataset.path), Settings.from_environ(os.environ))
    query = workload.queries[0]
    judge = Judge(dataset.answers, workload)
    with ipc.open_file(judge.path(query)) as reader:
        table = reader.read_all()
    judge.check(query, table)
    with pytest.raises(WrongAnswerError, match="ORDER BY"):
        judge.check(query, pa.concat_tables([table.slice(1), table.slice(0, 1)]))


def test_memory_is_not_known_before_it_is_measured() -> None:
    with pytest.raises(MeasurementError, match="not measured"):
        Measured().memory()


BACKEND = """
import zipfile

def build_wheel(directory, config_settings=None, metadata_directory=None):
    name = "neuralake-1.0-py3-none-any.whl"
    info = "neuralake-1.0.dist-info"
    with zipfile.ZipFile(f"{directory}/{name}", "w") as wheel:
        wheel.write("neuralake/__init__.py")
        metadata = "Metadata-Version: 2.1\\nName: neuralake\\nVersion: 1.0\\n"
        wheel.writestr(f"{info}/METADATA", metadata)
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\\nTag: py3-none-any\\n")
        wheel.writestr(f"{info}/RECORD", "")
    return name
"""


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with two commits of something that builds without an index."""
    root = tmp_path / "repository"
    (root / "neuralake").mkdir(parents=True)
    (root / "backend.py").write_text(BACKEND)
    (root / "pyproject.toml").write_text(
        '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
    )
    git(root, "init", "--quiet")
    for number in (1, 2):
        (root / "neuralake" / "__init__.py").write_text(f"NUMBER = {number}\n")
        git(root, "add", ".")
        git(root, "commit", "--quiet", "--message", str(number))
        git(root, "tag", f"v{number}")
    return root


def git(root: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
    subprocess.run(["git", "-C", root, *identity, *arguments], check=True)


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> str:
    """An interpreter that has pip."""
    if find_spec("pip"):
        return sys.executable
    directory = tmp_path_factory.mktemp("python")
    subprocess.run([sys.executable, "-m", "venv", directory], check=True)
    return str(directory / "bin" / "python")


def test_the_anchor_is_its_commit_and_is_built_once(repository: Path, python: str) -> None:
    directory = ready_anchor("v1", repository, python)
    package = directory / "neuralake" / "__init__.py"
    assert package.read_text() == "NUMBER = 1\n"
    assert (directory / "neuralake-1.0.dist-info").is_dir()
    built = package.stat().st_mtime_ns
    assert ready_anchor("v1", repository, python) == directory
    assert package.stat().st_mtime_ns == built
    assert [path.name for path in directory.parent.iterdir()] == [directory.name]


def test_an_anchor_that_is_not_there_is_named(repository: Path) -> None:
    with pytest.raises(AnchorError, match=r"find v9\^\{commit\}.*fetch it"):
        ready_anchor("v9", repository)


def test_an_anchor_that_cannot_be_built_leaves_nothing(repository: Path, python: str) -> None:
    (repository / "pyproject.toml").write_text("rubbish")
    git(repository, "commit", "--all", "--quiet", "--message", "broken")
    with pytest.raises(AnchorError, match="cannot build"):
        ready_anchor("HEAD", repository, python)
    assert list((repository / ".asv" / "anchors").iterdir()) == []
