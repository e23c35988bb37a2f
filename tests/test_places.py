"""Where people start Neuralake: any directory, any session, any variables that are set there."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from neuralake.results.store import RunStore
from tests.conftest import Cli, cli_environment
from tests.measure.groups import NO_GROUPS, limited_groups

COMMAND = Path(sys.executable).with_name("neuralake")
CATALOG = """
import pyarrow as pa
from neuralake.catalog import table

@table
def numbers() -> pa.Table:
    return pa.table({"n": [1, 2, 3]})
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A directory with queries, a catalog, and files whose names others' modules have as well."""
    place = tmp_path / "place"
    (place / "queries").mkdir(parents=True)
    (place / "queries" / "total.sql").write_text("-- Total\nSELECT sum(n) AS n FROM numbers\n")
    (place / "my_tables.py").write_text(CATALOG)
    (place / "neuralake").mkdir()
    for name in ("secrets.py", "polars.py", "json.py", "neuralake/__init__.py"):
        (place / name).write_text("raise SystemExit('imported from the working directory')\n")
    return place


def run(place: Path, storage: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [COMMAND, *arguments],
        cwd=place,
        env=cli_environment(storage, place.parent),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_files_beside_one_hide_no_module_and_a_catalog_there_is_found_by_its_name(
    place: Path, storage: Path
) -> None:
    done = run(
        place,
        storage,
        *("bench", "--workload", "queries", "--catalog", "my_tables"),
        *("--engines", "polars", "--runs", "1"),
    )
    assert done.returncode == 0, done.stderr
    assert "queries: median of 1 hot run, ms" in done.stdout


# Hang-ups


HANG_UP = ["bench", "-s", "0.003", "--engines", "duckdb", "--queries", "1", "--runs", "100000"]


def a_bench(directory: Path, storage: Path, *, nohup: bool) -> subprocess.Popen[bytes]:
    """A bench that has begun, started from a shell with or without nohup."""
    process = subprocess.Popen(
        [*(("nohup",) if nohup else ()), COMMAND, *HANG_UP],
        cwd=directory,
        env=cli_environment(storage, directory),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        # These tests may themselves run under nohup
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL),  # noqa: PLW1509
    )
    for _ in range(1200):
        journals = list((directory / "results").glob("runs/*/journal.jsonl"))
        if journals and journals[0].read_bytes().count(b'"phase":"hot"') > 2:
            return process
        time.sleep(0.05)
    process.kill()
    raise AssertionError("the bench takes no samples")


def samples(directory: Path) -> int:
    (journal,) = (directory / "results").glob("runs/*/journal.jsonl")
    return journal.read_bytes().count(b'"phase":"hot"')


@pytest.mark.more  # by day what is ignored stays so
def test_a_bench_under_nohup_goes_on_after_a_hang_up(storage: Path, tmp_path: Path) -> None:
    bench = a_bench(tmp_path, storage, nohup=True)
    try:
        bench.send_signal(signal.SIGHUP)
        before = samples(tmp_path)
        deadline = time.monotonic() + 300
        while samples(tmp_path) < before + 20:
            assert bench.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
    finally:
        bench.send_signal(signal.SIGINT)
        assert bench.wait(300) == 130


@pytest.mark.more  # by day it is heard as Ctrl-C is, which ends one in test_cli.py
def test_a_hang_up_ends_a_bench_that_did_not_ask_for_that(storage: Path, tmp_path: Path) -> None:
    bench = a_bench(tmp_path, storage, nohup=False)
    bench.send_signal(signal.SIGHUP)
    try:
        assert bench.wait(300) == 130
    finally:
        bench.kill()
    (run,) = RunStore(tmp_path / "results").overview()
    assert run.state == "interrupted"


HEARD = """
import signal
import pyarrow as pa
from neuralake.catalog import table

@table
def heard() -> pa.Table:
    handler = signal.getsignal(signal.SIGHUP)
    names = {signal.SIG_IGN: "nobody", signal.default_int_handler: "Ctrl-C"}
    return pa.table({"by": [names.get(handler, "something else")]})
"""


