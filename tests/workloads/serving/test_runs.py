"""Runs of serving: every request is kept and checked, in real servers and drivers."""

from __future__ import annotations

import itertools
from pathlib import Path

import deltalake
import msgspec
import numpy as np
import pyarrow.compute as pc
import pytest

from neuralake.errors import LoadError
from neuralake.measure.process import living
from neuralake.results.kinds import RUN_OF_SERVING
from neuralake.results.parts import read_part
from neuralake.results.records import SCHEMA_VERSION
from neuralake.results.serving.export import SCHEMA, requests_table
from neuralake.results.serving.records import Key, Mix, Rate, ServingHeader, ServingRun
from neuralake.results.store import JOURNAL, load_as
from neuralake.starting import free_ports
from neuralake.workloads.recording import RunInterruptedError, interrupted_run
from neuralake.workloads.serving.contestants.protocol import HOST, Site
from neuralake.workloads.serving.plan import keys_of, make_plan, parse_offered
from neuralake.workloads.serving.server import ServerProcess
from neuralake.workloads.serving.serving import plan_of
from tests.results.make import FINGERPRINT
from tests.workloads.serving.conftest import Served, Witness, carry_out, load_of, plan_for


def test_the_capacity_comes_first_and_rates_are_shares_of_it(two_rates: Served) -> None:
    run = two_rates.run
    assert [c.contestant for c in run.capacities] == [*run.header.contestants]
    for capacity in run.capacities:
        assert capacity.status == "ok"
        assert capacity.per_second == max(step.per_second for step in capacity.steps)
        connections = [step.connections for step in capacity.steps]
        assert connections == [1, 2, 4, 8][: len(connections)]
    for found in run.rounds:
        known = run.capacity_of(found.key.contestant)
        assert known is not None
        assert known.per_second is not None
        assert found.offered is not None
        share = {"50%": 0.5, "200%": 2.0}[found.key.rate]
        assert found.offered == pytest.approx(share * known.per_second)
        assert found.requests == pytest.approx(0.3 * found.offered, abs=1)


def test_contestants_take_turns_at_each_rate() -> None:
    load = load_of("50%,300")
    header = ServingHeader(
        SCHEMA_VERSION, "id", "", "serving", FINGERPRINT, ("a", "b"), load, rounds=2
    )
    assert list(keys_of(header)) == [
        *(Key("a", "50%", 1), Key("b", "50%", 1), Key("a", "300", 1), Key("b", "300", 1)),
        *(Key("b", "50%", 2), Key("a", "50%", 2), Key("b", "300", 2), Key("a", "300", 2)),
    ]


def test_every_request_is_a_sample_and_every_answer_was_checked(two_rates: Served) -> None:
    assert two_rates.run.is_right
    for found in two_rates.run.rounds:
        (part,) = found.parts
        samples = read_part(two_rates.directory, part)
        load = samples.filter(pc.equal(samples["phase"], "load"))
        assert load.num_rows == found.requests
        statuses = load["status"].to_pylist()
        told = (found.answered, found.refused, found.failed, found.timeouts)
        assert tuple(map(statuses.count, ("ok", "refused", "error", "timeout"))) == told
        answered = load.filter(pc.equal(load["status"], "ok"))
        assert answered["rows"].null_count == 0  # each was read
        assert answered["digest"].null_count == 0
        intended, started, done = (
            answered[name].to_numpy() for name in ("intended_ns", "started_ns", "done_ns")
        )
        assert (intended <= started).all()
        assert (started <= done).all()
        if found.key.contestant == "in-process":
            assert set(load["kind"].to_pylist()) <= {"point", "aggregate"}
            points = answered.filter(pc.equal(answered["kind"], "point"))
            assert set(points["rows"].to_pylist()) <= {1}


def test_beyond_the_capacity_a_low_rate_lies_around_the_load(two_rates: Served) -> None:
    for found in two_rates.run.rounds:
        samples = read_part(two_rates.directory, found.parts[0])
        phases = set(samples["phase"].to_pylist()) - {"warm-up"}
        if found.key.rate == "200%":
            assert phases == {"before", "load", "after"}
            assert found.recovers is (found.recovery_ns is not None)
        else:
            assert phases == {"load"}
            assert found.recovers is None


def test_processor_time_and_memory_are_those_of_the_server(two_rates: Served) -> None:
    for found in two_rates.run.rounds:
        assert found.driver_cpu_ns
        assert found.peak_rss_bytes
        assert (found.cpu_ns is None) == (found.key.contestant == "in-process")


def test_the_export_has_a_row_for_each_request(two_rates: Served) -> None:
    table = requests_table(two_rates.run, two_rates.directory)
    assert table.schema == SCHEMA
    parts = [part for found in two_rates.run.capacities for part in found.parts]
    parts += [part for found in two_rates.run.rounds for part in found.parts]
    assert table.num_rows == sum(part.samples for part in parts)
    known = table.filter(pc.is_valid(table["done_ns"]))
    latency = known["done_ns"].to_numpy() - known["intended_ns"].to_numpy()
    assert np.array_equal(known["latency_ns"].to_numpy(), latency)
    assert set(table["phase"].to_pylist()) == {"warm-up", "search", "before", "load", "after"}


