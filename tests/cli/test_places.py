"""``~`` is the home directory wherever a path may stand: after ``=`` no shell replaces it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from neuralake.cli import cli as neuralake
from neuralake.cli.types import Location, Place
from tests.conftest import Cli

CATALOG = """
import pyarrow as pa
from neuralake.catalog import table

@table
def numbers() -> pa.Table:
    return pa.table({"n": [1, 2, 3]})
"""


def parameters(
    command: click.Command, words: tuple[str, ...] = ()
) -> Iterator[tuple[str, click.Parameter]]:
    """Every option and argument of a command and of those below it, by how it is written."""
    if isinstance(command, click.Group):
        for name, inner in command.commands.items():
            yield from parameters(inner, (*words, name))
    for parameter in command.params:
        yield " ".join((*words, parameter.opts[0])), parameter


PARAMETERS = dict(parameters(neuralake))


def is_place(parameter: click.Parameter) -> bool:
    """Whether its help says that a path may be given: all that say it, and no others."""
    metavar = parameter.make_metavar(click.Context(neuralake))
    return re.search(r"\b(DIR|FILE|URI|RUN)\b", metavar) is not None


PLACES = sorted(name for name, parameter in PARAMETERS.items() if is_place(parameter))


def test_there_are_places_of_every_kind() -> None:
    assert len(PLACES) > 20
    assert {"bench --workload", "compare --catalog", "generate --to"} <= set(PLACES)
    assert {"history --repo", "report runs", "bench --resume"} <= set(PLACES)


@pytest.mark.parametrize("name", PLACES)
def test_a_tilde_is_the_home_directory(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ada")
    kind = PARAMETERS[name].type
    assert str(kind.convert("~/lake/x", None, None)) == "/home/ada/lake/x"
    assert str(kind.convert("~", None, None)) == "/home/ada"
    for given in ("lake/~/x", "~lake", "20261125", "s3://bucket/~/x"):
        assert str(kind.convert(given, None, None)).replace(":/b", "://b") == given
    with pytest.raises(click.BadParameter, match="it is empty"):
        kind.convert(" ", None, None)


def test_nothing_else_takes_a_path() -> None:
    kinds = {name for name, p in PARAMETERS.items() if isinstance(p.type, Place | Location)}
    assert kinds == set(PLACES)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with a workload in it; where one stands is elsewhere."""
    home = tmp_path / "home"
    (home / "queries").mkdir(parents=True)
    (home / "queries/total.sql").write_text("SELECT sum(n) AS n FROM numbers\n")
    (home / "tables.py").write_text(CATALOG)
    return home


def test_each_command_finds_and_writes_there(typed: Cli, home: Path, tmp_path: Path) -> None:
    environment = {"HOME": str(home), "NEURALAKE_RESULTS_ROOT": "~/results"}
    own = ("--workload=~/queries", "--catalog=~/tables.py")
    asked = ("bench", *own, "--engines=polars,duckdb", "--runs=1")
    done = typed(*asked, environment=environment)
    assert done.returncode == 0, done.stderr
    (run,) = (home / "results/runs").iterdir()
    for words in (
        ("results", "export", f"~/results/runs/{run.name}", "--to=~/samples.parquet"),
        ("report", f"~/results/runs/{run.name}", "--to=~/page"),
        ("generate", "--scale-factor=0.001", "--to=~/lake"),
        ("query", "SELECT 1 AS n", "--dataset=~/lake", "--to=~/answer.csv"),
    ):
        done = typed(*words, environment=environment)
        assert done.returncode == 0, (words, done.stderr)
    for written in ("samples.parquet", "page/index.html", "lake/region", "answer.csv"):
        assert (home / written).exists(), written
    assert not list(tmp_path.rglob("~"))
