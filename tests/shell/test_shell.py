"""`neuralake shell` in a real terminal: what is at hand, completed, and told."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Cli, cli_environment

CATALOG = """
import pyarrow as pa

from neuralake.catalog import Column, table


@table(columns=(Column("day", pa.int64()), Column("weekday", pa.string())))
def calendar():
    "A day a row."
    return pa.table({"day": [1, 2], "weekday": ["Monday", "Tuesday"]})
"""
_CONTROL = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07]*\x07|[()][A-Z0-9]|[=>])")


class Terminal:
    """A command in a pseudo-terminal."""

    def __init__(self, words: list[str], environment: dict[str, str], directory: Path) -> None:
        self._descriptor, theirs = pty.openpty()
        self.process = subprocess.Popen(
            words,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env=environment,
            cwd=directory,
            start_new_session=True,
        )
        os.close(theirs)
        self.shown = ""

    def expect(self, text: str) -> str:
        """What is shown until a text is; it is not looked for in that again."""
        deadline = time.monotonic() + 120
        while text not in _CONTROL.sub("", self.shown):
            ready, _, _ = select.select([self._descriptor], [], [], 1)
            if ready:
                try:
                    self.shown += os.read(self._descriptor, 65536).decode(errors="replace")
                except OSError as error:  # it has ended
                    raise AssertionError(f"no {text!r} in {self.shown!r}") from error
            assert time.monotonic() < deadline, f"no {text!r} in {self.shown!r}"
        shown = _CONTROL.sub("", self.shown)
        before, _, self.shown = shown.partition(text)
        return before + text

    def type(self, text: str) -> None:
        os.write(self._descriptor, text.encode())

    def complete(self, begun: str, rest: str) -> None:
        """Type the beginning of a word and Tab, and wait until the rest of it is there."""
        self.type(f"{begun}\t")
        self.expect(rest)

    def end(self) -> int:
        """The exit status; what is shown meanwhile is read, since it would wait otherwise."""
        while self.process.poll() is None:
            ready, _, _ = select.select([self._descriptor], [], [], 0.1)
            if ready:
                try:
                    os.read(self._descriptor, 65536)
                except OSError:
                    break
        return self.process.wait(60)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._descriptor)


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "shop.py").write_text(CATALOG)
    return cli_environment(tmp_path, tmp_path) | {
        "IPYTHONDIR": str(tmp_path / "ipython"),
        "PROMPT_TOOLKIT_NO_CPR": "1",
        "TERM": "xterm",
        "NO_COLOR": "1",
    }


@pytest.fixture
def terminal(environment: dict[str, str], tmp_path: Path) -> Iterator[Terminal]:
    words = [sys.executable, "-m", "neuralake", "shell", "--catalog", "shop.py"]
    terminal = Terminal(words, environment, tmp_path)
    yield terminal
    terminal.close()


def test_a_session(terminal: Terminal) -> None:
    terminal.expect("1 tables in shop: catalog.shop.calendar")
    terminal.expect("In [1]: ")
    terminal.complete("shop.cal", "endar")  # the only one that begins so
    terminal.type(".description\r")
    terminal.expect("Out[1]: 'A day a row.'")
    terminal.expect("In [2]: ")
    terminal.complete('sql("SELECT weekd', "ay")
    terminal.complete(" FROM calen", "dar")
    terminal.complete(' ORDER BY day", engine="duck', "db")
    terminal.type('").table["weekday"].to_pylist()\r')
    terminal.expect("Out[2]: ['Monday', 'Tuesday']")
    terminal.expect("In [3]: ")
    terminal.type('sql("SELECT weekday FROM calendar WHERE day = 2")\r')
    terminal.expect("Out[3]:")
    assert "Tuesday" in terminal.expect("In [4]: ")
    terminal.type('sql("SELECT nothing FROM calendar")\r')
    shown = terminal.expect("In [5]: ")
    assert "QueryError: polars: " in shown
    assert "Traceback" not in shown
    terminal.type("1 +\x03")  # Ctrl-C at the prompt: the line is dropped, and nothing ends
    terminal.type("catalog['shop']['calendar'].name.upper()\r")
    terminal.expect("'CALENDAR'")
    terminal.expect("In [6]: ")
    terminal.type("exit\r")
    assert terminal.end() == 0


def test_lines_from_a_pipe(environment: dict[str, str], tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "neuralake", "shell", "--catalog", "shop.py", "--engine", "duckdb"],
        input='sql("SELECT max(day) AS most FROM calendar").table["most"][0].as_py() + 40\n'
        'explain("SELECT * FROM calendar")\n',
        capture_output=True,
        text=True,
        env=environment,
        cwd=tmp_path,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Out[1]: 42" in done.stdout
    assert "SEQ" in done.stdout.upper() or "SCAN" in done.stdout.upper()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--catalog", "nowhere.py"), "no catalog at nowhere.py"),
        (("--engine", "polers"), "did you mean polars?"),
        (("--catalog", "a.py", "--dataset", "d"), "--catalog goes without"),
        (("table",), "unexpected extra argument"),
    ],
)
def test_bad_input_is_one_line(typed: Cli, options: tuple[str, ...], words: str) -> None:
    done = typed("shell", *options)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert words in done.stderr


@pytest.mark.usefixtures("environment")
def test_without_ipython_the_extra_is_named(typed: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "IPython", None)
    done = typed("shell", "--catalog", "shop.py")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "neuralake: the shell needs IPython: pip install 'neuralake-bench[shell]'\n"
    )
