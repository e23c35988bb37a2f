"""Two arms of one engine, side by side in real processes: verdicts, faults, and what is refused."""

from __future__ import annotations

import math
import os
import random
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import deltalake
import pyarrow as pa
import pytest

from neuralake.arms.agent import Agent
from neuralake.arms.answers import Answers
from neuralake.arms.pace import Pace
from neuralake.arms.pairs import RUN_ON, EnginePairs
from neuralake.arms.processes import ArmProcess, Opened, Place
from neuralake.arms.rounds import TIMED, affordable_rounds
from neuralake.arms.terms import Terms
from neuralake.arms.timed import SidedQuery
from neuralake.errors import CompareError
from neuralake.queries.query import Query
from neuralake.results.comparison import SIDES, Change, EngineComparison, Pair, Side
from neuralake.results.pairs import PairJournal, read_pairs
from neuralake.stats.paired import Question
from neuralake.workloads.executor import write_answer

ENGINE = "duckdb"
CATALOG = """
from neuralake.catalog import DeltaTable
t = DeltaTable(name="t", location={uri!r})
"""
LIGHT = "SELECT count(DISTINCT range % 1000) AS n FROM range(200000)"
HEAVY = "SELECT count(DISTINCT range % 1000) AS n FROM range(6000000)"
WRONG = "SELECT count(DISTINCT range % 1001) AS n FROM range(200000)"
BROKEN = "SELECT nothing AS n FROM t"


class Watch:
    """An observer that remembers."""

    def __init__(self) -> None:
        self.judged_suites: list[Change] = []

    def building(self, text: str) -> None: ...
    def planned(self, needed_s: Mapping[str, float]) -> None: ...
    def starting(self, engine: str, processes: int, rounds: int) -> None: ...
    def paired(self, engine: str, processes: int, round: int) -> None: ...

    def judged(
        self, engine: str, suite: Change, queries: tuple[Change, ...], left_s: float
    ) -> None:
        self.judged_suites.append(suite)


def table_in(directory: Path) -> str:
    uri = str(directory / "t")
    deltalake.write_deltalake(uri, pa.table({"key": pa.array([1, 2, 3], pa.int64())}))
    return uri


@pytest.fixture
def table(tmp_path: Path) -> str:
    return table_in(tmp_path)


class Bench:
    """Two arms with the queries given for each."""

    def __init__(self, tmp_path: Path, table: str, sql: Mapping[str, tuple[str, str]]) -> None:
        self.tmp_path = tmp_path
        self.watch = Watch()
        self.places: dict[Side, Place] = {}
        for number, side in enumerate(SIDES):
            directory = tmp_path / side / "queries"
            directory.mkdir(parents=True)
            (directory / "catalog.py").write_text(CATALOG.format(uri=table))
            for name, texts in sql.items():
                (directory / f"{name}.sql").write_text(f"-- {name}\n{texts[number]}\n")
            log = tmp_path / f"{side}.log"
            python = Path(sys.executable)
            self.places[side] = Place(side, "HEAD", python, tmp_path, None, directory, None, log)
        # as an arm's process would, which costs a second of the processor
        loaded = {s: Agent().load(None, str(p.workload), None) for s, p in self.places.items()}
        self.tables = loaded["base"]["tables"]
        self.queries = tuple(
            SidedQuery(
                Query(name, name, texts[0]),
                {side: loaded[side]["queries"][name]["sql"] for side in SIDES},
            )
            for name, texts in sql.items()
        )

    def run(self, seconds: float, rounds: int | None = 2, **changes: object) -> EngineComparison:
        terms = replace(Terms(Question(), seconds), **changes)  # type: ignore[arg-type]
        with PairJournal(self.tmp_path / "pairs.jsonl") as journal:
            return EnginePairs(
                engine=ENGINE,
                options={side: {} for side in SIDES},
                places=self.places,
                queries=self.queries,
                tables=self.tables,
                answers=Answers(self.tmp_path / "answers", None),
                terms=terms,
                rounds=rounds,
                journal=journal.append,
                observer=self.watch,
            ).run(seconds)


def verdicts(found: EngineComparison) -> dict[str | None, str]:
    return {change.query: change.verdict for change in (found.suite, *found.queries)}


