"""The commands on the pages: each is one that the command line takes, and is run somewhere.

Every ``neuralake …`` is parsed by the real command line, options and values with it. Those that are
quick are run here, on small data; of all others :data:`ELSEWHERE` says which test runs them.
"""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import click
import pytest

from neuralake.cli import cli
from tests.conftest import cli_environment

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
_BLOCK = re.compile(r"^```(?P<kind>\w*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_PROGRAMS = ("neuralake", "make", "git", "uv", "pip", "python", "python3", "cp", "asv")

# Which test runs what is not run here, by the beginning of the command, and a word that it has.
ELSEWHERE = {
    "neuralake bench": ("tests/test_cli.py", '"bench"'),
    "neuralake bench --cold": ("tests/workloads/test_cold.py", "cold_runs"),
    "neuralake bench --resume": ("tests/workloads/test_resume.py", "--resume"),
    "neuralake calibrate": ("tests/arms/test_command.py", '"calibrate"'),
    "neuralake catalog": ("tests/test_cli.py", '"catalog"'),
    "neuralake catalog check": ("tests/catalog/test_promises.py", '"check"'),
    "neuralake catalog site": ("tests/site/test_write.py", '"site"'),
    "neuralake catalog export json": ("tests/site/test_write.py", '"json"'),
    "neuralake catalog export": ("tests/serving/roapi/test_configuration.py", '"export"'),
    "neuralake compare": ("tests/arms/test_command.py", '"compare"'),
    "neuralake engines": ("tests/test_cli.py", '"engines"'),
    "neuralake freshness": ("tests/cli/test_freshness.py", '"freshness"'),
    "neuralake generate": ("tests/test_cli.py", '"generate"'),
    "neuralake history": ("tests/history/test_history.py", '"history"'),
    "neuralake ingest": ("tests/cli/test_ingest.py", '"ingest"'),
    "neuralake lifecycle": ("tests/cli/test_lifecycle.py", '"lifecycle"'),
    "neuralake pipeline": ("tests/pipeline/test_command.py", '"pipeline"'),
    "neuralake query": ("tests/test_cli.py", '"query"'),
    "neuralake report": ("tests/test_cli.py", '"report"'),
    "neuralake results": ("tests/test_cli.py", '"results"'),
    "neuralake shell": ("tests/shell/test_shell.py", '"shell"'),
    "neuralake streams": ("tests/cli/test_streams.py", '"streams"'),
    "neuralake serving": ("tests/cli/test_serving.py", '"serving"'),
    "neuralake tpch": ("tests/tpch/test_parameters.py", '"tpch"'),
    "neuralake tpch refresh": ("tests/tpch/refresh/test_stage.py", '"refresh"'),
    "neuralake serve": ("tests/cli/test_serve_page.py", "SERVE"),
    "neuralake serve --server": ("tests/serving/roapi/test_serve.py", '"serve"'),
    "neuralake verify": ("tests/verify/test_verify_command.py", '"verify"'),
    "neuralake writer events --catalog catalog.py --create --from kafka://127.0.0.1:9092/events": (
        "tests/kafka/test_page.py",
        "SESSIONS",
    ),
    "neuralake writer": ("tests/cli/test_writer_page.py", "SESSIONS"),
    "asv": ("tests/asv_suite/test_config.py", "asv.conf.json"),
    "cat": ("tests/cli/test_writer_page.py", "SESSIONS"),
    "export": ("tests/cli/test_writer_page.py", "NEURALAKE_WRITER_TOKEN"),
    "curl": ("tests/cli/test_serve_page.py", "ASKED"),
    "cp": ("tests/test_cli.py", '"report"'),
    "git": ("tests/arms/test_command.py", "team.git"),
    "make": ("Makefile", ".PHONY"),
    "pip": ("tests/install/test_own_project.py", "pip install"),
    "python -m benchmarks": ("tests/benchmarks/test_fidelity.py", "benchmarks.fidelity"),
    "python -m benchmarks.serving.cross_check": (
        "tests/benchmarks/test_serving.py",
        "benchmarks.serving.cross_check",
    ),
    "python -m neuralake.cluster": ("tests/cluster/test_cluster.py", "neuralake.cluster"),
    "python -m neuralake.broker.produce": ("tests/kafka/test_page.py", "neuralake.broker"),
    "python -m benchmarks.s3": ("tests/s3/test_ingest.py", "benchmarks.s3"),
    "python -m pytest": ("Makefile", "-m pytest"),
    "python -m pytest tests/performance": ("tests/test_performance_suite.py", "tests/performance"),
    "uv": ("tests/install/test_own_project.py", "With uv"),
}
HERE = {  # pages that are followed from top to bottom in one directory
    "docs/tutorials/query-your-tables.md",
    "docs/how-to/benchmark-your-own-queries.md",
}
# Pages of which the commands after a prompt are followed, and those beside them run elsewhere
PROMPTED = {"docs/how-to/measure-the-life-of-a-table.md"}
# What a reader waits for and a test need not: how often and on which engines, for which the
# mechanism is the same
BRIEFER = {
    "polars,datafusion --repetitions 2": "polars --repetitions 1",
    "--runs 6": "--runs 1",
    "catalog.py --engines polars,datafusion": "catalog.py --engines polars --runs 1",
    "polars,datafusion --queries": "polars --runs 1 --queries",
}
SMALLER = {"batches = 10": "batches = 2", "times = 3 }": "times = 1 }"}  # in plans
FOLLOWED = {"docs/how-to/install.md"}  # by tests/install/test_own_project.py


@dataclass(frozen=True)
class Command:
    """A command on a page."""

    page: str
    text: str
    is_prompted: bool = False

    def __str__(self) -> str:
        return f"{Path(self.page).name}: {self.text[:60]}"


def commands(page: Path) -> Iterator[Command]:
    """What a reader would type, with lines that go on put together."""
    name = str(page.relative_to(ROOT))
    for match in _BLOCK.finditer(page.read_text()):
        if match["kind"] == "console":
            yield from (Command(name, text, is_prompted=True) for text in _typed(match["text"]))
        elif match["kind"] in ("", "bash", "sh"):
            for line in match["text"].replace("\\\n", " ").splitlines():
                words = [w for w in line.split("#")[0].split() if not re.match(r"[A-Z_]+=", w)]
                if words and words[0].removeprefix(".venv/bin/") in _PROGRAMS:
                    yield Command(name, line.strip())


def _typed(block: str) -> Iterator[str]:
    """Commands after a prompt; a quoted text may go over several lines."""
    lines = iter(block.splitlines())
    for line in lines:
        if line.startswith("$ "):
            text = line[2:]
            while text.count('"') % 2 or text.endswith("\\"):
                text = f"{text.removesuffix(chr(92))}\n{next(lines)}"
            yield text


COMMANDS = [
    command for page in PAGES if "changelogs" not in page.parts for command in commands(page)
]


def words_of(command: Command) -> list[str]:
    """The program and its arguments, without what the shell does around them."""
    text = command.text.partition(" | ")[0]
    words = shlex.split(text, comments=True)
    while words and re.match(r"[A-Z_]+=", words[0]):
        words.pop(0)
    words[0] = words[0].removeprefix(".venv/bin/")
    return words


def test_the_pages_have_commands() -> None:
    assert len(COMMANDS) > 80


@pytest.mark.parametrize("command", [c for c in COMMANDS if words_of(c)[0] == "neuralake"], ids=str)
def test_the_command_line_takes_it(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEURALAKE_ENV", "local")
    _, *arguments = words_of(command)
    context = cli.make_context("neuralake", arguments)
    found: click.Command = cli
    while isinstance(found, click.Group):
        _, found_or_none, arguments = found.resolve_command(
            context, [*context._protected_args, *context.args]
        )
        assert found_or_none is not None
        found = found_or_none
        context = found.make_context(found.name, list(arguments), parent=context)


@pytest.mark.parametrize("command", COMMANDS, ids=str)
def test_it_is_run_somewhere(command: Command) -> None:
    if command.page in HERE | FOLLOWED or (command.page in PROMPTED and command.is_prompted):
        return
    words = words_of(command)
    beginnings = [" ".join(words[:n]) for n in range(len(words), 0, -1)]
    found = next((ELSEWHERE[b] for b in beginnings if b in ELSEWHERE), None)
    assert found is not None, f"say in {__name__} where this is run: {command.text}"
    file, word = found
    assert word in (ROOT / file).read_text()


@pytest.mark.parametrize("command", [c for c in COMMANDS if words_of(c)[0] == "make"], ids=str)
def test_the_makefile_has_its_target(command: Command) -> None:
    targets = [word for word in words_of(command)[1:] if "=" not in word]
    for target in targets:
        assert re.search(rf"^{re.escape(target)}:", (ROOT / "Makefile").read_text(), re.MULTILINE)


def replaced(text: str, shorter: Mapping[str, str]) -> str:
    """A text with what takes less time in the place of what takes long."""
    for long, short in shorter.items():
        text = text.replace(long, short)
    return text


@pytest.mark.more  # by day that of install/test_own_project.py, where own tables are measured, too
@pytest.mark.parametrize("page", sorted(HERE | PROMPTED))
def test_the_page_can_be_followed(page: str, tmp_path: Path) -> None:
    """In a directory with the examples alone; what is printed begins as the page says."""
    place = tmp_path / "place"
    shutil.copytree(ROOT / "examples", place / "examples")
    plan = place / "examples/life/plan.toml"
    plan.write_text(replaced(plan.read_text(), SMALLER))
    environment = cli_environment(place / "data", tmp_path) | {
        "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
        "NEURALAKE_STORAGE_ROOT": "data",
        "NEURALAKE_RESULTS_ROOT": "results",
    }
    for command in commands(ROOT / page):
        if page in PROMPTED and not command.is_prompted:
            continue
        done = subprocess.run(
            ["bash", "-c", replaced(command.text, BRIEFER)],
            cwd=place,
            env=environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, f"{command.text}\n{done.stderr}"
