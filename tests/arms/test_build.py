"""Arms of real repositories, built by git and uv."""

from __future__ import annotations

import hashlib
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from neuralake.arms.arm import parse_arm
from neuralake.arms.build import Arm, build_arm, find_repository, find_uv, hold, prune
from neuralake.errors import ArmError
from tests.arms import backend
from tests.arms.conftest import BuildElsewhere, Builder, evaluate
from tests.more import few
from tests.waiting import until

ROOT = Path(__file__).parents[2]


def content_of(directory: Path) -> dict[str, str]:
    """Digest of every file below a directory."""
    return {
        str(path.relative_to(directory)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(directory.rglob("*"))
        if path.is_file()
    }


def failure(build: Builder, text: str) -> str:
    """The one line that says why an arm cannot be built; nothing of it is left."""
    with pytest.raises(ArmError) as caught:
        build(text)
    message = str(caught.value)
    assert message.isprintable(), message
    assert not (build.cache / "arms").exists() or not build.entries()
    return message


def log_named_in(message: str) -> str:
    found = re.search(r"\(log: (.*)\)", message)
    assert found
    return Path(found[1]).read_text()


def test_an_arm_has_the_files_and_the_code_of_its_commit(build: Builder) -> None:
    base, candidate = build("HEAD~1"), build("main")
    assert (base.subject, candidate.subject) == ("Answer one", "Answer two")
    assert base.commit == build.repository.git("rev-parse", "HEAD~1")
    assert (base.directory / "queries" / "q1.sql").read_text() == "SELECT 1\n"
    assert (candidate.directory / "queries" / "q1.sql").read_text() == "SELECT 2\n"
    assert evaluate(base, "lake.ANSWER", "lake") == "1"
    assert evaluate(candidate, "lake.ANSWER", "lake") == "2"
    place = evaluate(candidate, "lake.__file__", "lake")
    assert Path(place).is_relative_to(candidate.python.parents[1])


def test_packages_are_those_of_the_lock_file_with_all_extras(build: Builder) -> None:
    arm = build("HEAD")
    assert dict(arm.packages) == {
        "iniconfig": "2.0.0",
        "lake": "0.1",
        "neuralake-bench": "9.9",
        "sprocket": "2.0",
    }
    assert evaluate(arm, "neuralake.ANSWER, sprocket.VERSION", "neuralake", "sprocket") == "9 2.0"


def test_what_is_built_is_found_again(build: Builder) -> None:
    first = build("HEAD")
    assert build.said
    log = build.cache / "arms" / f"{first.directory.parent.name}.log"
    before, said_before = content_of(first.directory.parent), log.read_bytes()
    assert build("main[polars:engine=streaming]") == Arm(
        parse_arm("main[polars:engine=streaming]"),
        first.entry,
        first.commit,
        first.subject,
        first.directory,
        first.python,
        first.packages,
    )
    assert build.said == []
    assert content_of(first.directory.parent) == before
    assert log.read_bytes() == said_before


def test_two_commits_of_the_same_files_share_what_is_built(build: Builder) -> None:
    first = build("HEAD")
    commit = build.repository.commit("Nothing changed")
    second = build("HEAD")
    assert build.said == []
    assert (second.commit, second.subject) == (commit, "Nothing changed")
    assert second.directory == first.directory


def test_the_repository_is_as_it_was(build: Builder) -> None:
    build.repository.git("tag", "v1", "HEAD~1")
    (build.repository.path / "untracked.txt").write_text("mine\n")
    hook = build.repository.path / ".git" / "hooks" / "post-checkout"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch {build.repository.path}/hooked\n")
    hook.chmod(0o755)
    before = content_of(build.repository.path)
    for text in ("HEAD", "v1+sprocket==1.0"):
        build(text)
    assert content_of(build.repository.path) == before
    assert build.repository.git("worktree", "list").count("\n") == 0
    assert build.repository.git("status", "--porcelain") == "?? untracked.txt"


def test_a_requirement_goes_over_the_lock_file(build: Builder) -> None:
    plain, other = build("HEAD"), build("HEAD+sprocket==1.5")
    assert (plain.packages["sprocket"], other.packages["sprocket"]) == ("2.0", "1.5")
    assert evaluate(plain, "sprocket.VERSION", "sprocket") == "2.0"
    assert evaluate(other, "sprocket.VERSION", "sprocket") == "1.5"
    assert "installing sprocket==1.5" in build.said
    assert len(build.entries()) == 2


def test_a_requirement_from_the_index_may_break_a_bound_which_is_told_each_time(
    build: Builder,
) -> None:
    arm = build("HEAD+iniconfig==2.1.0")
    assert arm.packages["iniconfig"] == "2.1.0"
    (note,) = [text for text in build.said if "as asked" in text]
    assert "`lake` requires `iniconfig>=2,<2.1`" in note
    build("HEAD+iniconfig==2.1.0")
    assert build.said == [note]


@pytest.mark.more  # by day over its bounds
def test_a_requirement_wins_over_the_projects_own_constraints(build: Builder) -> None:
    pyproject = build.repository.path / "pyproject.toml"
    settings = 'override-dependencies = ["sprocket==2.0"]\nconstraint-dependencies = ["sprocket>1"]'
    pyproject.write_text(pyproject.read_text() + settings)
    build.repository.lock()
    build.repository.commit("Insist")
    assert build("HEAD").packages["sprocket"] == "2.0"
    assert build("HEAD+sprocket==1.0").packages["sprocket"] == "1.0"


INDEX = """[[tool.uv.index]]
name = "ours"
url = "wheels"
format = "flat"
cache-control = { api = "max-age=600" }
"""


@pytest.mark.parametrize("settings", few(['find-links = ["wheels"]', INDEX], INDEX))
def test_requirements_are_looked_for_where_the_project_looks(build: Builder, settings: str) -> None:
    pyproject = build.repository.path / "pyproject.toml"
    pyproject.write_text(pyproject.read_text().replace('find-links = ["wheels"]', settings))
    backend.make_wheel(
        build.repository.path / "wheels", "neuralake_only_here", "3.0", {"only_here.py": ""}
    )
    build.repository.lock()
    build.repository.commit("Keep another wheel")
    arm = build("HEAD+Neuralake.Only_Here==3.0")
    assert arm.packages["neuralake-only-here"] == "3.0"


def test_a_wheel_stands_for_a_requirement(
    build: Builder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "c++ #1"  # what an address would spell otherwise
    wheel = backend.make_wheel(place, "sprocket", "2.0", {"sprocket.py": "VERSION = 'mine'\n"})
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    monkeypatch.chdir(place)
    arm = build("HEAD+./sprocket-2.0-py3-none-any.whl")
    assert evaluate(arm, "sprocket.VERSION", "sprocket") == "mine"
    assert arm.packages["sprocket"] == f"2.0 (sha256:{digest[:12]}…)"
    assert build(f"HEAD+{wheel}").directory == arm.directory
    assert build(f"HEAD+sprocket @ {wheel.as_uri()}").directory == arm.directory


def test_a_wheel_is_known_by_its_content(build: Builder, tmp_path: Path) -> None:
    code = {"sprocket.py": "VERSION = 'mine'\n"}
    wheel = backend.make_wheel(tmp_path, "sprocket", "2.0", code)
    stat = wheel.stat()
    first = build(f"HEAD+{wheel}")
    backend.make_wheel(tmp_path, "sprocket", "2.0", {"sprocket.py": "VERSION = 'ours'\n"})
    os.utime(wheel, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    second = build(f"HEAD+{wheel}")
    assert evaluate(first, "sprocket.VERSION", "sprocket") == "mine"
    assert evaluate(second, "sprocket.VERSION", "sprocket") == "ours"


@pytest.mark.more  # by day as wheels are
def test_a_wheel_may_be_called_anything(build: Builder, tmp_path: Path) -> None:
    made = backend.make_wheel(
        tmp_path,
        "sprocket",
        "2.1.dev3+gab12",
        {"sprocket.py": ""},
        extras={"more": "iniconfig==2.1.0"},
    )
    wheel = made.rename(tmp_path / "sprocket-dev.whl")
    arm = build(f"HEAD+{wheel}[more]")
    assert arm.packages["sprocket"].startswith("2.1.dev3+gab12 (sha256:")
    assert arm.packages["iniconfig"] == "2.1.0"


def test_neuralake_itself_may_come_from_a_requirement(build: Builder, tmp_path: Path) -> None:
    wheel = backend.make_wheel(tmp_path, "neuralake-bench", "10", {"neuralake.py": "ANSWER = 10\n"})
    assert evaluate(build(f"HEAD+{wheel}"), "neuralake.ANSWER", "neuralake") == "10"


@pytest.fixture
def sign(build: Builder, tmp_path: Path) -> Path:
    """A file that a build of HEAD makes, and whose end it waits for."""
    sign = tmp_path / "building"
    build.repository.commit("Take long", {"slow": str(sign)})
    return sign


def test_what_a_killed_build_left_is_built_again(
    build: Builder, build_elsewhere: BuildElsewhere, sign: Path
) -> None:
    with build_elsewhere("HEAD") as process:
        until(sign.exists)
        process.kill()
    assert process.returncode == -signal.SIGKILL
    (key,) = build.entries()
    assert not (build.cache / "arms" / key / "ready.json").exists()
    with build_elsewhere("HEAD") as process:
        assert process.stdout
        # what the killed process had started still works there
        assert process.stdout.readline().startswith("waiting for another process")
        sign.unlink()
        until(sign.exists)
        sign.unlink()
        *_, answer = process.stdout
    assert process.returncode == 0
    assert build.entries() == {key}
    assert Path(answer.strip()) == build("HEAD").python
    assert evaluate(build("HEAD"), "lake.ANSWER", "lake") == "2"


def test_nothing_is_left_of_an_interrupted_build(
    build: Builder, build_elsewhere: BuildElsewhere, sign: Path
) -> None:
    with build_elsewhere("HEAD") as process:
        until(sign.exists)
        process.send_signal(signal.SIGINT)
        process.wait()
        sign.unlink()
    assert process.returncode not in (0, None)
    assert build.entries() == set()
    build.repository.commit("Take no time", {"slow": None})
    assert build("HEAD").packages["lake"] == "0.1"


@pytest.mark.more  # by day one waits for what another has left
def test_two_processes_build_an_arm_once(
    build: Builder, build_elsewhere: BuildElsewhere, sign: Path
) -> None:
    with build_elsewhere("HEAD") as first:
        until(sign.exists)
        with build_elsewhere("HEAD") as second:
            assert second.stdout and first.stdout
            assert second.stdout.readline().startswith("waiting for another process")
            sign.unlink()
            said, answer = second.stdout.read(), first.stdout.read()
    assert (first.returncode, second.returncode) == (0, 0)
    assert said == answer.splitlines(keepends=True)[-1]
    assert not sign.exists()


@pytest.mark.parametrize(
    "content", few([b"", b"{}", b'{"packages": 1}', b"\xff", b'{"packages": {'], b"\xff")
)
def test_a_mark_that_cannot_be_read_is_none(build: Builder, content: bytes) -> None:
    mark = build("HEAD").directory.parent / "ready.json"
    mark.write_bytes(content)
    arm = build("HEAD")
    assert any("building" in text for text in build.said)
    assert arm.packages["lake"] == "0.1"


@pytest.mark.more  # by day one whose mark cannot be read
def test_an_environment_whose_interpreter_is_gone_is_built_again(build: Builder) -> None:
    python = build("HEAD").python
    python.unlink()
    python.symlink_to("/nowhere/python")
    assert evaluate(build("HEAD"), "lake.ANSWER", "lake") == "2"


def test_a_failed_build_says_why_and_spoils_nothing(build: Builder) -> None:
    build.repository.commit("Break it", {"broken": "no compiler at https://me:hunter2@host/x"})
    message = failure(build, "HEAD")
    commit = build.repository.git("rev-parse", "--short=10", "HEAD")
    assert message.startswith(f"commit {commit} (Break it) cannot be built: RuntimeError: no comp")
    assert "Traceback" in log_named_in(message)
    assert "hunter2" not in message + log_named_in(message)
    assert build("HEAD~1").packages["lake"] == "0.1"
    build.repository.commit("Mend it", {"broken": None})
    assert build("HEAD").packages["lake"] == "0.1"


@pytest.mark.parametrize(
    ("requirement", "reason"),
    few(
        [
            ("sprocket==99", "Because there is no version of sprocket==99"),
            ("neuralake-no-such-package", "neuralake-no-such-package was not found"),
            ("sprocket==1.0+sprocket==2.0", "you require sprocket==1.0 and sprocket==2.0"),
            ("sprocket==1.x.y", "Failed to parse: `sprocket==1.x.y`"),
        ]
    ),
)
def test_requirements_that_do_not_resolve(build: Builder, requirement: str, reason: str) -> None:
    message = failure(build, f"HEAD+{requirement}")
    assert f"{requirement.replace('+', ', ')} cannot be installed: " in message
    assert reason in message
    assert reason in log_named_in(message)


def test_a_wheel_of_another_platform(build: Builder, tmp_path: Path) -> None:
    wheel = backend.make_wheel(tmp_path, "sprocket", "2.0", {}, tag="cp311-cp311-win_amd64")
    message = failure(build, f"HEAD+{wheel}")
    assert f"{wheel.name} cannot be installed: " in message
    assert "compatible with Windows" in message


@pytest.mark.parametrize(
    ("content", "reason"), [(None, "there is no wheel"), (b"hello", "is not a wheel")]
)
def test_a_wheel_that_is_none_is_refused_before_anything_is_built(
    build: Builder, tmp_path: Path, content: bytes | None, reason: str
) -> None:
    wheel = tmp_path / "sprocket-2.0-py3-none-any.whl"
    if content is not None:
        wheel.write_bytes(content)
    message = failure(build, f"HEAD+{wheel}")
    assert reason in message
    assert str(wheel) in message
    assert build.said == []


def test_an_archive_that_is_no_wheel(build: Builder, tmp_path: Path) -> None:
    wheel = backend.make_wheel(tmp_path, "../sprocket", "2.0", {})
    assert "is not a wheel" in failure(build, f"HEAD+{wheel}")


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        (
            {"uv.lock": None},
            "has no uv.lock and no pylock.toml and no requirements.txt at the top of the repos",
        ),
        (
            {"uv.lock": None, "pyproject.toml": None},
            "has no pyproject.toml and no lock file at the top of the repository",
        ),
        ({"uv.lock": "[["}, "the uv.lock of commit"),
        ({"uv.lock": "version = 99\n"}, "the uv.lock of commit"),
        ({"pyproject.toml": "[["}, "Failed to parse: pyproject.toml"),
    ],
)
def test_a_commit_that_cannot_be_built(
    build: Builder, files: dict[str, str | None], reason: str
) -> None:
    build.repository.commit("Break it", files)
    message = failure(build, "HEAD")
    assert reason in message
    assert "(Break it)" in message


def test_a_commit_for_another_python(build: Builder) -> None:
    for name in ("pyproject.toml", "uv.lock"):
        path = build.repository.path / name
        path.write_text(path.read_text().replace(">=3.11", ">=4"))
    build.repository.commit("Wait for Python 4")
    message = failure(build, "HEAD")
    assert "incompatible with the project's Python requirement: `>=4`" in message


def test_a_lock_file_that_is_out_of_date_is_used_and_told(build: Builder) -> None:
    pyproject = (build.repository.path / "pyproject.toml").read_text()
    build.repository.commit(
        "Forget to lock", {"pyproject.toml": pyproject.replace("sprocket>=1", "sprocket>=1,<2")}
    )
    assert build("HEAD").packages["sprocket"] == "2.0"
    assert any("out of date" in text for text in build.said)
    build("HEAD~1")
    assert not any("out of date" in text for text in build.said)


def test_an_environment_without_neuralake(build: Builder) -> None:
    pyproject = (build.repository.path / "pyproject.toml").read_text()
    (build.repository.path / "pyproject.toml").write_text(
        pyproject.replace('"neuralake-bench", ', "")
    )
    build.repository.lock()
    build.repository.commit("Do without")
    message = failure(build, "HEAD")
    assert "(Do without) has no neuralake-bench: add neuralake-bench to the project" in message


STRANGER = {"neuralake/__init__.py": "", "neuralake/core.py": ""}


def test_another_projects_neuralake_is_none(build: Builder) -> None:
    pyproject = (build.repository.path / "pyproject.toml").read_text()
    backend.make_wheel(build.repository.path / "wheels", "neuralake", "0.0.5", STRANGER)
    (build.repository.path / "pyproject.toml").write_text(
        pyproject.replace('"neuralake-bench", ', '"neuralake", ')
    )
    build.repository.lock()
    build.repository.commit("Take the name for the thing")
    message = failure(build, "HEAD")
    assert "has no neuralake-bench, and its neuralake 0.0.5 is another project's: add" in message


def test_another_projects_neuralake_over_ours(build: Builder, tmp_path: Path) -> None:
    wheel = backend.make_wheel(tmp_path, "neuralake", "0.0.5", STRANGER)
    message = failure(build, f"HEAD+{wheel}")
    assert "has both neuralake-bench and neuralake 0.0.5, another project's package" in message


def test_a_commit_from_before_the_distribution_was_renamed(build: Builder, tmp_path: Path) -> None:
    pyproject = (build.repository.path / "pyproject.toml").read_text()
    backend.make_wheel(
        build.repository.path / "wheels", "neuralake", "0.1", {"neuralake/compare/agent.py": ""}
    )
    (build.repository.path / "pyproject.toml").write_text(
        pyproject.replace('"neuralake-bench", ', '"neuralake", ')
    )
    build.repository.lock()
    build.repository.commit("Use what was called so")
    assert build("HEAD").packages["neuralake"] == "0.1"


@pytest.mark.parametrize(
    "revision", ["nosuch", "HEAD~99", "0" * 40, "HEAD:src", "HEAD~1..HEAD", "main@{99}"]
)
def test_a_revision_that_is_no_commit(build: Builder, revision: str) -> None:
    message = failure(build, revision)
    assert f"revision '{revision}' is no commit of {build.repository.path}" in message
    assert "git fetch" in message


def test_a_dirty_work_tree_is_refused_where_its_commit_is_measured(build: Builder) -> None:
    path = build.repository.path
    (path / "untracked.txt").write_text("not counted\n")
    os.utime(path / "src" / "lake.py")
    build("HEAD")
    (path / "src" / "lake.py").write_text("ANSWER = 3\n")
    with pytest.raises(ArmError, match=r"differs from HEAD, .*, in src/lake\.py: commit or stash"):
        build("HEAD")
    with pytest.raises(ArmError, match="differs from main"):
        build("main+sprocket==1.0")
    assert evaluate(build("HEAD~1"), "lake.ANSWER", "lake") == "1"
    assert evaluate(build("HEAD", allow_dirty=True), "lake.ANSWER", "lake") == "2"
    assert build.said == ["not measured, since not committed: changes of src/lake.py"]


def test_what_is_staged_makes_it_dirty_too_and_three_files_are_named(build: Builder) -> None:
    path = build.repository.path
    for name in ("a", "b", "c", "d"):
        (path / name).write_text("new\n")
    build.repository.git("add", "--all")
    (path / "queries" / "q1.sql").unlink()
    message = failure(build, "HEAD")
    assert re.search(r"in ((a|b|c|d|queries/q1\.sql)(, )?){3} and 2 more: commit", message)


def test_a_lock_file_of_git_is_left_alone(build: Builder) -> None:
    (build.repository.path / ".git" / "index.lock").touch()  # as while another git works
    assert build("HEAD").packages["lake"] == "0.1"


def test_a_cache_that_cannot_be_written(build: Builder) -> None:
    build.cache.write_text("a file\n")
    with pytest.raises(ArmError, match=r"an arm cannot be built: .*cache.*: Not a directory"):
        build("HEAD")


def test_settings_of_the_users_own_environment_change_nothing(
    build: Builder, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    foreign = {
        "VIRTUAL_ENV": str(tmp_path / "venv"),
        "UV_PROJECT_ENVIRONMENT": str(tmp_path / "venv"),
        "UV_LOCKED": "1",
        "UV_NO_INSTALL_PROJECT": "1",
        "UV_PYTHON": "3.99",
        "PYTHONPATH": str(tmp_path),
        "GIT_DIR": str(tmp_path / "nowhere"),
        "GIT_INDEX_FILE": str(tmp_path / "index"),
    }
    for name, value in foreign.items():
        monkeypatch.setenv(name, value)
    assert build("HEAD").packages["lake"] == "0.1"
    assert not (tmp_path / "venv").exists()
    assert not (tmp_path / "index").exists()


def test_without_uv(monkeypatch: pytest.MonkeyPatch) -> None:
    assert find_uv().is_file()
    monkeypatch.setitem(sys.modules, "uv", None)
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(ArmError, match="uv, which is not installed: pip install"):
        find_uv()


def test_a_uv_that_does_not_run(build: Builder, tmp_path: Path) -> None:
    for program in (tmp_path / "nowhere", Path("/bin/false")):
        with pytest.raises(ArmError, match="uv cannot be run"):
            build_arm(
                parse_arm("HEAD"),
                repository=build.repository.path,
                cache=build.cache,
                say=print,
                uv=program,
            )


def test_arms_used_last_are_kept_and_those_in_use(build: Builder) -> None:
    arms = [build(f"HEAD+sprocket=={version}") for version in ("1.0", "1.5", "2.0")]
    for age, arm in enumerate(arms):
        os.utime(arm.directory.parent / "ready.json", (age, age))
    oldest, middle, newest = (arm.directory.parent for arm in arms)
    with hold(arms[0]):
        prune(build.cache, 1)
    assert build.entries() == {oldest.name, newest.name}
    build("HEAD+sprocket==1.0")
    assert build.said == []
    prune(build.cache, 1)
    assert build.entries() == {oldest.name}
    with pytest.raises(ArmError, match=r"was removed since it was built"), hold(arms[1]):
        pass
    left = {path.name.partition(".")[0] for path in (build.cache / "arms").iterdir()}
    assert newest.name not in left
    assert build("HEAD+sprocket==1.5").directory.parent == middle


def test_the_last_eight_stay(build: Builder) -> None:
    for age in range(8):
        entry = build.cache / "arms" / f"{age:024x}"
        entry.mkdir(parents=True)
        (entry / "ready.json").touch()
        os.utime(entry / "ready.json", (age, age))
    build("HEAD")
    assert len(build.entries()) == 8
    assert f"{0:024x}" not in build.entries()


@pytest.mark.more
def test_this_repository_is_an_arm(tmp_path_factory: pytest.TempPathFactory) -> None:
    """A clone of HEAD, so that the work tree may be anything."""
    directory = tmp_path_factory.mktemp("real")
    clone = directory / "neuralake"
    subprocess.run(["git", "clone", "--quiet", "--no-hardlinks", ROOT, clone], check=True)
    arm = build_arm(
        parse_arm("HEAD"), repository=find_repository(clone), cache=directory, say=print
    )
    place = Path(evaluate(arm, "neuralake.__file__", "neuralake.cli"))
    assert place.is_relative_to(arm.python.parents[1])
    assert (arm.directory / "neuralake" / "__init__.py").is_file()
    assert {"polars", "datafusion", "deltalake", "pyspark"} <= set(arm.packages)
    assert "mypy" not in arm.packages