@pytest.mark.more
def test_a_slower_query_is_named(tmp_path: Path, table: str) -> None:
    bench = Bench(tmp_path, table, {"heavy": (LIGHT, HEAVY), "light": (LIGHT, LIGHT)})
    found = bench.run(600, until_regression=True)  # it ends with the finding
    slower = {change.query for change in found.queries if change.verdict == "slower"}
    assert found.ending == "regression"
    assert verdicts(found)[None] == "slower" or slower == {"heavy"}
    assert "light" not in slower
    heavy = found.queries[0]
    assert heavy.ratio is not None
    assert heavy.ratio > 2
    assert heavy.cpu_ratio is not None
    assert found.verified_against == "agreement of both arms and of the engines"
    assert found.versions["base"]["duckdb"] == found.versions["candidate"]["duckdb"]


class Scripted:
    """How long executions take, on a clock of their own, and what each arm counts, if it does."""

    def __init__(
        self, spreads: Mapping[str, float], slower: str, counts: Mapping[Side, int] | None = None
    ) -> None:
        self.counts = counts
        self.spreads = spreads
        self.slower = slower
        self.now_s = 0.0
        self.rng = random.Random(1)

    def monotonic(self) -> float:
        return self.now_s

    def took(self, side: Side, query: str) -> int:
        factor = 1.5 if (side, query) == ("candidate", self.slower) else 1.0
        wall_s = 0.1 * factor * math.exp(self.rng.gauss(0, self.spreads[query]))
        self.now_s += wall_s
        return round(wall_s * 1e9)


class ScriptedArm:
    """In place of a process."""

    script: ClassVar[Scripted]

    def __init__(self, place: Place) -> None:
        self.place = place

    def load(self) -> dict[str, object]:
        self.script.now_s += 0.5
        return {"tables": {}}

    def start(self, engine: str, options: Mapping[str, str]) -> dict[str, str]:
        return {}

    def open(self, without: Iterable[str], *, count: bool) -> Opened:
        return Opened({})

    def execute(
        self,
        sql: str,
        answer: Path,
        known: str | None,
        order_by: Sequence[str],
        timeout_s: float | None,
        profile: Path | None,
    ) -> dict[str, Any]:
        counts = self.script.counts
        assert profile is None or counts  # of counted executions alone
        if known is None:
            write_answer(pa.table({"n": [1]}), answer)
        took_ns = self.script.took(self.place.side, sql)
        execution = {"wall_ns": took_ns, "cpu_ns": took_ns, "throttled_periods": None}
        if counts:
            execution |= {"instructions": counts[self.place.side], "cycles": None}
        if profile is not None:
            profile.parent.mkdir(exist_ok=True)
            profile.write_text(f"{self.place.side} {sql}")
        return {"execution": execution, "rows": 1, "digest": "same"}

    def close(self) -> None: ...
    def kill(self) -> None: ...


def scripted(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    script: Scripted,
    terms: Terms,
    rounds: int | None,
    profiles: Path | None = None,
) -> EngineComparison:
    """What is found of arms that take as long as a script says."""
    monkeypatch.setattr(ScriptedArm, "script", script, raising=False)
    monkeypatch.setattr("neuralake.arms.pairs.ArmProcess", ScriptedArm)
    monkeypatch.setattr("neuralake.arms.pairs.time", script)
    places = {
        side: Place(side, "HEAD", Path(), tmp_path, None, None, None, tmp_path / "log")
        for side in SIDES
    }
    with PairJournal(tmp_path / "pairs.jsonl") as journal:
        return EnginePairs(
            engine=ENGINE,
            options={side: {} for side in SIDES},
            places=places,
            queries=tuple(
                SidedQuery(Query(name, name, name), dict.fromkeys(SIDES, name))
                for name in script.spreads
            ),
            tables={},
            answers=Answers(tmp_path / "answers", None),
            terms=terms,
            rounds=rounds,
            journal=journal.append,
            observer=Watch(),
            profiles=profiles,
        ).run(terms.max_time_s)


def test_a_query_that_is_unchanged_leaves_the_time_to_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = Scripted({"light": 0.1, "noisy": 1.5, "slow": 0.1}, slower="slow")
    terms = Terms(Question(suite_effect=2.0, query_effect=0.1), 120)
    found = scripted(tmp_path, monkeypatch, script, terms, rounds=2)
    light, noisy, slow = found.queries
    assert (light.verdict, noisy.verdict, slow.verdict) == ("unchanged", "inconclusive", "slower")
    # slower on the whole, and within the effect: whichever is sure first
    assert found.suite.verdict in {"slower", "unchanged"}
    assert found.ending == "time"
    assert light.decided_after_pairs is not None
    assert RUN_ON * light.decided_after_pairs <= light.pairs < noisy.pairs
    assert found.suite.pairs == light.pairs
    # by how much is worth knowing: what is slower goes on
    assert slow.pairs == noisy.pairs == found.processes * found.rounds
    kept = Counter(pair.query for pair in read_pairs(tmp_path / "pairs.jsonl"))
    assert kept == {"light": light.pairs, "noisy": noisy.pairs, "slow": slow.pairs}


