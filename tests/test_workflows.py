"""The workflows and the action: what GitHub would refuse is refused here, before it is pushed."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[1]
ACTION = "vendor.github-actions"
WORKFLOW = "vendor.github-workflows"
FILES = {
    ROOT / "action.yml": ACTION,
    **dict.fromkeys(sorted((ROOT / ".github/workflows").glob("*.yml")), WORKFLOW),
}


def check(path: Path, schema: str) -> subprocess.CompletedProcess[str]:
    """Hold a file against a schema that comes with the checker; nothing is fetched."""
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, str(path)]
    # a proxy that nobody answers: what needs the network would fail
    nowhere = dict.fromkeys(("http_proxy", "https_proxy", "all_proxy"), "http://127.0.0.1:9")
    return subprocess.run(command, capture_output=True, text=True, env=nowhere, check=False)


def scripts(path: Path) -> Iterator[str]:
    """The shell scripts of a file's steps."""
    found: dict[str, Any] = yaml.safe_load(path.read_text())
    jobs = [found["runs"]] if "runs" in found else list(found["jobs"].values())
    for job in jobs:
        yield from (step["run"] for step in job["steps"] if "run" in step)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_file_is_what_github_s_schema_says(path: Path) -> None:
    done = check(path, FILES[path])
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("schema", "name", "right", "mistaken"),
    [
        (ACTION, "action.yml", "using: composite", "using: composit"),
        (ACTION, "action.yml", "    - id: compare\n      shell: bash", "    - id: compare"),
        (WORKFLOW, ".github/workflows/ci.yml", "runs-on:", "run-on:"),
        (WORKFLOW, ".github/workflows/mutants.yml", "- cron:", "- corn:"),
    ],
)
def test_a_mistake_is_found(
    tmp_path: Path, schema: str, name: str, right: str, mistaken: str
) -> None:
    text = (ROOT / name).read_text()
    assert text.count(right) == 1
    (tmp_path / "mistaken.yml").write_text(text.replace(right, mistaken))
    done = check(tmp_path / "mistaken.yml", schema)
    assert done.returncode == 1
    assert "Schema validation errors" in done.stdout


def test_what_a_pull_request_does_not_wait_for_is_run_every_night() -> None:
    nightly = ROOT / ".github/workflows/nightly.yml"
    assert list(scripts(nightly)) == ["make test-all"]
    assert "schedule" in yaml.safe_load(nightly.read_text())[True]  # YAML reads "on" as that


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_shell_can_read_each_script(path: Path) -> None:
    found = list(scripts(path))
    assert found
    for script in found:
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-n"], input=script, text=True, check=False
        )
        assert done.returncode == 0, script
