"""A catalog is its user's code: whatever it does as it is imported, a command answers or refuses.

An answer has nothing of it on standard output, a refusal is one line, and Ctrl-C ends at once.
"""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable
from itertools import product
from pathlib import Path

import pytest

from tests.conftest import Cli, cli_environment
from tests.more import few

PLAN = Path(__file__).parents[2] / "examples/life/plan.toml"
TABLES = """
import pyarrow as pa
from neuralake.catalog import DeltaTable, table
@table
def good():
    print("noise")
    return pa.table({"a": [1]})
rows = DeltaTable(name="rows", location="rows")
"""
PRINTS = """
import ctypes, logging, os, subprocess, sys
print("noise")
sys.__stdout__.write("noise\\n")
os.write(1, b"noise\\n")
subprocess.run(["echo", "noise"])
ctypes.CDLL(None).printf(b"noise\\n")
logging.basicConfig(level=0, stream=sys.stdout)
"""
# What each does beside its purpose, after which it is a catalog like any other.
BEARABLE = {
    "prints": PRINTS,
    "closes the streams": "import sys\nfor s in (sys.stdin, sys.stdout, sys.stderr): s.close()",
    "closes their descriptors": "import os\nfor number in range(3): os.close(number)",
    "puts others in their place": "import io, sys\nsys.stdin = sys.stdout = sys.stderr = None",
    "goes elsewhere": "import os\nos.chdir('/')",
    "ignores signals": "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)",
    "leaves a process": "import os\nos.posix_spawn('/bin/sleep', ['sleep', '1'], {})",
    "defines everything": "def __getattr__(name):\n    return name",
}
UNBEARABLE = {
    "raise KeyError('k')": "line 10: KeyError: 'k'",
    "class Stop(BaseException): pass\nraise Stop('no')": "line 11: Stop: no",
    "import sys\nsys.exit(0)": "line 11: SystemExit: 0",
    "exit()": "line 10: ",
    "input()": "line 10: EOFError: EOF when reading a line: a catalog's code has no standard input",
    "def again(): again()\nagain()": "line 10: RecursionError: maximum recursion depth exceeded",
    "import hostile_too": "line 10: ImportError: cannot import name 'absent' from 'hostile'",
    "import hostile\nhostile.absent": "line 11: AttributeError: ",
    "def __getattr__(name): raise ValueError(name)": "line 10: ValueError: catalog",
    "import asyncio\nraise asyncio.CancelledError": "line 11: CancelledError",
    "raise MemoryError": "line 10: MemoryError",
    "raise ValueError('\\x1b[31mred\\r\\n' * 99)": "line 10: ValueError: red",
    "class Bad(Exception):\n    def __str__(self): raise ValueError\nraise Bad": "line 12: Bad",
}
COMMANDS = [
    "catalog list --json",
    "catalog show good --json",
    "catalog show hostile.good",
    "catalog check --json",
    "catalog export json",
    "catalog site --to site",
    "query 'SELECT * FROM good'",
    "query 'SELECT * FROM good' --explain",
    "bench --workload queries --engines polars",
    "writer rows --from stdin:ndjson",
    "writer compact rows --once",
    "serve --listen 127.0.0.1:0",
    "pipeline rows --from kafka://127.0.0.1:1/topic",
    f"lifecycle --workload queries --plan {PLAN}",
    "shell",
]


@pytest.fixture
def hostile(tmp_path: Path) -> Callable[[str], Path]:
    """Write a catalog that begins with the tables and goes on with what it is given."""

    def write(code: str) -> Path:
        path = tmp_path / "hostile.py"
        path.write_text(f"{TABLES}\n{code}\n")
        (tmp_path / "hostile_too.py").write_text("from hostile import absent\n")
        (tmp_path / "queries").mkdir()
        (tmp_path / "queries/one.sql").write_text("SELECT * FROM good")
        return path

    return write


