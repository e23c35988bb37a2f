"""What a run of streams would measure, and what it refuses before it begins."""

from __future__ import annotations

from pathlib import Path

import pytest

from neuralake.config import Settings
from neuralake.engines.registry import EngineSpec
from neuralake.errors import LoadError, ParameterError
from neuralake.results.phases.records import PhaseKey
from neuralake.results.records import SCHEMA_VERSION, EngineRequest
from neuralake.results.streams.records import StreamsHeader
from neuralake.tpch.dataset import open_workload
from neuralake.workloads.bench import ChosenEngines, choose_engines
from neuralake.workloads.places import Target
from neuralake.workloads.streams.plan import (
    fewest_streams,
    keys_of,
    make_plan,
    sets_of,
)
from tests.results.make import FINGERPRINT
from tests.workloads.streams.conftest import plan_for


@pytest.mark.parametrize(
    ("scale_factor", "least"),
    [(0.01, 2), (1, 2), (10, 3), (30, 4), (100, 5), (300, 6), (1000, 7), (3000, 7)],
)
def test_a_throughput_run_has_as_many_streams_as_tpc_asks_for(
    scale_factor: float, least: int
) -> None:
    assert fewest_streams(scale_factor) == least


def test_the_power_run_has_the_first_set_and_each_stream_one_of_the_rest(
    settings: Settings, dataset_sf001: Path, tmp_path: Path
) -> None:
    plan = plan_for(
        settings, dataset_sf001, tmp_path, ["polars"], streams=(1, 3), sets=(5, 2, 9, 7)
    )
    assert sets_of(plan, "power") == (5,)
    assert sets_of(plan, "throughput-1") == (2,)
    assert sets_of(plan, "throughput-3") == (2, 9, 7)
    assert plan_for(settings, dataset_sf001, tmp_path, ["polars"]).sets == (1, 2, 3)


def test_engines_take_turns_forwards_and_backwards() -> None:
    header = StreamsHeader(
        schema_version=SCHEMA_VERSION,
        id="id",
        created_at="",
        workload="streams",
        fingerprint=FINGERPRINT,
        engines=(EngineRequest("a"), EngineRequest("b")),
        dataset_uri="/data",
        scale_factor=1.0,
        dataset={},
        place="/place",
        streams=(2,),
        seed=1,
        rounds=2,
    )
    names = [(key.engine, key.phase, key.repetition) for key in keys_of(header)]
    assert names == [
        *(("a", "power", 1), ("a", "throughput-2", 1), ("b", "power", 1), ("b", "throughput-2", 1)),
        *(("b", "power", 2), ("b", "throughput-2", 2), ("a", "power", 2), ("a", "throughput-2", 2)),
    ]
    assert PhaseKey("a", "throughput-2").stem == "a-throughput-2-r01"


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"streams": (0,)}, LoadError, "0 streams are impossible: expected 1 to 40"),
        ({"streams": (41,)}, LoadError, "41 streams are impossible: expected 1 to 40"),
        ({"streams": (2, 2)}, LoadError, "number of streams 2 is named twice"),
        ({"seed": 0}, ParameterError, "seed 0 is out of range"),
        ({"seed": 2**31 - 3}, ParameterError, "seed 2147483647 is a multiple"),  # of stream 2
        ({"sets": (1, 1, 2)}, ParameterError, "refresh set 1 is named twice"),
        ({"sets": (0, 1, 2)}, ParameterError, "refresh set 0 does not exist"),
        ({"sets": (1, 2)}, LoadError, "2 refresh sets are too few for 2 streams: expected 3"),
        ({"mapping": "fibres"}, LoadError, "mapping 'fibres' is not known: expected one of"),
    ],
)
def test_what_cannot_be_is_refused_in_words(
    settings: Settings,
    dataset_sf001: Path,
    tmp_path: Path,
    options: dict[str, object],
    error: type[Exception],
    words: str,
) -> None:
    with pytest.raises(error, match=words):
        plan_for(settings, dataset_sf001, tmp_path, ["polars"], **options)


def test_an_engine_that_only_reads_is_refused_or_passed_over_with_the_reason(
    third_party: Path,
    settings: Settings,
    dataset_sf001: Path,
    tmp_path: Path,
) -> None:
    words = r"engine tiny cannot make TPC-H's refreshes: it cannot append \(RF1\) or delete by keys"
    with pytest.raises(LoadError, match=words):
        plan_for(settings, dataset_sf001, tmp_path, ["tiny"])
    plan = make_plan(
        open_workload(str(dataset_sf001), settings),
        choose_engines([EngineSpec("tiny"), EngineSpec("polars")], required=True),
        required=False,
        place=Target(str(tmp_path)),
    )
    assert [spec.name for spec in plan.engines] == ["polars"]
    ((spec, reason),) = plan.unavailable
    assert spec.name == "tiny"
    assert "cannot make TPC-H's refreshes" in reason


def test_without_any_engine_there_is_no_plan(
    third_party: Path,
    settings: Settings,
    dataset_sf001: Path,
    tmp_path: Path,
) -> None:
    with pytest.raises(LoadError, match="no engine can run streams: engine tiny cannot"):
        make_plan(
            open_workload(str(dataset_sf001), settings),
            ChosenEngines((EngineSpec("tiny"),)),
            required=False,
            place=Target(str(tmp_path)),
        )


def test_streams_are_threads_of_an_engine_that_has_sessions_at_once(
    settings: Settings, dataset_sf001: Path, tmp_path: Path
) -> None:
    engines = ["polars", "duckdb"]
    plan = plan_for(settings, dataset_sf001, tmp_path, engines)
    assert plan.mapping == {"polars": "threads", "duckdb": "threads"}
    plan = plan_for(settings, dataset_sf001, tmp_path, engines, mapping="processes")
    assert plan.mapping == {"polars": "processes", "duckdb": "processes"}
