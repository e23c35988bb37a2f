"""Projects anywhere in a repository, and whatever locks them."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from neuralake.arms.arm import parse_arm
from neuralake.arms.build import build_arm, find_uv
from neuralake.arms.extras import conflicting_extras
from neuralake.errors import ArmError
from tests.arms import backend
from tests.arms.conftest import Builder, evaluate

WORKSPACE = """\
[tool.uv.workspace]
members = ["services/*"]

[tool.uv]
find-links = ["wheels"]
"""


def uv(build: Builder, *arguments: str) -> str:
    """Run uv in the project's directory."""
    return subprocess.run(
        [find_uv(), *arguments],
        cwd=build.here or build.repository.path,
        check=True,
        capture_output=True,
        text=True,
    ).stdout


def lock(build: Builder) -> None:
    uv(build, "lock", "--quiet", "--python", sys.executable)


def move_down(build: Builder) -> Path:
    """Move the project below the top of its repository; the caller stands in it."""
    below = build.repository.path / "services" / "lake"
    below.mkdir(parents=True)
    for path in list(build.repository.path.iterdir()):
        if path.name not in (".git", "services"):
            shutil.move(path, below / path.name)
    build.here = below
    return below


def test_a_project_below_the_top_is_found_from_where_one_stands(build: Builder) -> None:
    below = move_down(build)
    (below / "deeper").mkdir()
    (below / "deeper" / "pyproject.toml").write_text("[tool.ruff]\nline-length = 100\n")
    build.repository.commit("Move the project")
    build.here = below / "deeper"
    arm = build("HEAD+sprocket==1.5")
    assert evaluate(arm, "lake.ANSWER, sprocket.VERSION", "lake", "sprocket") == "2 1.5"
    assert (arm.directory / "services/lake/queries/q1.sql").is_file()


def test_it_is_found_by_the_queries_where_one_stands_above_it(build: Builder) -> None:
    move_down(build)
    build.repository.commit("Move the project")
    arm = build_arm(
        parse_arm("HEAD"),
        repository=build.repository.path,
        cache=build.cache,
        say=build.said.append,
        working_directory=build.repository.path,
        workload=Path("services/lake/queries"),
    )
    assert evaluate(arm, "lake.ANSWER", "lake") == "2"


@pytest.mark.more  # by day in one
def test_in_each_commit_it_is_found_where_it_lay(build: Builder) -> None:
    move_down(build)
    build.repository.commit("Move the project")
    assert evaluate(build("HEAD~1"), "lake.ANSWER", "lake") == "2"
    assert evaluate(build("HEAD"), "lake.ANSWER", "lake") == "2"


def test_a_member_of_a_workspace_is_locked_above_it(build: Builder) -> None:
    below = move_down(build)
    shutil.move(below / "wheels", build.repository.path / "wheels")
    pyproject = below / "pyproject.toml"
    pyproject.write_text(pyproject.read_text().partition("[tool.uv]")[0])
    (build.repository.path / "pyproject.toml").write_text(WORKSPACE)
    (below / "uv.lock").unlink()
    build.here = build.repository.path
    lock(build)
    build.repository.commit("Make a workspace")
    build.here = below
    arm = build("HEAD+sprocket==1.0")
    assert evaluate(arm, "lake.ANSWER, sprocket.VERSION", "lake", "sprocket") == "2 1.0"
    build.here = build.repository.path  # the root is no project: it stands for all its members
    assert evaluate(build("HEAD"), "lake.ANSWER", "lake") == "2"


def test_a_file_of_requirements_in_place_of_a_lock(build: Builder) -> None:
    (build.repository.path / "uv.lock").unlink()
    requirements = "--find-links wheels\nneuralake-bench==9.9\nsprocket==1.5  # the old one\n"
    (build.repository.path / "requirements.txt").write_text(requirements)
    build.repository.commit("Require")
    arm = build("HEAD")
    assert dict(arm.packages) == {"lake": "0.1", "neuralake-bench": "9.9", "sprocket": "1.5"}
    assert evaluate(arm, "lake.ANSWER", "lake") == "2"
    assert build("HEAD+sprocket==2.0").packages["sprocket"] == "2.0"


def test_a_pylock_in_place_of_a_lock(build: Builder) -> None:
    exported = uv(build, "export", "--quiet", "--format", "pylock.toml", "--all-extras")
    (build.repository.path / "pylock.toml").write_text(exported)
    (build.repository.path / "uv.lock").unlink()
    build.repository.commit("Lock as PEP 751 says")
    arm = build("HEAD")
    assert arm.packages["iniconfig"] == "2.0.0"
    assert arm.packages["sprocket"] == "2.0"
    assert evaluate(arm, "lake.ANSWER", "lake") == "2"


def test_extras_that_conflict_do_not_keep_the_others_away(build: Builder) -> None:
    pyproject = build.repository.path / "pyproject.toml"
    text = pyproject.read_text().replace(
        'more = ["sprocket>=1"]', 'old = ["sprocket==1.0"]\nnew = ["sprocket==2.0"]'
    )
    text += 'conflicts = [[{ extra = "old" }, { extra = "new" }]]\n'
    pyproject.write_text(text)
    lock(build)
    build.repository.commit("Declare a conflict")
    arm = build("HEAD")
    assert arm.packages["sprocket"] == "1.0"
    (note,) = [text for text in build.said if text.startswith("without")]
    assert "without the extras new" in note


