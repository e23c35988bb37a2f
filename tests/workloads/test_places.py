"""Where tables of a run lie, and when they go."""

from __future__ import annotations

from pathlib import Path

from neuralake.workloads.places import LateRemoval, Target


def test_tables_that_are_done_with_go_as_late_as_there_is_room_for(tmp_path: Path) -> None:
    removal = LateRemoval(most_bytes=250)
    left = []
    for name in ("a", "b", "c", "d"):
        (tmp_path / name / "_delta_log").mkdir(parents=True)
        (tmp_path / name / "part.parquet").write_bytes(b"x" * 90)
        (tmp_path / name / "_delta_log" / "0.json").write_bytes(b"x" * 10)
        removal.remove(Target(str(tmp_path / name)))
        left.append("".join(sorted(path.name for path in tmp_path.iterdir())))
    assert left == ["a", "ab", "bc", "cd"]
    removal.remove(Target(str(tmp_path / "none")))
    removal.remove(Target(str(tmp_path / "none")))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["c", "d"]


def test_one_that_is_larger_than_what_may_wait_goes_at_once(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "part.parquet").write_bytes(b"x" * 300)
    LateRemoval(most_bytes=250).remove(Target(str(tmp_path / "a")))
    assert not (tmp_path / "a").exists()
