"""Streams of queries as what a pair executes: a change of throughput has a verdict as well."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from neuralake.arms.agent import Agent
from neuralake.arms.agreement import with_disagreements
from neuralake.arms.answers import Answers
from neuralake.arms.at_once import AtOnce
from neuralake.arms.pairs import EnginePairs
from neuralake.arms.processes import ArmProcess, Asked, Place
from neuralake.arms.request import make_request, make_terms
from neuralake.arms.terms import Terms
from neuralake.arms.timed import SidedQuery, SidedStreams, sided_streams
from neuralake.config import Settings
from neuralake.errors import CompareError, LoadError, NeuralakeError
from neuralake.queries.query import Query, SortKey
from neuralake.results.comparison import SIDES, EngineComparison, Side
from neuralake.results.pairs import PairJournal, read_pairs
from neuralake.stats.paired import Question
from neuralake.tpch.parameters import parameters, stream_seed
from neuralake.workloads.executor import write_answer
from tests.arms.test_pairs import Scripted, ScriptedArm, Watch
from tests.report.comparison.make import made_comparison
from tests.workloads.conftest import install

CHOSEN = ("q01", "q06", "q14")
DRAWN = [parameters(stream_seed(1, stream), stream, 0.01) for stream in (1, 2)]


def place(side: Side, directory: Path, dataset: Path) -> Place:
    """An arm that is the environment of the test."""
    log = directory / f"{side}.log"
    return Place(side, "HEAD", Path(sys.executable), directory, str(dataset), None, None, log)


class Bench:
    """Two arms of the same environment on one dataset, and two streams of three queries."""

    def __init__(self, tmp_path: Path, dataset: Path, loaded: Mapping[str, Any]) -> None:
        self.tmp_path = tmp_path
        self.places: dict[Side, Place] = {side: place(side, tmp_path, dataset) for side in SIDES}
        self.tables = loaded["tables"]
        asked = loaded["queries"]
        self.alone = tuple(
            SidedQuery(
                Query(name, name, "", order_by=tuple(SortKey(*k) for k in asked[name]["order_by"])),
                dict.fromkeys(SIDES, asked[name]["sql"]),
            )
            for name in CHOSEN
        )
        self.streams = sided_streams(dict.fromkeys(SIDES, loaded["streams"]), self.alone)

    def but(self, changed: str, change: Callable[[str], str]) -> SidedStreams:
        """The streams with one query changed in the candidate."""
        return SidedStreams(
            tuple(
                tuple(
                    replace(q, sql={"base": q.sql["base"], "candidate": change(q.sql["candidate"])})
                    if q.name == changed
                    else q
                    for q in stream
                )
                for stream in self.streams.streams
            )
        )

    @property
    def answers(self) -> Answers:
        return Answers(self.tmp_path / "answers", None)

    def run(
        self, streams: SidedStreams, seconds: float = 0, engine: str = "duckdb", **terms: object
    ) -> EngineComparison:
        asked = Terms(Question(0.05, 0.05), seconds, **terms)  # type: ignore[arg-type]
        with PairJournal(self.tmp_path / "pairs.jsonl") as journal:
            return EnginePairs(
                engine=engine,
                options={side: {} for side in SIDES},
                places=self.places,
                queries=(streams,),
                tables=self.tables,
                answers=self.answers,
                terms=asked,
                rounds=2,
                journal=journal.append,
                observer=Watch(),
            ).run(seconds)


@pytest.fixture(scope="module")
def loaded(dataset_sf001: Path) -> dict[str, Any]:
    """What an arm says of its workload and of its streams."""
    agent = Agent()
    found = agent.load(str(dataset_sf001), None, None)
    texts = [[(asked.query, dict(asked.values)) for asked in stream] for stream in DRAWN]
    return found | agent.stream_texts(texts)


@pytest.fixture
def bench(tmp_path: Path, dataset_sf001: Path, loaded: dict[str, Any]) -> Bench:
    return Bench(tmp_path, dataset_sf001, loaded)


def test_streams_have_their_own_order_and_parameters(bench: Bench) -> None:
    first, second = bench.streams.streams
    assert [q.name for q in first] == ["stream-1-q06", "stream-1-q14", "stream-1-q01"]
    assert [q.name for q in second] == ["stream-2-q06", "stream-2-q14", "stream-2-q01"]
    for drawn, stream in zip(DRAWN, (first, second), strict=True):
        values = {asked.query: asked.values for asked in drawn}
        date = next(q for q in stream if q.name.endswith("q06"))
        assert values["q06"]["date"] in date.sql["base"]
    assert first[2].query.order_by == bench.alone[0].query.order_by  # answers keep their order


def test_a_pair_is_a_throughput_run_of_each_arm(bench: Bench) -> None:
    found = bench.run(bench.streams, until_time=True)
    (streams,) = found.queries
    assert (streams.query, streams.pairs, streams.verdict) == ("2 streams", 2, "inconclusive")
    assert found.suite.ratio == pytest.approx(streams.ratio)
    pairs = read_pairs(bench.tmp_path / "pairs.jsonl")
    assert [(pair.query, pair.round) for pair in pairs] == [("2 streams", 0), ("2 streams", 1)]
    assert all(pair.base_wall_ns > 0 and pair.candidate_wall_ns > 0 for pair in pairs)
    for side in SIDES:  # each answer of each stream is kept
        kept = {path.name for path in (bench.tmp_path / "answers" / side).iterdir()}
        assert kept == {f"duckdb-stream-{s}-{name}.arrow" for s in (1, 2) for name in CHOSEN}


@pytest.mark.more
def test_a_slower_stream_makes_the_throughput_slower(bench: Bench) -> None:
    heavy = "WITH h AS (SELECT count(DISTINCT range % 1000) AS n FROM range(20000000)) "
    slow = bench.but(
        "stream-2-q06", lambda sql: f"{heavy} SELECT s.* FROM ({sql.strip()}) s, h WHERE h.n > 0"
    )
    (streams,) = bench.run(slow, until_time=True).queries
    assert streams.ratio is not None
    assert streams.ratio > 1.5


class ScriptedArmOfStreams(ScriptedArm):
    """In place of a process; a run of streams takes as long as the script says."""

    def execute_streams(
        self, streams: Sequence[Sequence[Asked]], timeout_s: float | None
    ) -> dict[str, object]:
        for asked in (asked for stream in streams for asked in stream if asked.known is None):
            write_answer(pa.table({"n": [1]}), asked.answer)
        took_ns = self.script.took(self.place.side, "2 streams")
        execution = {"wall_ns": took_ns, "cpu_ns": took_ns, "throttled_periods": None}
        return {"execution": execution, "digests": [["same"] * len(s) for s in streams]}


@pytest.mark.parametrize(("slower", "verdict"), [("2 streams", "slower"), ("none", "unchanged")])
def test_a_change_of_throughput_has_a_verdict(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, slower: str, verdict: str
) -> None:
    script = Scripted({"2 streams": 0.03}, slower=slower)
    monkeypatch.setattr(ScriptedArmOfStreams, "script", script, raising=False)
    monkeypatch.setattr("neuralake.arms.pairs.ArmProcess", ScriptedArmOfStreams)
    monkeypatch.setattr("neuralake.arms.pairs.time", script)
    bench.tables = {}
    unordered = SidedStreams(tuple(stream[:2] for stream in bench.streams.streams))
    found = bench.run(unordered, 600)
    (streams,) = found.queries
    assert (found.ending, found.suite.verdict, streams.verdict) == ("decided", verdict, verdict)
    assert streams.pairs == 2 * found.processes  # two rounds in each pair of processes


def test_an_arm_that_answers_otherwise_in_a_stream_is_wrong(bench: Bench) -> None:
    wrong = bench.but("stream-2-q06", lambda sql: sql.replace("l_discount)", "l_discount) + 1"))
    found = bench.run(wrong)
    assert (found.ending, found.queries[0].verdict) == ("failed", "wrong")
    assert (found.queries[0].message or "").startswith("stream-2-q06: duckdb (")
    assert "differs from" in (found.queries[0].message or "")


@pytest.mark.more
def test_the_query_that_fails_in_a_stream_is_named(bench: Bench) -> None:
    found = bench.run(bench.but("stream-1-q14", lambda _: "SELECT nothing FROM lineitem"))
    assert (found.ending, found.queries[0].verdict) == ("failed", "failed")
    assert (found.queries[0].message or "").startswith("candidate: stream-1-q14: ")
    assert "nothing" in (found.queries[0].message or "")


@pytest.mark.more
def test_streams_that_do_not_end_in_time_are_ended(bench: Bench) -> None:
    endless = "SELECT count(*) AS n FROM range(10000000000) a, range(1000000) b"
    found = bench.run(bench.but("stream-1-q14", lambda _: endless), timeout_s=3.0)
    assert found.queries[0].verdict == "failed"
    assert "no answer within 3 s" in (found.queries[0].message or "")


@pytest.mark.more  # by day arms that answer otherwise
def test_engines_that_disagree_in_a_stream_are_both_without_a_verdict(bench: Bench) -> None:
    found = bench.run(bench.streams)
    comparison = made_comparison(found, replace(found, engine="polars"))
    for answer in bench.answers.path("duckdb", "base", "stream-1-q06").parent.iterdir():
        shutil.copy(answer, answer.with_name(answer.name.replace("duckdb-", "polars-")))
    judged = with_disagreements(comparison, (bench.streams,), bench.answers)
    assert [e.suite.verdict for e in judged.engines] == ["inconclusive"] * 2
    answer = bench.answers.path("polars", "base", "stream-1-q06")
    answer.write_bytes(bench.answers.path("polars", "base", "stream-2-q06").read_bytes())
    judged = with_disagreements(comparison, (bench.streams,), bench.answers)
    assert {e.queries[0].verdict for e in judged.engines} == {"wrong"}
    assert (judged.engines[0].queries[0].message or "").startswith("stream-1-q06: differs from")


def test_a_stream_begins_no_query_after_another_has_failed() -> None:
    asked: list[str] = []

    def execute(sql: str) -> object:
        asked.append(sql)
        if sql == "fail":
            raise ValueError("no such thing")
        return sql

    run = AtOnce([(execute, [("a", "one"), ("b", "fail"), ("c", "three")])])
    run.run()
    assert run.failure is not None
    *told, details = run.failure
    assert told == ["b", "ValueError", "no such thing"]
    assert "Traceback" in details
    assert asked == ["one", "fail"]


def test_an_engine_without_sessions_at_once_is_told(tmp_path: Path, bench: Bench) -> None:
    environment = {"PYTHONPATH": str(install(tmp_path / "site-packages"))}
    process = ArmProcess(replace(bench.places["base"], environment=environment))
    said = {engine: process.no_streams(engine) for engine in ("duckdb", "tiny", "nosuch")}
    process.close()
    assert said["duckdb"] is None
    assert said["tiny"] == "engine tiny has no sessions at once, which streams need"
    assert "unknown engine 'nosuch'" in (said["nosuch"] or "")


def test_an_arm_whose_neuralake_knows_no_streams_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    from neuralake.engines import registry  # noqa: F401 - an older one needs no such module

    monkeypatch.setitem(sys.modules, "neuralake.engines.writing", None)
    said = Agent().no_streams("duckdb")
    assert said == "its Neuralake is too old for streams: its engines have no sessions at once"


@pytest.mark.parametrize(
    ("streams", "directory", "kind", "said"),
    [
        (0, None, LoadError, "0 streams are impossible: expected 1 to 40"),
        (41, None, LoadError, "41 streams are impossible: expected 1 to 40"),
        (2, Path("queries"), CompareError, "streams are TPC-H's"),
    ],
)
def test_impossible_streams_are_refused_before_a_dataset_is_made(
    settings: Settings,
    streams: int,
    directory: Path | None,
    kind: type[NeuralakeError],
    said: str,
) -> None:
    with pytest.raises(kind, match=said):
        make_request(
            ("HEAD", "HEAD"),
            make_terms(max_time_s=1),
            settings=settings,
            directory=directory,
            catalog=None,
            scale_factor=None if directory else 0.02,
            dataset=None,
            engines=("duckdb",),
            options=(),
            selection=None,
            allow_dirty=False,
            streams=streams,
        )
