"""When requests are due: a load, and a low rate around it."""

from __future__ import annotations

from typing import Literal

from hypothesis import given
from hypothesis import strategies as st

from neuralake.workloads.serving.pace import Pace

S = 1_000_000_000


@given(
    per_second=st.floats(1, 5000),
    low=st.floats(1, 100),
    before_ms=st.integers(0, 500),
    load_ms=st.integers(1, 500),
    after_ms=st.integers(0, 500),
    kind=st.sampled_from(["constant", "poisson"]),
)
def test_the_load_begins_at_0_and_the_low_rate_lies_around_it(
    per_second: float,
    low: float,
    before_ms: int,
    load_ms: int,
    after_ms: int,
    kind: Literal["constant", "poisson"],
) -> None:
    before_ns, load_ns, after_ns = (ms * 1_000_000 for ms in (before_ms, load_ms, after_ms))
    pace = Pace(kind, per_second, load_ns, low, before_ns, after_ns, seed=3)
    moments = list(pace.moments())
    assert moments == sorted(moments)
    before = [at for at in moments if at < 0]
    load = [at for at in moments if 0 <= at < load_ns]
    after = [at for at in moments if at >= load_ns]
    assert all(-before_ns <= at for at in before)
    assert all(at < load_ns + after_ns for at in after)
    assert load[0] == 0
    for found, length_ns in ((before, before_ns), (after, after_ns)):
        assert abs(len(found) - low * length_ns / S) <= 1
    if kind == "constant":
        assert abs(len(load) - per_second * load_ns / S) <= 1


def test_without_a_low_rate_there_is_the_load_alone() -> None:
    assert list(Pace("constant", 10, S).moments()) == [n * S // 10 for n in range(10)]