@pytest.mark.parametrize(
    ("before", "by"), [(signal.SIG_DFL, "Ctrl-C"), (signal.SIG_IGN, "nobody")], ids=["", "nohup"]
)
def test_a_hang_up_is_heard_as_ctrl_c_unless_it_is_ignored_where_a_command_starts(
    typed: Cli, tmp_path: Path, before: signal.Handlers, by: str
) -> None:
    (tmp_path / "heard.py").write_text(HEARD)
    options = ("--catalog", "heard.py", "--engine", "duckdb", "--format", "json")
    outside = signal.signal(signal.SIGHUP, before)
    try:
        done = typed("query", "SELECT * FROM heard", *options)
    finally:
        signal.signal(signal.SIGHUP, outside)
    assert json.loads(done.stdout) == [{"by": by}], done.stderr


# Containers


@pytest.mark.more  # by day a process that is throttled, and what a report says of it
def test_a_bench_in_a_container_tells_its_share_and_that_it_was_throttled(
    storage: Path, tmp_path: Path
) -> None:
    options = ("-s", "0.01", "--engines", "polars", "--queries", "1,9,18", "--runs", "1")
    with limited_groups(0.2, 2 * 2**30) as entered:
        if entered is None:
            pytest.skip(NO_GROUPS)
        enter = "".join(f"echo 0 > {group}/cgroup.procs; " for group in entered)
        done = subprocess.run(
            # before others on a busy machine, so that it is the quota that stops it
            ["sh", "-c", f'{enter}exec nice -n -10 "$0" "$@"', COMMAND, "bench", *options],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env=cli_environment(storage, tmp_path),
            timeout=600,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    assert "throttled: the control group's quota of 0.2 processors stopped" in " ".join(
        done.stdout.split()
    )
    store = RunStore(tmp_path / "results")
    (name,) = store.ids()
    run = store.load(name)
    machine = run.header.fingerprint
    assert (machine.cores, machine.cpu_quota, machine.memory_limit_bytes) == (1, 0.2, 2 * 2**30)
    assert {engine.settings["threads"] for engine in run.engines} == {1}
    assert all(sample.throttled_ns is not None for sample in run.samples)
    assert sum(sample.throttled_periods or 0 for sample in run.samples) > 0


# Variables


COMMANDS = [
    *(["engines"], ["results", "list"], ["results", "show", "x"], ["results", "export", "x"]),
    *(["report"], ["history"], ["catalog", "list"], ["catalog", "show", "lineitem"]),
    *(["query", "SELECT 1"], ["bench"], ["generate", "-s", "0.01"], ["calibrate"]),
    ["compare", "HEAD", "HEAD"],
]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_checks_which_environment_it_is_in(typed: Cli, command: list[str]) -> None:
    done = typed(*command, environment={"NEURALAKE_ENV": "staging"})
    assert done.returncode == 2
    assert done.stderr == ("neuralake: NEURALAKE_ENV is 'staging': expected local or production\n")
    assert done.stdout == ""


def test_help_is_given_in_every_environment(typed: Cli) -> None:
    for command in (["--help"], ["bench", "--help"], ["results", "list", "--help"]):
        done = typed(*command, environment={"NEURALAKE_ENV": "staging"})
        assert done.returncode == 0
        assert "Usage" in done.stdout


@pytest.mark.parametrize(
    ("variables", "coloured"),
    [
        ({}, False),
        ({"FORCE_COLOR": "1"}, True),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
        ({"TTY_COMPATIBLE": "1", "NO_COLOR": "yes"}, False),
        ({"FORCE_COLOR": "1", "NO_COLOR": ""}, True),
    ],
)
def test_no_color_goes_before_what_forces_colour(
    typed: Cli, variables: dict[str, str], coloured: bool
) -> None:
    done = typed("engines", environment={"TERM": "xterm-256color", **variables})
    assert ("\x1b[" in done.stdout) is coloured


def test_a_tilde_in_an_option_is_the_home_directory(typed: Cli, tmp_path: Path) -> None:
    home = tmp_path / "ada"
    done = typed("catalog", "list", "--json", "--dataset=~/lake", environment={"HOME": str(home)})
    assert done.returncode == 0
    assert f'"{home}/lake/lineitem"' in done.stdout


def test_a_lock_that_cannot_be_used_is_bad_input(typed: Cli, tmp_path: Path) -> None:
    lock = str(tmp_path / "nowhere" / "lock")
    options = ("--engines", "duckdb", "--queries", "6", "--runs", "1")
    done = typed("bench", "-s", "0.003", *options, environment={"NEURALAKE_LOCK_FILE": lock})
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "NEURALAKE_LOCK_FILE" in done.stderr
    assert list((tmp_path / "tmp").iterdir()) == []
