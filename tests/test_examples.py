"""The examples of use from Python: the script and the notebook run as they are."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import cli_environment

ROOT = Path(__file__).parents[1]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A working directory with the examples and the shop's data, and nothing of this repository."""
    place = tmp_path / "place"
    shutil.copytree(ROOT / "examples", place / "examples")
    run(place, sys.executable, "examples/shop/make_data.py")
    return place


def run(place: Path, *command: object) -> str:
    environment = cli_environment(place / "data", place.parent)
    # a kernel keeps its own files at home, and finds the one of this environment first
    environment |= {
        "HOME": str(place.parent),
        "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
    }
    done = subprocess.run(
        [*map(str, command)],
        cwd=place,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.more
def test_the_script_prints_what_it_found_and_writes_a_report(place: Path) -> None:
    printed = run(place, sys.executable, "examples/shop/measure.py")
    for part in ("[[1000]]", "best_customers", "verified", "shop-report/index.html"):
        assert part in printed
    assert (place / "shop-report/index.html").is_file()


@pytest.mark.more
def test_the_notebook_shows_tables_and_measures_in_other_processes(place: Path) -> None:
    jupyter = Path(sys.executable).with_name("jupyter")
    run(place, jupyter, "execute", "examples/shop/measure.ipynb", "--output=executed")
    shown = outputs(json.loads((place / "examples/shop/executed.ipynb").read_text()))
    assert "shop.orders" in shown[0]["text/plain"]
    assert "<b>shop</b>" in shown[0]["text/html"]
    assert ">orders<" in shown[0]["text/html"]
    assert "333" in shown[1]["text/html"]
    assert "<pre" in shown[2]["text/html"]
    assert "days_of_a_month" in shown[2]["text/html"]
    assert "best_customers" in shown[3]["text/html"]
    assert "wall_ns" in shown[4]["text/html"]
    assert "index.html" in shown[5]["text/plain"]


def outputs(notebook: dict[str, Any]) -> list[dict[str, str]]:
    """What each cell of code gave, by its kind; beside it nothing but a line of progress."""
    results = []
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            *progress, result = cell["outputs"]
            assert result["output_type"] == "execute_result", result
            results.append({kind: "".join(text) for kind, text in result["data"].items()})
            if "bench(" in "".join(cell["source"]):
                (line,) = progress
                assert re.fullmatch(r"done in \d+ s", "".join(line["data"]["text/plain"]))
            else:
                assert progress == []
    return results


def test_the_notebook_is_kept_without_what_it_gave() -> None:
    notebook = json.loads((ROOT / "examples/shop/measure.ipynb").read_text())
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)
