"""The end of a command's process: what belongs to it is done, whoever else is in the process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import cli_environment

_COMMANDS = (["--version"], ["generate", "-s", "0.001", "--to", "made"])
# Tells whether the interpreter took its modules down, after all that was to be called at the exit.
_RUN = """
import sys
{earlier}
import neuralake_bench

class Told:
    def __del__(self, write=sys.stderr.write):
        write("taken down\\n")

sys.told = Told()
import atexit
from neuralake.cli import leaving
as_ever = leaving.leave_after

def leave_after(run):
    def then(process):
        atexit.register(sys.stderr.write, "called\\n")
        run(process)
    as_ever(then)

leaving.leave_after = leave_after
neuralake_bench.main()
"""


def run(
    storage: Path, directory: Path, arguments: list[str], earlier: str = ""
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", _RUN.format(earlier=earlier), *arguments],
        capture_output=True,
        text=True,
        env=cli_environment(storage, directory),
        cwd=directory,
        check=False,
    )


@pytest.mark.parametrize("arguments", _COMMANDS)
def test_what_is_to_be_called_at_the_exit_is_called(
    storage: Path, tmp_path: Path, arguments: list[str]
) -> None:
    done = run(storage, tmp_path, arguments)
    assert (done.returncode, done.stderr) == (0, "called\n")
    assert done.stdout


def test_whoever_was_there_before_has_the_last_word(storage: Path, tmp_path: Path) -> None:
    earlier = "import atexit; atexit.register(sys.stderr.write, 'a profile\\n')"
    done = run(storage, tmp_path, ["--version"], earlier)
    assert (done.returncode, done.stderr) == (0, "called\na profile\ntaken down\n")


def test_what_may_be_of_others_is_taken_down(storage: Path, tmp_path: Path) -> None:
    done = run(storage, tmp_path, ["results", "list", "--json"])
    assert done.returncode == 0
    assert done.stderr.endswith("called\ntaken down\n")
