"""How a command ends: exit status, and one line on standard error where it did not go well."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from itertools import product
from pathlib import Path

import deltalake
import pyarrow as pa
import pytest

from neuralake.report import listings
from tests.conftest import Cli, cli_environment
from tests.more import few

SMALL = ("-s", "0.01")
FULL = Path("/dev/full")
ENDLESS = {
    "polars": "SELECT SUM(a.l_tax) AS s FROM lineitem a CROSS JOIN lineitem b CROSS JOIN nation c",
    "datafusion": "SELECT COUNT(*) FROM lineitem a JOIN lineitem b ON a.l_tax < b.l_tax + 1",
    # one operator holds DuckDB's main thread until it is through
    "duckdb": "SELECT SUM(a.l_orderkey * b.l_orderkey) FROM lineitem a, lineitem b, nation c",
}


def start(storage: Path, directory: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "neuralake", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=cli_environment(storage, directory),
        cwd=directory,
    )


def test_a_fault_of_ours_has_a_status_of_its_own_and_says_so(
    storage: Path, tmp_path: Path, typed: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = (
        "import sys, neuralake.report.listings as listings\n"
        "from neuralake.cli import main\n"
        "listings.print_engines = None\n"
        "main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", broken, "engines"],
        capture_output=True,
        text=True,
        env=cli_environment(storage, tmp_path),
        check=False,
    )
    assert (done.returncode, done.stdout) == (70, "")
    assert done.stderr == (
        "neuralake: this is a fault of Neuralake's, not yours: TypeError: 'NoneType' object is not "
        "callable; please report it with the trace that neuralake --debug prints\n"
    )
    monkeypatch.setattr(listings, "print_engines", None)
    for arguments in (("--debug", "engines"), ("engines", "--debug")):
        shown = typed(*arguments)
        assert shown.returncode == 70
        assert shown.stderr.startswith("Traceback")
        assert shown.stderr.endswith(done.stderr)


def test_debug_does_not_change_the_status(cli: Cli) -> None:
    done = cli("results", "show", "nothing", "--debug")
    assert done.returncode == 2
    assert "Traceback" in done.stderr
    assert done.stderr.splitlines()[-1].startswith("neuralake: no run 'nothing'")


def test_help_needs_no_docstrings(cli: Cli, typed: Cli) -> None:
    for arguments in ((), ("catalog", "show")):
        done = cli(*arguments, "--help", environment={"PYTHONOPTIMIZE": "2"})
        assert done.stdout == typed(*arguments, "--help").stdout


def test_without_arguments_the_help_is_shown(typed: Cli) -> None:
    for arguments in ((), ("results",), ("catalog",)):
        done = typed(*arguments)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith("Usage: neuralake")
        assert done.stderr == typed(*arguments, "--help").stdout


@pytest.mark.parametrize(
    "command",
    few(
        [
            "--help",
            "engines",
            "engines --json",
            "catalog list",
            "results list",
            "query --tpch 6 -s 0.01",
            "query --tpch 6 -s 0.01 --format csv",
            "query --tpch 6 -s 0.01 --format parquet",
        ],
        "--help",
        "query --tpch 6 -s 0.01 --format csv",
    ),
)
def test_a_full_device_is_one_line(storage: Path, tmp_path: Path, command: str) -> None:
    with FULL.open("w") as sink:
        done = subprocess.run(
            [sys.executable, "-m", "neuralake", *command.split()],
            stdout=sink,
            stderr=subprocess.PIPE,
            text=True,
            env=cli_environment(storage, tmp_path),
            check=False,
        )
    assert done.returncode == 2
    assert done.stderr == "neuralake: reading or writing failed: No space left on device\n"


@pytest.mark.parametrize(
    "command",
    few(
        [
            "--help",
            "engines",
            "catalog list --json",
            "query --tpch 6 -s 0.01",
            "query --tpch 6 -s 0.01 --format csv",
            "query --tpch 6 -s 0.01 --format json",
        ],
        "--help",
        "query --tpch 6 -s 0.01 --format csv",
    ),
)
def test_a_reader_that_has_enough_ends_it_in_silence(
    storage: Path, tmp_path: Path, command: str
) -> None:
    """It is gone before anything is written."""
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-m", "neuralake", *command.split()],
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
        env=cli_environment(storage, tmp_path),
        check=False,
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (128 + signal.SIGPIPE, "")


def test_nobody_reading_the_errors_changes_no_status(storage: Path, tmp_path: Path) -> None:
    with start(storage, tmp_path, "results", "show", "nothing") as process:
        assert process.stderr is not None
        process.stderr.close()
    assert process.returncode == 2


@pytest.mark.parametrize("option", few([">&-", "2>&-"]))
def test_a_closed_stream_is_nobody_listening(storage: Path, tmp_path: Path, option: str) -> None:
    command = f"exec {sys.executable} -m neuralake query --tpch 6 -s 0.01 --format csv {option}"
    environment = cli_environment(storage, tmp_path)
    done = subprocess.run(command, shell=True, env=environment, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_dataset_is_made_where_every_stream_is_closed(tmp_path: Path) -> None:
    target = tmp_path / "sf"
    command = f"{sys.executable} -m neuralake generate -s 0.001 --to {target} <&- >&- 2>&-"
    environment = cli_environment(tmp_path, tmp_path)
    done = subprocess.run(command, shell=True, env=environment, check=False)
    assert (done.returncode, (target / "lineitem").is_dir()) == (0, True)


@pytest.mark.parametrize(
    ("engine", "number"),
    few(
        product(ENDLESS, (signal.SIGINT, signal.SIGTERM)),
        ("duckdb", signal.SIGINT),
    ),
)
def test_a_query_is_interrupted_at_once(
    storage: Path, tmp_path: Path, engine: str, number: signal.Signals
) -> None:
    process = start(storage, tmp_path, "query", ENDLESS[engine], *SMALL, "--engine", engine)
    wait_until_busy(process.pid)
    process.send_signal(number)
    output, errors = process.communicate(timeout=300)
    assert (process.returncode, output, errors) == (130, "", "neuralake: interrupted\n")


def wait_until_busy(pid: int) -> None:
    """Until a process computes in its own threads beside the main one, which only waits."""
    ticks = os.sysconf("SC_CLK_TCK") / 4
    for _ in range(1200):
        for stat in Path(f"/proc/{pid}/task").glob("*/stat"):
            fields = stat.read_text().rpartition(")")[2].split()
            if int(stat.parent.name) != pid and int(fields[11]) > ticks:
                return
        time.sleep(0.05)
    raise AssertionError("the query does not run")


def test_nothing_is_cut_from_the_message_of_an_exit_in_foreign_code(
    cli: Cli, tmp_path: Path
) -> None:
    (tmp_path / "lake.py").write_text("import sys\nsys.exit('no access to the lake')\n")
    done = cli("query", "SELECT 1", "--catalog", "lake.py")
    assert done.returncode == 2
    assert re.fullmatch(
        r"neuralake: catalog lake.py, line 2: SystemExit: no access to the lake\n", done.stderr
    )


BUSY = """
import threading
import deltalake
from neuralake.catalog import DeltaTable
rows = DeltaTable(name="rows", location="{place}")
def read():
    while True:
        deltalake.DeltaTable("{place}")
for _ in range(4):
    threading.Thread(target=read, daemon=True).start()
"""


@pytest.mark.parametrize(("catalog", "status"), [("busy.py", 0), ("none.py", 2)])
def test_threads_within_a_library_do_not_end_it_by_a_signal(
    cli: Cli, tmp_path: Path, catalog: str, status: int
) -> None:
    place = tmp_path / "rows"
    deltalake.write_deltalake(place, pa.table({"a": [1]}))
    (tmp_path / "busy.py").write_text(BUSY.format(place=place))
    (tmp_path / "none.py").write_text(BUSY.format(place=place) + "raise SystemExit(0)")
    done = cli("catalog", "list", "--catalog", catalog)
    assert done.returncode == status
    assert ("busy.rows" in done.stdout) == (status == 0)
    assert done.stderr.count("\n") == (status != 0)
