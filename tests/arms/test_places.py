"""Where an arm runs, and what counts in it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from neuralake.arms.arm import parse_arm
from neuralake.arms.build import Arm
from neuralake.arms.places import place_of
from neuralake.arms.request import Request
from neuralake.arms.terms import Terms
from neuralake.measure.callgrind import Callgrind
from neuralake.measure.massif import Massif
from neuralake.stats.paired import Question


@pytest.mark.parametrize(
    ("by", "asked", "expected"),
    [
        ("time", {}, None),
        ("instructions", {}, Massif),
        # which massif has none of
        ("instructions", {"cache_sim": True}, Callgrind),
        ("instructions", {"profiles": Path("profiles")}, Callgrind),
    ],
)
def test_what_counts_tells_what_is_asked_for(
    by: Any, asked: dict[str, Any], expected: type[object] | None, tmp_path: Path
) -> None:
    arm = Arm(parse_arm("HEAD"), tmp_path, None, "", tmp_path, Path("python"), {})
    request = Request(
        *("HEAD", "HEAD", (), Terms(Question(), 60.0, by=by), None, tmp_path, None, None, False),
        *(tmp_path, tmp_path, tmp_path),
    )
    counting = place_of("base", arm, replace(request, **asked), None, tmp_path).counting
    assert type(counting) is (expected or type(None))
    if counting is not None:
        assert counting.log == tmp_path / "logs" / "base-valgrind.log"
    if isinstance(counting, Callgrind):
        assert counting.cache_sim is asked.get("cache_sim", False)
