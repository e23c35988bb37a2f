"""Delta's jars: fetched once, checked always, refused when they are not what was published."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from neuralake.engines.spark import SparkEngine, SparkOptions
from neuralake.engines.spark.jars import DELTA_JARS, delta_jars
from neuralake.errors import ConfigError, EngineError
from neuralake.java.jars import REPOSITORY_VARIABLE
from tests.more import few

UNREACHABLE = "http://127.0.0.1:9"
DELTA_ONLY = SparkOptions(delta_reader="delta")


@pytest.fixture(scope="module")
def fetched() -> list[Path]:
    """The jars as the public repository has them, in this user's cache."""
    return delta_jars(os.environ)


@pytest.fixture
def mirror(tmp_path: Path, fetched: list[Path]) -> Path:
    """A company's mirror."""
    root = tmp_path / "mirror & co"
    for jar, path in zip(DELTA_JARS, fetched, strict=True):
        place = root / jar.organisation.replace(".", "/") / jar.name / jar.revision
        place.mkdir(parents=True)
        shutil.copy(path, place / jar.file_name)
    return root


@pytest.fixture
def environ(tmp_path: Path, mirror: Path) -> dict[str, str]:
    """An empty cache, and the mirror."""
    return {
        **os.environ,
        "NEURALAKE_CACHE_ROOT": str(tmp_path / "cache"),
        REPOSITORY_VARIABLE: mirror.as_uri().replace("%20", " "),
    }


@pytest.fixture
def cached(environ: dict[str, str], fetched: list[Path]) -> list[Path]:
    """The jars in that cache: each time that they are fetched is a process of Java's."""
    directory = Path(environ["NEURALAKE_CACHE_ROOT"], "jars", fetched[0].parent.name)
    directory.mkdir(parents=True)
    return [Path(shutil.copy(path, directory)) for path in fetched]


def test_they_are_few(fetched: list[Path]) -> None:
    assert [path.name for path in fetched] == [
        "delta-spark_4.2_2.13-4.4.0.jar",
        "delta-storage-4.4.0.jar",
    ]
    assert sum(path.stat().st_size for path in fetched) < 10e6


def test_a_mirror_replaces_the_public_repository(environ: dict[str, str], tmp_path: Path) -> None:
    jars = delta_jars(environ)
    assert [jar.parent for jar in jars] == [tmp_path / "cache/jars/delta-4.4.0"] * 2
    assert sorted(jars[0].parent.iterdir()) == sorted(jars)


def test_what_is_there_is_not_fetched_again(environ: dict[str, str], cached: list[Path]) -> None:
    before = [jar.stat() for jar in cached]
    assert delta_jars({**environ, REPOSITORY_VARIABLE: UNREACHABLE}) == cached
    assert [jar.stat().st_ino for jar in cached] == [stat.st_ino for stat in before]


@pytest.mark.parametrize("damage", few(["absent", "empty", "flipped"], "flipped"))
def test_a_damaged_jar_is_replaced(
    environ: dict[str, str], cached: list[Path], damage: str
) -> None:
    jar, other = cached
    whole, untouched = jar.read_bytes(), other.stat().st_ino
    if damage == "absent":
        jar.unlink()
    else:
        jar.write_bytes(b"" if damage == "empty" else whole[:-1] + b"?")
    assert delta_jars(environ)[0].read_bytes() == whole
    assert other.stat().st_ino == untouched


def test_a_jar_that_was_not_published_is_refused(
    environ: dict[str, str], mirror: Path, tmp_path: Path
) -> None:
    [jar] = mirror.rglob("delta-storage*.jar")
    jar.write_bytes(b"PK")
    with pytest.raises(EngineError, match=r"delta-storage:4\.4\.0 .* not the jar .* \(sha256\)"):
        delta_jars(environ)
    assert not list((tmp_path / "cache").rglob("*.jar"))


def test_a_mirror_that_lacks_a_jar(environ: dict[str, str], mirror: Path) -> None:
    shutil.rmtree(mirror / "io/delta/delta-storage")
    with pytest.raises(EngineError, match=r"fetched from Maven: module not found: io\.delta#delta"):
        delta_jars(environ)


def test_unreachable(
    environ: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("NEURALAKE_CACHE_ROOT", environ["NEURALAKE_CACHE_ROOT"])
    monkeypatch.setenv(REPOSITORY_VARIABLE, "http://user:hunter2@127.0.0.1:9/maven2")
    with pytest.raises(EngineError, match="Connection refused") as caught:
        SparkEngine.prepare(DELTA_ONLY)
    assert "hunter2" not in str(caught.value)
    assert "\n" not in str(caught.value)
    SparkEngine.prepare(SparkOptions(delta_reader="auto"))
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("neuralake: spark: io.delta:delta-spark_4.2_2.13:4.4.0 could not be")
    assert line.endswith("reading the files of Delta snapshots as plain Parquet instead")
    SparkEngine.prepare(SparkOptions(delta_reader="snapshot-files"))
    assert capsys.readouterr().err == ""


def test_a_repository_that_is_no_url(environ: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match=f"{REPOSITORY_VARIABLE} is no URL"):
        delta_jars({**environ, REPOSITORY_VARIABLE: "maven.example.org"})


def test_a_cache_that_cannot_be_written(environ: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EngineError, match="set NEURALAKE_CACHE_ROOT"):
        delta_jars({**environ, "NEURALAKE_CACHE_ROOT": str(tmp_path / "file")})


def test_another_spark_than_the_jars_are_built_for(
    environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("neuralake.engines.spark.jars.version", lambda package: "4.3.0")
    with pytest.raises(EngineError, match=r"built for Spark 4\.2, and pyspark 4\.3\.0"):
        delta_jars(environ)
