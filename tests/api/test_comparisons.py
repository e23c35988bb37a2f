"""A comparison from Python: what is refused before anything is built or generated."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from neuralake import compare
from neuralake.errors import CompareError


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"effect": 0.0}, "effect: 0 is no effect: expected a fraction above 0 and below 1"),
        ({"query_effect": float("nan")}, "query effect: nan is no effect"),
        ({"max_time_s": 0.0}, "longest time is 0: expected seconds, more than 0"),
        ({"timeout_s": -1.0}, "timeout is -1: expected seconds"),
        ({"rounds": 1}, "rounds are 1: expected 2 or more"),
        ({"catalog": "catalog.py"}, "catalog goes with workload"),
        ({"workload": "q", "scale_factor": 1.0}, "workload goes without scale_factor and dataset"),
        ({"workload": "q", "dataset": "x"}, "workload goes without scale_factor and dataset"),
        ({"scale_factor": 1.0, "dataset": "x"}, "expected either scale_factor or dataset"),
    ],
)
def test_what_cannot_be_compared(place: Path, asked: dict[str, Any], said: str) -> None:
    with pytest.raises(CompareError, match=said):
        compare("HEAD", "HEAD", **asked)
    assert list(place.iterdir()) == []