def test_nothing_is_left_of_a_run_but_its_results(two_rates: Served) -> None:
    names = {path.name for path in two_rates.directory.iterdir()}
    assert names == {"journal.jsonl", "run.json", "samples", "logs"}


def test_a_run_survives_being_written(two_rates: Served) -> None:
    run = two_rates.run
    assert msgspec.json.decode(msgspec.json.encode(run), type=ServingRun) == run
    assert load_as(RUN_OF_SERVING, two_rates.directory) == run


def test_a_wrong_answer_makes_the_run_wrong(tmp_path: Path) -> None:
    """The only row is deleted when the capacity is known: whoever follows the log finds none."""

    def steal(key: Key) -> None:
        (events,) = (tmp_path / "results" / "runs").glob("*/scratch/events")
        deltalake.DeltaTable(str(events)).delete("id = 0")

    load = load_of("50%", Mix(table_rows=1))
    done = carry_out(plan_for("in-process", load=load), tmp_path, Witness(act=steal))
    (found,) = done.run.rounds
    assert found.status == "ok"
    assert found.wrong > 0
    assert found.answered == 0
    assert found.message is not None
    assert found.message.startswith("point 0: ")
    assert not done.run.is_right
    (line,) = done.summary.lines
    assert (line.status, line.percentiles_ms) == ("wrong", {})
    samples = read_part(done.directory, found.parts[0])
    assert set(samples.filter(pc.equal(samples["phase"], "load"))["status"].to_pylist()) == {
        "wrong"
    }


@pytest.mark.more
def test_an_interrupted_run_goes_on_with_the_round_that_was_interrupted(tmp_path: Path) -> None:
    load = load_of("100,200")
    count = itertools.count()

    def interrupt(_: Key) -> None:
        if next(count) == 1:
            raise KeyboardInterrupt

    with pytest.raises(RunInterruptedError, match="neuralake serving --resume"):
        carry_out(plan_for("null", load=load), tmp_path, Witness(act=interrupt))
    (directory,) = (tmp_path / "results" / "runs").iterdir()
    left = directory / "samples" / "null-200-r01.arrow.part"
    left.write_bytes(b"torn")
    assert not (directory / "scratch").exists()
    run = interrupted_run(RUN_OF_SERVING, directory)
    assert [r.key.rate for r in run.rounds] == ["100"]
    done = carry_out(plan_of(run, None), tmp_path, resumed=(run, directory))
    assert [r.key.rate for r in done.run.rounds] == ["100", "200"]
    assert done.run.capacities == run.capacities
    assert [k.rate for k in done.witness.begun] == ["200"]
    assert not left.exists()
    assert len(done.run.resumptions) == 1
    assert JOURNAL in {path.name for path in directory.iterdir()}


def test_a_server_that_does_not_start_fails_its_rounds_and_no_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sitecustomize in the way of uvicorn: the null server ends at once."""
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "uvicorn.py").write_text("raise SystemExit(7)\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "broken"))
    load = load_of("100")
    done = carry_out(plan_for("null", "in-process", load=load), tmp_path)
    broken, well = done.run.capacities
    assert (broken.status, well.status) == ("error", "ok")
    assert broken.message is not None
    assert "the server of null ended with exit status 7" in broken.message
    assert [r.status for r in done.run.rounds] == ["error", "ok"]
    assert not done.run.is_right


def test_a_server_ends_with_its_worker() -> None:
    server = ServerProcess()
    first, second = free_ports(HOST, (0, 0), "a server", LoadError)
    site = Site({}, Path("none"), Path(), (first, second))
    assert server.start("null", site, 60) is not None
    process = server._process
    assert process is not None
    assert living(process.pid)
    server.close()
    assert process.returncode is not None


@pytest.mark.parametrize(
    ("text", "rates"),
    [
        ("50%", (Rate("50%", share=0.5),)),
        ("300, 1.5k", (Rate("300", per_second=300.0), Rate("1500", per_second=1500.0))),
        ("10%,12.5%,600", (Rate("10%", 0.1), Rate("12.5%", 0.125), Rate("600", None, 600.0))),
    ],
)
def test_rates_are_shares_of_a_capacity_or_requests_a_second(
    text: str, rates: tuple[Rate, ...]
) -> None:
    assert parse_offered(text) == rates


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("50%,50%", "rate 50% is named twice"),
        ("x%", "'x%' is no share of a capacity"),
        ("0%", "'0%' is no share of a capacity"),
        ("fast", "'fast' is no rate"),
        ("100,", "'' is no rate"),
    ],
)
def test_what_is_no_rate_is_refused(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        parse_offered(text)


def test_contestants_that_cannot_be_are_refused() -> None:
    load = load_of("100")
    with pytest.raises(LoadError, match=r"unknown contestant 'nul'.*did you mean null"):
        make_plan(names=["nul"], load=load, rounds=1)
    with pytest.raises(LoadError, match="contestant null is named twice"):
        make_plan(names=["null", "null"], load=load, rounds=1)