@pytest.mark.parametrize("code", BEARABLE.values(), ids=BEARABLE)
def test_what_a_module_does_beside_its_purpose_is_undone(
    hostile: Callable[[str], Path], typed: Cli, tmp_path: Path, code: str
) -> None:
    hostile(code)
    before = Path.cwd()
    asked = ("query", "SELECT * FROM good", "--catalog", "hostile.py", "--format", "csv")
    answered = typed(*asked, "--to", "answer.csv")
    assert (answered.returncode, answered.stdout) == (0, "")
    assert (tmp_path / "answer.csv").read_text() == '"a"\n1\n'
    assert typed(*asked).stdout == '"a"\n1\n'
    assert Path.cwd() == before


@pytest.mark.parametrize("code", UNBEARABLE, ids=UNBEARABLE.values())
@pytest.mark.parametrize("source", few(["hostile.py", "hostile"]))
def test_what_no_catalog_comes_of_is_refused_in_one_line(
    hostile: Callable[[str], Path], typed: Cli, code: str, source: str
) -> None:
    if "import hostile" in code and source == "hostile":
        code = code.replace("hostile_too", "hostile_too, hostile_too.absent")
    hostile(code)
    done = typed("catalog", "list", "--json", "--catalog", source)
    (line,) = done.stderr.splitlines()
    assert (done.returncode, done.stdout) == (2, "")
    assert line.startswith(f"neuralake: catalog {source}, line ")
    assert line.isprintable()
    assert len(line) < 500
    if source == "hostile.py":
        assert UNBEARABLE[code] in line


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_refuses_what_no_catalog_comes_of(
    hostile: Callable[[str], Path], typed: Cli, tmp_path: Path, command: str
) -> None:
    hostile("print('noise')\nraise SystemExit('enough')")
    (tmp_path / "tmp").mkdir()
    before = sorted(tmp_path.rglob("*"))
    done = typed(
        *shlex.split(command),
        "--catalog",
        "hostile.py",
        environment={"PYTHONDONTWRITEBYTECODE": "1"},
    )
    assert (done.returncode, done.stdout) == (2, "")
    noise, line = done.stderr.splitlines()
    assert noise == "noise"
    assert line == "neuralake: catalog hostile.py, line 11: SystemExit: enough"
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("command", COMMANDS[:2])
def test_json_is_json_whatever_a_module_prints(
    hostile: Callable[[str], Path], typed: Cli, command: str
) -> None:
    hostile(PRINTS)
    done = typed(*shlex.split(command), "--catalog", "hostile.py")
    assert done.returncode == 0
    assert "noise" in done.stderr
    assert "good" in json.dumps(json.loads(done.stdout))


def test_threads_and_processes_that_a_module_leaves_neither_print_nor_hold_the_command(
    hostile: Callable[[str], Path], cli: Cli, tmp_path: Path
) -> None:
    hostile(
        "import os, threading, time\n"
        "def talk():\n"
        "    while True:\n"
        "        print('noise')\n"
        "        time.sleep(0.001)\n"
        "threading.Thread(target=talk).start()\n"
        "os.fork()\n"
    )
    asked = ("query", "SELECT * FROM good", "--catalog", "hostile.py", "--format", "json")
    done = cli(*asked)
    assert (done.returncode, json.loads(done.stdout)) == (0, [{"a": 1}])
    assert "noise\n" in done.stderr
    (tmp_path / "hostile.py").write_text(TABLES + PRINTS + "raise SystemExit")
    refused = cli(*asked)
    assert (refused.returncode, refused.stdout) == (2, "")


