"""Directories that go with their process, however it ends."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest

from neuralake.measure.scratch import Scratch, remove_abandoned
from tests.more import often

HOLD = """
import sys
from neuralake.measure.scratch import Scratch
scratch = Scratch()
(scratch.directory / "spilled").write_text("rows")
print(scratch.directory, flush=True)
sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    return tmp_path


def test_it_is_removed_with_all_that_is_in_it() -> None:
    scratch = Scratch()
    (scratch.directory / "deep").mkdir()
    (scratch.directory / "deep" / "file").write_text("x")
    scratch.remove()
    scratch.remove()
    assert not scratch.directory.exists()


def test_what_a_killed_process_leaves_is_removed_by_the_next(place: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        left = Path(process.stdout.readline().strip())
        assert left.parent == place
        remove_abandoned()
        assert (left / "spilled").exists()  # it is held
        process.kill()
        process.wait()
    assert (left / "spilled").exists()
    scratch = Scratch()
    assert list(place.iterdir()) == [scratch.directory]
    scratch.remove()


def test_what_is_not_a_scratch_of_ours_is_left_alone(place: Path) -> None:
    kept = place / "kept"
    kept.mkdir()
    (kept / "file").write_text("x")
    (place / "neuralake-other").mkdir()
    (place / "neuralake-scratch-link").symlink_to(kept)
    (place / "neuralake-scratch-file").write_text("x")
    remove_abandoned()
    assert len(list(place.iterdir())) == 4
    assert (kept / "file").exists()


def test_it_may_lie_elsewhere_under_a_name_of_its_own(place: Path) -> None:
    """What other directories there are is no matter, whoever may hold them."""
    other = Scratch()
    first = Scratch(place, "staged-")
    second = Scratch(place, "staged-")
    assert first.directory.exists(), "it is held"
    first.remove()
    assert set(place.iterdir()) == {other.directory, second.directory}
    assert second.directory.name.startswith("staged-")
    for scratch in (other, second):
        scratch.remove()


def test_one_is_made_while_others_look_for_what_is_abandoned(place: Path) -> None:
    """Between its making and its locking anybody may take it for abandoned."""
    over = threading.Event()

    def look() -> None:
        while not over.is_set():
            remove_abandoned()

    threads = [threading.Thread(target=look) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(often(300, by_day=100)):
            scratch = Scratch()
            (scratch.directory / "spilled").write_text("rows")
            scratch.remove()
    finally:
        over.set()
        for thread in threads:
            thread.join()
    assert list(place.iterdir()) == []