def conflicts(*sets: list[dict[str, str]], **project: object) -> dict[str, object]:
    return {"project": {"name": "lake", **project}, "tool": {"uv": {"conflicts": list(sets)}}}


def test_of_conflicting_extras_that_with_neuralake_stays() -> None:
    extras = {"a": ["x"], "measure": ["neuralake-bench[duckdb]>=1"], "b": ["y"]}
    found = conflicts(
        [{"extra": "a"}, {"extra": "measure"}],
        [{"extra": "a"}, {"extra": "b"}],
        **{"optional-dependencies": extras},
    )
    assert conflicting_extras(found, {}) == ["a"]


def test_an_extra_makes_room_for_a_group_that_is_installed_anyway() -> None:
    found = conflicts([{"extra": "a"}, {"group": "dev"}], **{"optional-dependencies": {"a": ["x"]}})
    assert conflicting_extras(found, {}) == ["a"]


def test_a_conflict_of_another_member_is_none_of_this_one() -> None:
    root = {
        "tool": {
            "uv": {
                "conflicts": [
                    [{"package": "other", "extra": "a"}, {"package": "other", "extra": "b"}],
                    [{"package": "lake", "extra": "a"}, {"package": "lake", "extra": "c"}],
                ]
            }
        }
    }
    extras = {"a": ["x"], "b": ["y"], "c": ["z"]}
    project = {"project": {"name": "lake", "optional-dependencies": extras}}
    assert conflicting_extras(project, root) == ["c"]


@pytest.mark.more  # by day sources there
def test_a_wheel_outside_of_the_repository(build: Builder) -> None:
    outside = build.repository.path.parent / "elsewhere"
    mine = {"sprocket.py": "VERSION = 'mine'\n"}
    wheel = backend.make_wheel(outside, "sprocket", "3.0", mine)
    pyproject = build.repository.path / "pyproject.toml"
    sources = f'\n[tool.uv.sources]\nsprocket = {{ path = "../elsewhere/{wheel.name}" }}\n'
    pyproject.write_text(pyproject.read_text() + sources)
    lock(build)
    build.repository.commit("Take a wheel from elsewhere")
    arm = build("HEAD")
    assert evaluate(arm, "sprocket.VERSION", "sprocket") == "mine"
    assert build("HEAD").directory == arm.directory
    assert build.said == []


@pytest.mark.more  # by day those in it
def test_wheels_beside_the_repository_are_looked_through(build: Builder) -> None:
    shutil.move(build.repository.path / "wheels", build.repository.path.parent / "wheels")
    pyproject = build.repository.path / "pyproject.toml"
    pyproject.write_text(pyproject.read_text().replace('["wheels"]', '["../wheels"]'))
    lock(build)
    build.repository.commit("Move the wheels out")
    arm = build("HEAD+sprocket==1.0")
    assert evaluate(arm, "sprocket.VERSION", "sprocket") == "1.0"


@pytest.mark.more  # by day one that names what lies inside
def test_a_file_of_requirements_may_name_what_lies_outside(build: Builder) -> None:
    outside = build.repository.path.parent / "elsewhere"
    wheel = backend.make_wheel(outside, "sprocket", "3.0", {"sprocket.py": "VERSION = 3\n"})
    (build.repository.path / "uv.lock").unlink()
    requirements = f"--find-links wheels\nneuralake-bench\n../elsewhere/{wheel.name}\n"
    (build.repository.path / "requirements.txt").write_text(requirements)
    build.repository.commit("Require")
    first = build("HEAD")
    assert first.packages["sprocket"] == "3.0"
    backend.make_wheel(outside, "sprocket", "3.0", {"sprocket.py": "VERSION = 4\n"})
    second = build("HEAD")
    assert (evaluate(first, "sprocket.VERSION", "sprocket")) == "3"
    assert (evaluate(second, "sprocket.VERSION", "sprocket")) == "4"


def test_sources_outside_of_the_repository_are_of_no_commit(build: Builder) -> None:
    shared = build.repository.path.parent / "shared"
    (shared / "src").mkdir(parents=True)
    (shared / "src" / "shared.py").write_text("")
    shutil.copy(backend.__file__, shared / "backend.py")
    pyproject = build.repository.path / "pyproject.toml"
    text = pyproject.read_text()
    head = text.partition("[project]")[0]
    (shared / "pyproject.toml").write_text(f'{head}[project]\nname = "shared"\nversion = "1"\n')
    text = text.replace('"neuralake-bench", ', '"neuralake-bench", "shared", ')
    pyproject.write_text(text + '\n[tool.uv.sources]\nshared = { path = "../shared" }\n')
    lock(build)
    build.repository.commit("Share sources")
    with pytest.raises(ArmError, match=r"takes a package from \.\./shared, outside of its repo"):
        build("HEAD")


def test_what_no_lock_file_covers_is_said_with_its_place(build: Builder) -> None:
    below = move_down(build)
    (below / "uv.lock").unlink()
    build.repository.commit("Lose the lock")
    with pytest.raises(ArmError, match=r"has no uv\.lock and .* in services/lake or above it"):
        build("HEAD")
