"""Whole comparisons are played from recorded counts, with rounds planned on the way."""

from __future__ import annotations

import random

import numpy as np

from benchmarks.detection.counted import Counted
from benchmarks.detection.planned import play
from neuralake.arms.rounds import COUNTED

QUERIES = ("q01", "q02", "q03")


def recorded(noise: float) -> Counted:
    """Twenty processes of twelve rounds of 1.5 s, which start in 14 s."""
    rng = np.random.default_rng(1)
    counts = 1e9 * np.exp(rng.normal(0, noise, (20, 12, len(QUERIES))))
    return Counted("polars", QUERIES, counts, np.full(20, 32.0), 1.5)


def test_the_plan_follows_the_noise_and_the_time() -> None:
    quiet = play(recorded(0.0001), 174, {}, random.Random(1))
    assert (quiet.open, quiet.units, quiet.suite.verdict) == (0, 3, "same work")
    assert quiet.seconds == 3 * (14 + COUNTED.first * 1.5)
    noisy = play(recorded(0.004), 174, {}, random.Random(1))
    assert noisy.suite.pairs >= noisy.units * COUNTED.most
    assert 3 * (14 + COUNTED.most * 1.5) <= noisy.seconds <= 174
    hopeless = play(recorded(0.2), 174, {}, random.Random(1))
    assert hopeless.open


def test_what_does_more_work_is_found() -> None:
    played = play(recorded(0.0005), 174, {"q02": 1.01}, random.Random(1))
    assert [c.verdict for c in played.queries] == ["same work", "more work", "same work"]
    ratio = played.queries[1].ratio
    assert ratio is not None
    assert 1.009 < ratio < 1.011
