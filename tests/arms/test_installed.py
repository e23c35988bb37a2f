"""Arms without a commit: what is installed here, with one thing changed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from importlib.metadata import Distribution
from pathlib import Path

import pytest

from neuralake.arms.build import find_uv
from neuralake.arms.environment import Uv, _environ
from neuralake.arms.installed import Copied, Piece, Pinned, Tree, find_installed
from neuralake.errors import ArmError
from tests.arms import backend


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """Where the packages of some environment are installed."""
    environment = tmp_path / "here"
    subprocess.run(
        [find_uv(), "venv", "--quiet", "--python", sys.executable, environment], check=True
    )
    (found,) = environment.glob("lib/python*/site-packages")
    return found


def install(site: Path, *what: str) -> None:
    python = site.parents[2] / "bin" / "python"
    options = ["--quiet", "--no-deps", "--python", str(python)]
    subprocess.run([str(find_uv()), "pip", "install", *options, *what], check=True)


def pieces(site: Path) -> dict[str, Piece]:
    names = {"Pinned": lambda p: p.requirement, "Tree": lambda p: p.name}
    return {
        names.get(type(p).__name__, lambda p: p.distribution.name)(p): p
        for p in find_installed([str(site)])
    }


def make_project(directory: Path, answer: int) -> None:
    (directory / "src").mkdir(parents=True, exist_ok=True)
    (directory / "src" / "mine.py").write_text(f"ANSWER = {answer}\n")
    (directory / "backend.py").write_text(Path(backend.__file__).read_text())
    (directory / "pyproject.toml").write_text(
        "[build-system]\nrequires = []\nbuild-backend = 'backend'\nbackend-path = ['.']\n"
        "[project]\nname = 'mine'\nversion = '1'\n"
    )


def pretend(site: Path, name: str, version: str, url: Mapping[str, object] | None) -> None:
    """What an installation leaves that other tests need not carry out."""
    info = site / f"{name}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    if url is not None:
        (info / "direct_url.json").write_text(json.dumps(url))


def test_a_version_of_an_index_is_pinned(site: Path) -> None:
    pretend(site, "sprocket", "1.0", None)
    assert list(find_installed([str(site)])) == [Pinned("sprocket==1.0")]


@pytest.mark.parametrize(
    ("origin", "requirement"),
    [
        (
            {"url": "https://x.org/a.git", "vcs_info": {"vcs": "git", "commit_id": "abc"}},
            "sprocket @ git+https://x.org/a.git@abc",
        ),
        (
            {
                "url": "https://x.org/a.git",
                "vcs_info": {"vcs": "git", "commit_id": "abc"},
                "subdirectory": "py",
            },
            "sprocket @ git+https://x.org/a.git@abc#subdirectory=py",
        ),
        (
            {"url": "https://x.org/sprocket-1.0.whl", "archive_info": {}},
            "sprocket @ https://x.org/sprocket-1.0.whl",
        ),
    ],
)
def test_an_address_is_kept_with_its_commit(
    site: Path, origin: dict[str, object], requirement: str
) -> None:
    pretend(site, "sprocket", "1.0", origin)
    assert list(find_installed([str(site)])) == [Pinned(requirement)]


@pytest.mark.parametrize(("name", "version"), [("torch", "2.0+cpu"), ("neuralake-bench", "1.0")])
def test_what_no_index_has_for_sure_is_copied(site: Path, name: str, version: str) -> None:
    pretend(site, name, version, None)
    (piece,) = find_installed([str(site)])
    assert isinstance(piece, Copied)


def test_an_editable_whose_sources_are_gone_is_refused(site: Path, tmp_path: Path) -> None:
    origin = {"url": (tmp_path / "gone").as_uri(), "dir_info": {"editable": True}}
    pretend(site, "mine", "1.0", origin)
    with pytest.raises(ArmError, match=r"mine is installed here from .*/gone, which is gone"):
        find_installed([str(site)])


def test_what_is_no_wheel_s_is_refused_in_one_line(site: Path, tmp_path: Path) -> None:
    pretend(site, "torch", "2.0+cpu", None)
    (piece,) = find_installed([str(site)])
    assert isinstance(piece, Copied)
    with pytest.raises(ArmError, match="install it from a wheel"):
        piece.pack(tmp_path)


def test_an_environment_is_made_again_with_local_and_editable_packages(
    site: Path, tmp_path: Path
) -> None:
    """The wheel is gone and its installed files were changed since: what is here is copied."""
    wheel = backend.make_wheel(tmp_path / "w", "sprocket", "1.0", {"sprocket.py": "VERSION = 1\n"})
    make_project(tmp_path / "mine", 1)
    install(site, str(wheel), "-e", str(tmp_path / "mine"), "iniconfig==2.0.0")
    wheel.unlink()
    (site / "sprocket.py").unlink()  # a hard link to the cache of uv
    (site / "sprocket.py").write_text("VERSION = 'changed here'\n")
    make_project(tmp_path / "mine", 2)
    found = pieces(site)
    assert set(found) == {"iniconfig==2.0.0", "mine", "sprocket"}
    assert isinstance(found["mine"], Tree)
    work, environment = tmp_path / "work", tmp_path / "made"
    work.mkdir()
    log: list[str] = []
    with (tmp_path / "lock").open("w") as lock:
        uv = Uv(find_uv(), tmp_path, tmp_path, environment, lock.fileno(), log.append)
        uv.copy_installed(found.values(), work)
        assert uv.packages() == {"iniconfig": "2.0.0", "mine": "1", "sprocket": "1.0"}
    code = "import mine, sprocket; print(mine.ANSWER, sprocket.VERSION, mine.__file__)"
    said = subprocess.check_output([uv.python, "-I", "-c", code], text=True)
    answer, rest = said.split(" ", 1)
    assert answer == "2"
    assert rest.startswith("changed here ")
    assert str(environment) in rest, "it is a copy, and no link to the sources"


def test_a_change_of_an_editable_is_another_environment(tmp_path: Path) -> None:
    make_project(tmp_path / "mine", 1)
    tree = Tree("mine", tmp_path / "mine")
    before = tree.facts()
    assert tree.facts() == before
    (tmp_path / "mine" / ".venv").mkdir()
    (tmp_path / "mine" / ".venv" / "file").write_text("of no matter")
    assert tree.facts() == before
    path = tmp_path / "mine" / "src" / "mine.py"
    os.utime(path, ns=(1, 1))
    assert tree.facts() != before


def test_this_environment_can_be_told_from_another() -> None:
    found = find_installed()
    assert [p.facts() for p in found] == [p.facts() for p in find_installed()]
    names = {p.name if isinstance(p, Tree) else "" for p in found}
    copied = {p.distribution.name for p in found if isinstance(p, Copied)}
    assert "neuralake-bench" in names | copied
    assert isinstance(next(p for p in found if isinstance(p, Pinned)), Pinned)
    assert Distribution.from_name("polars").version in str(found)


@pytest.mark.parametrize("variable", ["HOME", "XDG_CACHE_HOME"])
def test_a_home_that_keeps_no_cache(variable: str, tmp_path: Path) -> None:
    """As that of a container's user: what uv keeps goes beside the arms."""
    home, spare = tmp_path / "home", tmp_path / "spare"
    home.touch()
    environ = {"HOME": str(tmp_path), variable: str(home)}
    assert _environ(environ, spare)["UV_CACHE_DIR"] == str(spare)
    assert "UV_CACHE_DIR" not in _environ({"HOME": str(tmp_path)}, spare)
    chosen = _environ(environ | {"UV_CACHE_DIR": "/elsewhere"}, spare)
    assert chosen["UV_CACHE_DIR"] == "/elsewhere"
