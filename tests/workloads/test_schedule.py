"""When something is due in an open loop."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuralake.workloads.schedule import MonotonicClock, arrivals

MS = 1_000_000
S = 1_000_000_000


@given(rate=st.floats(0.5, 1e5), count=st.integers(1, 500))
def test_constant_arrivals_are_even_and_their_errors_do_not_add_up(rate: float, count: int) -> None:
    moments = list(itertools.islice(arrivals("constant", rate, 1), count))
    assert moments[0] == 0
    for number, moment in enumerate(moments):
        assert abs(moment - number * S / rate) <= 1


@given(rate=st.floats(10, 1e5), seed=st.integers(0, 2**31))
def test_poisson_arrivals_are_of_the_rate_and_go_forward(rate: float, seed: int) -> None:
    moments = np.array(list(itertools.islice(arrivals("poisson", rate, seed), 4000)))
    distances = np.diff(moments)
    assert moments[0] == 0
    assert (distances >= 0).all()
    # mean and standard deviation of an exponential are equal; five standard errors
    assert distances.mean() == pytest.approx(S / rate, rel=5 / 4000**0.5)
    assert distances.std() == pytest.approx(S / rate, rel=0.2)


def test_poisson_arrivals_are_the_same_from_the_same_seed() -> None:
    first, again, other = (
        list(itertools.islice(arrivals("poisson", 100, seed), 3000)) for seed in (1, 1, 2)
    )
    assert first == again != other


def test_a_closed_loop_has_no_moments() -> None:
    with pytest.raises(ValueError, match="in a closed loop"):
        next(arrivals("closed", 1, 1))


def test_the_machines_clock_goes_on_and_never_wakes_early() -> None:
    clock = MonotonicClock()
    moment = clock.now_ns() + 2 * MS
    clock.sleep_until(moment)
    assert clock.now_ns() >= moment
    clock.sleep_until(moment - S)  # past: at once