def test_rows_on_standard_input_are_the_commands_own(
    hostile: Callable[[str], Path], tmp_path: Path
) -> None:
    hostile("import sys\nprint('read:', sys.stdin.read(), sys.stdin.readline())" + PRINTS)
    done = subprocess.run(
        [
            *(sys.executable, "-m", "neuralake", "writer", "rows", "--from", "stdin:ndjson"),
            *("--catalog", "hostile.py", "--create", "--json"),
        ],
        input='{"a": 1}\n{"a": 2}\n',
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=cli_environment(tmp_path / "data", tmp_path),
        timeout=120,
        check=False,
    )
    assert "read:  \n" in done.stderr
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode in (0, 2), done.stderr
    assert all(isinstance(event, dict) for event in told)


LONG = {
    "sleeps": "import time\ntime.sleep(600)",
    "takes no interruption": (
        "import time\nwhile True:\n    try: time.sleep(600)\n    except BaseException: pass"
    ),
    "waits for nothing": "import threading\nthreading.Event().wait()",
}


@pytest.mark.parametrize(
    ("name", "number"),
    few(
        product(LONG, (signal.SIGINT, signal.SIGTERM)),
        ("takes no interruption", signal.SIGINT),
        ("waits for nothing", signal.SIGTERM),
    ),
)
def test_a_module_that_takes_long_is_told_of_and_can_be_left(
    hostile: Callable[[str], Path], tmp_path: Path, name: str, number: signal.Signals
) -> None:
    hostile(LONG[name])
    with subprocess.Popen(
        [sys.executable, "-m", "neuralake", "query", "SELECT 1", "--catalog", "hostile.py"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        env=cli_environment(tmp_path / "data", tmp_path),
    ) as process:
        assert process.stderr is not None
        said = process.stderr.readline()
        process.send_signal(number)
        printed, rest = process.communicate(timeout=120)
    assert said == (
        "neuralake: waiting for the code of catalog hostile.py, which runs; Ctrl-C ends it\n"
    )
    assert (process.returncode, printed, rest) == (130, "", "neuralake: interrupted\n")


def test_a_function_may_do_what_a_module_may(
    hostile: Callable[[str], Path], typed: Cli, tmp_path: Path
) -> None:
    deeds = "\n".join(BEARABLE[name] for name in ("goes elsewhere", "closes the streams"))
    body = "".join(f"    {line}\n" for line in (PRINTS + deeds).splitlines())
    (tmp_path / "lake.py").write_text(
        f"{TABLES}\n@table\ndef odd():\n{body}    return good.arrow()\n"
    )
    for command in (
        "query 'SELECT * FROM odd' --format json",
        "query 'SELECT * FROM odd' --engine duckdb --format json",
        "catalog show odd --json",
    ):
        done = typed(*shlex.split(command), "--catalog", "lake.py")
        assert done.returncode == 0, done.stderr
        json.loads(done.stdout)
        assert "noise" in done.stderr
    (tmp_path / "lake.py").write_text(
        TABLES + "\n@table\ndef odd():\n    class Stop(BaseException): pass\n    raise Stop('no')\n"
    )
    refused = typed("query", "SELECT * FROM odd", "--catalog", "lake.py")
    assert refused.returncode == 2
    assert "table odd: its function failed with Stop: no" in refused.stderr


def test_a_program_that_opens_a_catalog_keeps_its_directory_and_descriptors(
    hostile: Callable[[str], Path], tmp_path: Path
) -> None:
    path = hostile("\n".join(BEARABLE[n] for n in ("goes elsewhere", "closes their descriptors")))
    program = (
        "import os, sys\n"
        "from neuralake import open_catalog\n"
        "open_catalog(sys.argv[1])\n"
        "assert os.getcwd() == sys.argv[2]\n"
        "assert [os.readlink(f'/proc/self/fd/{n}') for n in range(3)] == [os.devnull] * 3\n"
        "open('done', 'w').close()\n"
    )
    subprocess.run(
        [sys.executable, "-c", program, str(path), str(tmp_path)],
        cwd=tmp_path,
        env={**os.environ, "NEURALAKE_STORAGE_ROOT": str(tmp_path)},
        check=True,
        timeout=120,
    )
    assert (tmp_path / "done").is_file()