def test_it_ends_with_what_is_slower_where_that_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = Scripted({"noisy": 1.5, "slow": 0.1}, slower="slow")
    terms = Terms(Question(suite_effect=2.0, query_effect=0.1), 1200, until_regression=True)
    found = scripted(tmp_path, monkeypatch, script, terms, rounds=4)
    assert found.ending == "regression"
    assert verdicts(found)["slow"] == "slower"
    assert verdicts(found)["noisy"] == "inconclusive"


def test_what_is_left_to_run_says_how_long_it_takes() -> None:
    pace = Pace()
    for _ in range(4):
        pairs = [
            Pair("e", query, 0, 0, wall_ns, wall_ns, None, None, True)
            for query, wall_ns in (("a", 300_000_000), ("b", 100_000_000))
        ]
        pace.round(1.0, pairs)  # 0.8 s of it in the queries
    pace.unit(7.0)
    assert (pace.start_s, pace.round_s) == (3.0, 1.0)
    assert pace.needed_s(10, {"a": 1, "b": 1}) == pytest.approx(3 + 10)
    assert pace.needed_s(10, {"b": 1}) == pytest.approx(3 + 2.5)
    assert pace.needed_s(10, {"a": 1, "b": 3}) == pytest.approx(3 + 15)


def test_a_short_time_is_not_spent_on_two_pairs_of_processes() -> None:
    assert affordable_rounds(600, start_s=6, round_s=1) == 69
    assert affordable_rounds(120, start_s=6, round_s=1) == 9
    assert affordable_rounds(30, start_s=6, round_s=1) == 4


