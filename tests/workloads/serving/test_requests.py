"""What is asked, and how often each key."""

from __future__ import annotations

import itertools
from collections import Counter

import pytest

from neuralake.errors import LoadError
from neuralake.results.serving.records import Keys, Mix
from neuralake.workloads.serving.requests import KINDS, Requests, parse_mix

MANY = 20_000


def keys(skew: Keys, rows: int, seed: int = 1) -> list[int]:
    drawn = Requests(Mix({"point": 1.0}, skew, rows)).draw(seed)
    return [request.key for request in itertools.islice(drawn, MANY)]


def test_zipf_asks_a_few_keys_often_and_uniform_none() -> None:
    """Of 1,000 keys the most frequent has 1 ÷ Σ k^-0.99 of them, the second about half as many."""
    harmonic = sum(k**-0.99 for k in range(1, 1001))
    (first, often), (_, second), *_ = Counter(keys("zipf", 1000)).most_common()
    assert often / MANY == pytest.approx(1 / harmonic, rel=0.1)
    assert second / MANY == pytest.approx(2**-0.99 / harmonic, rel=0.15)
    assert first != 0  # scattered over the table
    ((_, most), *_) = Counter(keys("uniform", 1000)).most_common()
    assert most < 60


def test_zipf_asks_the_same_keys_often_whatever_the_seed() -> None:
    often = [Counter(keys("zipf", 1000, seed)).most_common(1)[0][0] for seed in (1, 2, 3)]
    assert len(set(often)) == 1
    assert keys("zipf", 1000, 1) == keys("zipf", 1000, 1) != keys("zipf", 1000, 2)


@pytest.mark.parametrize("skew", ["zipf", "uniform"])
@pytest.mark.parametrize("rows", [1, 2, 17])
def test_every_key_is_one_of_the_table(skew: Keys, rows: int) -> None:
    assert set(keys(skew, rows)) == set(range(rows))


def test_a_mix_has_its_shares() -> None:
    mix = parse_mix("point=3, aggregate=1", "zipf", 100)
    assert mix.weights == {"point": 0.75, "aggregate": 0.25}
    drawn = list(itertools.islice(Requests(mix).draw(1), MANY))
    found = Counter(KINDS[request.kind] for request in drawn)
    assert found["point"] / MANY == pytest.approx(0.75, abs=0.02)
    assert set(found) == {"point", "aggregate"}


def test_equal_requests_are_one_text() -> None:
    requests = Requests(parse_mix("point,aggregate", "uniform", 10))
    texts = {request: requests.sql(request) for request in itertools.islice(requests.draw(1), 500)}
    assert len(set(texts.values())) == len(texts)
    assert "SELECT * FROM events WHERE id = 7" in texts.values()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("pint", "unknown kind of request 'pint'.*did you mean point"),
        ("point,point", "kind of request point is named twice"),
        ("point=0", "'point=0' has no weight"),
        ("point=", "'point=' has no weight"),
        ("point=nan", "has no weight"),
        ("", "unknown kind of request ''"),
    ],
)
def test_a_mix_that_cannot_be_is_refused(text: str, said: str) -> None:
    with pytest.raises(LoadError, match=said):
        parse_mix(text, "zipf", 100)
