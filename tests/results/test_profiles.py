"""Profiles: what each function executed itself, and what took more."""

from __future__ import annotations

from pathlib import Path

import pytest

from neuralake.errors import ResultsError
from neuralake.results.profiles import (
    Growth,
    grown,
    profile_path,
    read_profile,
    remove_profiles,
    require_place,
)

# As callgrind writes it: names once, positions relative, calls with their inclusive cost
PROFILE = """\
# callgrind format
version: 1
creator: callgrind-3.19.0
pid: 1
cmd:  python
part: 3

desc: Trigger: Client Request

positions: line
events: Ir Dr
summary: 1311 30


ob=(1) /lib/engine.so
fl=(1) join.rs
fn=(1) <engine::Join as engine::Node>::run
10 5 1
+1 6
cob=(2) /lib/libc.so.6
cfi=(2) malloc.c
cfn=(2) malloc
calls=2 0
* 1000 20
-3 100 2
fi=(3) inlined.rs
7 200 3

fn=(3) engine::sort'2
1 10
jcnd=3/4 +1
+1
fn=(4) engine::sort::h0123456789abcdef
1 20
fn=(5) engine::sort [clone .lto_priv.0] [clone .cold]
1 30
fn=(6) 0x0000000004936718
0 7
fn=(7) 0x0000000004936718'2
0 8

ob=(2)
fl=(2)
fn=(2)
40 900
+2 25
"""


def profile(path: Path, text: str = PROFILE) -> Path:
    path.write_text(text)
    return path


def test_a_function_has_what_it_executed_itself(tmp_path: Path) -> None:
    found = read_profile(profile(tmp_path / "a"))
    assert found == {
        "<engine::Join as engine::Node>::run": 311,
        "engine::sort": 60,
        "without a name in engine.so": 15,
        "malloc": 925,
    }
    assert found.total() == 1311  # as the file itself says


def test_instructions_may_stand_behind_other_events_and_positions(tmp_path: Path) -> None:
    text = "positions: instr line\nevents: Dr Ir\nfn=main\n0x10 5 1 70\n+3 +1 2 30\n* * 4\n"
    assert read_profile(profile(tmp_path / "a", text)) == {"main": 100}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("hello\n", "is no profile: expected a file of callgrind's"),
        ("", "is no profile"),
        ("events: Dr Dw\n", "has no instructions: expected the event Ir"),
    ],
)
def test_what_is_no_profile_is_said(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ResultsError, match=said):
        read_profile(profile(tmp_path / "a", text))
    with pytest.raises(ResultsError, match="cannot be read: No such file"):
        read_profile(tmp_path / "absent")


def test_what_grew_most_comes_first_and_what_shrank_last() -> None:
    base = [{"same": 500, "grows": 90, "shrinks": 400}, {"same": 500, "grows": 110, "shrinks": 400}]
    candidate = [{"same": 500, "grows": 130, "shrinks": 380, "new": 50}]
    assert grown(base, candidate) == (
        Growth("new", 0, 50, 0.05),
        Growth("grows", 100, 130, 0.03),
        Growth("shrinks", 400, 380, -0.02),
    )
    assert [g.function for g in grown(base, candidate, most=1)] == ["new"]
    assert grown(base, base) == ()


def test_a_file_is_named_after_its_query_whatever_that_is_called(tmp_path: Path) -> None:
    assert profile_path(tmp_path, "polars", "q06", "base").name == "callgrind.out.polars-q06-base"
    for query in ("a b/c", "Größe", "x" * 255):
        profile(profile_path(tmp_path, "polars", query, "candidate"))
    assert len(list(tmp_path.iterdir())) == 3


def test_what_an_earlier_comparison_left_is_not_taken_for_this_one_s(tmp_path: Path) -> None:
    place = tmp_path / "new" / "profiles"
    require_place(place)
    for query in ("a", "b"):
        for side in ("base", "candidate"):
            profile(profile_path(place, "polars", query, side))
    (place / "notes.txt").write_text("mine")
    remove_profiles(place, "polars", ["a", "c"], ("base", "candidate"))
    kept = {path.name for path in place.iterdir()}
    assert kept == {"notes.txt", *(f"callgrind.out.polars-b-{s}" for s in ("base", "candidate"))}


def test_a_directory_in_which_no_profile_can_be_kept_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for place, reason in ((tmp_path / "file", "File exists"), (tmp_path / "file" / "x", "Not a ")):
        with pytest.raises(ResultsError, match=f"profiles cannot be kept in {place}: {reason}"):
            require_place(place)
    profile_path(tmp_path, "polars", "a", "base").mkdir()
    with pytest.raises(ResultsError, match="cannot be removed: Is a directory"):
        remove_profiles(tmp_path, "polars", ["a"], ["base"])
