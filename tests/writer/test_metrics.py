"""What the processes count is summed up, and told as Prometheus reads it."""

from __future__ import annotations

import urllib.request

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from neuralake.errors import SourceError
from neuralake.writer.metrics import (
    BUCKETS_S,
    COUNTERS,
    GAUGES,
    PREFIX,
    Figures,
    Tally,
    Totals,
    serve_metrics,
)


def read(url: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    with urllib.request.urlopen(url) as answer:
        text = answer.read().decode()
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_counters_do_not_fall_when_a_process_is_started_again() -> None:
    totals = Totals("events")
    for _ in range(2):  # each life of a process begins at nothing
        tally = Tally()
        tally.count(rows=10, commits=1)
        tally.set(files=3)
        totals.add(tally.take())
        tally.count(rows=5)
        totals.add(tally.take())
    assert totals.figures.counters == {"rows": 30, "commits": 2}
    assert totals.figures.gauges == {"files": 3}


def test_what_was_taken_is_not_told_again() -> None:
    tally = Tally()
    tally.count(rows=1)
    tally.observe({"commit": 5})
    assert tally.take().counters == {"rows": 1}
    assert tally.take() == Figures()


@given(st.lists(st.floats(0, 60), min_size=1))
def test_a_histogram_is_what_was_observed(durations_s: list[float]) -> None:
    tally = Tally()
    for duration_s in durations_s:
        tally.observe({"commit": round(duration_s * 1e9)})
    totals = Totals("events")
    totals.add(tally.take())
    (family,) = (f for f in totals.collect() if f.name == f"{PREFIX}_append_seconds")
    found = {s.labels.get("le", s.name): s.value for s in family.samples}
    for bound in BUCKETS_S:
        assert found[str(bound)] == sum(round(d * 1e9) / 1e9 <= bound for d in durations_s)
    assert found["+Inf"] == found[f"{PREFIX}_append_seconds_count"] == len(durations_s)
    assert found[f"{PREFIX}_append_seconds_sum"] == pytest.approx(sum(durations_s), abs=1e-6)


def test_prometheus_reads_every_metric() -> None:
    totals = Totals("events")
    tally = Tally()
    tally.count(**dict.fromkeys(COUNTERS, 2))
    tally.set(**dict.fromkeys(GAUGES, 3))
    totals.add(tally.take())
    totals.restarts["append"] = 4
    found = read(serve_metrics(totals, 0))
    table = ("table", "events")
    for name in COUNTERS:
        assert found[f"{PREFIX}_{name}_total", (table,)] == 2
    for name in GAUGES:
        assert found[f"{PREFIX}_{name}", (table,)] == 3
    assert found[f"{PREFIX}_restarts_total", (("process", "append"), table)] == 4


def test_a_port_in_use_is_told() -> None:
    url = serve_metrics(Totals("events"), 0)
    port = int(url.split(":")[2].split("/")[0])
    with pytest.raises(SourceError, match=f"cannot serve metrics on 127.0.0.1:{port}: Address"):
        serve_metrics(Totals("events"), port)