@pytest.mark.more
def test_the_rounds_follow_the_noise_of_the_first_pair_of_processes(
    tmp_path: Path, table: str
) -> None:
    for seconds in (5, 15, 60):  # two pairs of processes, however slow the machine is
        place = tmp_path / str(seconds)
        bench = Bench(place, table, {"a": (LIGHT, LIGHT), "b": (LIGHT, LIGHT)})
        found = bench.run(seconds, rounds=None, until_time=True)
        if found.processes >= 2:
            break
    counts = Counter(pair.processes for pair in read_pairs(place / "pairs.jsonl"))
    first, *others = (counts[number] // 2 for number in sorted(counts))
    assert first == TIMED.first
    assert set(others) == {found.rounds}
    assert TIMED.first <= found.rounds <= TIMED.most
    assert len(counts) == found.processes >= 2


def test_a_query_that_varies_more_is_executed_more_often_in_a_round(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = replace(TIMED, first=2, most=2, most_repeats=3)
    monkeypatch.setattr("neuralake.arms.pairs.rounds_plan", lambda _: plan)
    calls: list[float] = []

    def planned(spread: float, *_: object) -> int:
        calls.append(spread)
        return 1 if len(calls) % 2 else 3  # of light, and then of noisy

    monkeypatch.setattr("neuralake.arms.schedule.planned_repeats", planned)
    monkeypatch.setattr(
        EnginePairs, "_ending", lambda _, found, __: "time" if found.processes == 3 else None
    )
    script = Scripted({"light": 0.1, "noisy": 0.1}, slower="none")
    terms = replace(Terms(Question(), 60), until_time=True)
    found = scripted(tmp_path, monkeypatch, script, terms, rounds=None)
    assert len(calls) == 4
    light, noisy = found.queries
    first, later = 2, 2 * (found.processes - 1)
    assert (light.pairs, noisy.pairs) == (first + later, first + 3 * later)
    kept = Counter(pair.query for pair in read_pairs(tmp_path / "pairs.jsonl"))
    assert kept == {"light": light.pairs, "noisy": noisy.pairs}


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> tuple[EngineComparison, list[Pair]]:
    """One pair of processes: of four queries one arm answers one otherwise, and one not at all."""
    place = tmp_path_factory.mktemp("measured")
    sql = dict.fromkeys("ab", (LIGHT, LIGHT)) | {"c": (HEAVY, WRONG), "d": (LIGHT, BROKEN)}
    found = Bench(place, table_in(place), sql).run(0, rounds=16, until_time=True)
    return found, read_pairs(place / "pairs.jsonl")


def test_every_pair_is_kept_and_either_arm_comes_first(
    measured: tuple[EngineComparison, list[Pair]],
) -> None:
    found, pairs = measured
    assert (found.ending, found.processes, found.rounds) == ("time", 1, 16)
    assert sorted((p.query, p.round) for p in pairs) == [(q, r) for q in "ab" for r in range(16)]
    assert {pair.base_first for pair in pairs} == {True, False}
    assert all(pair.base_wall_ns > 0 and pair.candidate_wall_ns > 0 for pair in pairs)
    orders = ["".join(p.query for p in pairs[i : i + 2]) for i in range(0, len(pairs), 2)]
    assert set(orders) == {"ab", "ba"}
    assert found.suite.pairs == 16
    assert found.suite.low is None  # one pair of processes knows nothing of the next


def test_an_arm_that_is_wrong_is_never_faster(
    measured: tuple[EngineComparison, list[Pair]],
) -> None:
    found, pairs = measured
    assert verdicts(found)["c"] == "wrong"
    wrong = found.queries[2]
    assert wrong.ratio is None
    assert "differs from" in (wrong.message or "")
    assert found.suite.pairs == 16
    assert {pair.query for pair in pairs} == {"a", "b"}


def test_a_query_that_fails_in_one_arm_is_told_and_left_out(
    measured: tuple[EngineComparison, list[Pair]],
) -> None:
    found, _ = measured
    failed = found.queries[3]
    assert failed.verdict == "failed"
    assert (failed.message or "").startswith("candidate: ")
    assert "nothing" in (failed.message or "")
    assert found.suite.pairs == 16


@pytest.mark.more
def test_a_suite_is_not_faster_while_an_answer_is_wrong(tmp_path: Path, table: str) -> None:
    bench = Bench(tmp_path, table, {"a": (HEAVY, LIGHT), "b": (LIGHT, WRONG)})
    found = bench.run(60)
    assert found.suite.verdict == "wrong"
    assert found.suite.ratio is not None
    assert found.suite.ratio < 0.5
    assert "b" in (found.suite.message or "")


@pytest.mark.more
def test_nothing_is_left_to_compare(tmp_path: Path, table: str) -> None:
    found = Bench(tmp_path, table, {"b": (BROKEN, BROKEN)}).run(60)
    assert found.ending == "failed"
    assert verdicts(found) == {None: "failed", "b": "failed"}


@pytest.mark.more  # by day a query that hangs in a run, and one that fails in an arm
def test_a_hanging_arm_is_ended_and_the_others_go_on(tmp_path: Path, table: str) -> None:
    os.mkfifo(tmp_path / "never.csv")  # which nobody writes: it is waited for, and nothing computed
    endless = f"SELECT count(*) AS n FROM read_csv('{tmp_path / 'never.csv'}')"
    bench = Bench(tmp_path, table, {"a": (LIGHT, LIGHT), "b": (LIGHT, endless)})
    found = bench.run(0, timeout_s=3.0, until_time=True)
    assert "no answer within 3 s" in (found.queries[1].message or "")
    assert found.processes == 1
    assert found.suite.pairs == 2


def test_data_that_changes_is_refused(tmp_path: Path, table: str) -> None:
    bench = Bench(tmp_path, table, {"a": ("SELECT count(*) AS n FROM t",) * 2})
    deltalake.write_deltalake(table, pa.table({"key": [4]}), mode="append")
    with pytest.raises(CompareError, match=r"table t is not the same .* version 1.* version 0"):
        bench.run(0)


def test_an_unknown_engine_option_is_the_arm_s_to_refuse(tmp_path: Path, table: str) -> None:
    bench = Bench(tmp_path, table, {"a": (LIGHT, LIGHT)})
    process = ArmProcess(bench.places["candidate"])
    process.load()
    with pytest.raises(CompareError, match=r"candidate HEAD: .*no option 'wings'"):
        process.start(ENGINE, {"wings": "2"})
    assert "unknown engine 'nosuch'" in (process.unavailable("nosuch") or "")
    process.close()


@pytest.mark.more
def test_a_table_that_one_arm_alone_asks_for_is_no_difference_of_the_data(
    tmp_path: Path, table: str
) -> None:
    of_t = "SELECT count(DISTINCT key) + 997 AS n FROM t"
    found = Bench(tmp_path, table, {"a": (LIGHT, of_t)}).run(0, until_time=True)
    assert found.queries[0].verdict != "failed"
    assert found.queries[0].pairs == 2
