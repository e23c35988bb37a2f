"""Mutants of the core: they are put where they matter, and too many survivors fail."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from benchmarks.mutants.outcomes import Outcome, report
from benchmarks.mutants.places import annotated
from benchmarks.mutants.targets import TARGETS

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("module", TARGETS)
def test_what_is_mutated_is_there_and_has_tests(module: str) -> None:
    assert (ROOT / module).is_file()
    for tests in TARGETS[module].split():
        assert (ROOT / tests).exists(), tests


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("x: int | None = 1 | 2", ["int | None"]),
        (
            "def f(a: int | str = 1, *b: int) -> int | None: return a | 2",
            ["int | None", "int | str", "int"],
        ),
        ("T: TypeAlias = int | str", ["int | str"]),
        ("if TYPE_CHECKING: import os", ["TYPE_CHECKING"]),
        ("if flag: x = a | b", []),
        ("class C:\n    x: int | None", ["int | None"]),
    ],
)
def test_a_type_is_no_place_for_a_fault(text: str, parts: list[str]) -> None:
    lines = text.splitlines()
    found = [lines[line - 1][start:end] for (line, start), (_, end) in annotated(ast.parse(text))]
    assert sorted(found) == sorted(parts)


def outcomes(killed: int, survived: int) -> list[Outcome]:
    return [
        Outcome("m.py", line, line > killed, "- a\n+ b") for line in range(1, killed + survived + 1)
    ]


def test_a_share_below_the_least_fails_and_survivors_are_shown(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert report(outcomes(9, 1), 12, 0.9, 7) == 0
    shown = capsys.readouterr().out
    assert "m.py:10 survived\n- a\n+ b" in shown
    assert "9 of 10 mutants killed (90%; at least 90% must be), of 12 drawn with seed 7" in shown
    assert report(outcomes(8, 2), 10, 0.9, 7) == 1


def test_no_outcome_at_all_is_no_success(capsys: pytest.CaptureFixture[str]) -> None:
    assert report([], 10, 0.9, 7) == 2
    assert "before the first mutant" in capsys.readouterr().err
