"""Variables that change how fast engines are: which, and what of them is shown."""

from __future__ import annotations

import subprocess
import sys

import pytest

from neuralake.results.environment import HIDDEN, speed_variables


@pytest.mark.parametrize(
    "name",
    [
        *("POLARS_MAX_THREADS", "RAYON_NUM_THREADS", "TOKIO_WORKER_THREADS", "OMP_NUM_THREADS"),
        *("DATAFUSION_EXECUTION_BATCH_SIZE", "LD_PRELOAD", "LD_LIBRARY_PATH", "GLIBC_TUNABLES"),
        *("MALLOC_ARENA_MAX", "_RJEM_MALLOC_CONF", "MIMALLOC_ARENA_EAGER_COMMIT", "PYTHONMALLOC"),
        *("ARROW_DEFAULT_MEMORY_POOL", "_JAVA_OPTIONS", "JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS"),
    ],
)
def test_what_changes_speed_is_recorded(name: str) -> None:
    assert speed_variables({name: "2", "HOME": "/home/ada"}) == {name: "2"}


@pytest.mark.parametrize(
    "name", ["PATH", "HOME", "AWS_SECRET_ACCESS_KEY", "PYTHONIOENCODING", "RUST_BACKTRACE", "TERM"]
)
def test_what_does_not_is_none_of_our_business(name: str) -> None:
    assert speed_variables({name: "1"}) == {}


def test_secrets_are_never_recorded() -> None:
    environ = {
        "POLARS_CLOUD_TOKEN": "hunter2",
        "_JAVA_OPTIONS": "-Djavax.net.ssl.keyStorePassword=hunter2",
        "DELTA_PROXY": "http://ada:hunter2@proxy:8080",
        "OBJECT_STORE_API_KEY": "hunter2",
    }
    found = speed_variables(environ)
    assert "hunter2" not in str(found)
    assert found["POLARS_CLOUD_TOKEN"] == HIDDEN
    assert found["DELTA_PROXY"] == "http://***@proxy:8080"


def test_they_come_in_the_order_of_their_names() -> None:
    environ = {"RAYON_NUM_THREADS": "1", "LD_PRELOAD": "/x.so", "POLARS_VERBOSE": "1"}
    assert list(speed_variables(environ)) == sorted(environ)


def test_what_polars_sets_when_it_is_imported_is_nobody_s_setting() -> None:
    """A run begins, and goes on, before or after the catalog has imported it."""
    script = (
        "import os, neuralake.results.environment as e; before = e.speed_variables(os.environ);"
        "import polars; print(e.speed_variables(os.environ) == before, len(before))"
    )
    for given in ({}, {"_RJEM_MALLOC_CONF": "narenas:1"}):
        done = subprocess.run(
            [sys.executable, "-c", script],
            env=given,
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout == f"True {len(given)}\n"
