"""Two arms by counted instructions: real engines under Valgrind, and one quick arm by day."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from neuralake.arms.answers import Answers
from neuralake.arms.counted import QUERIES_ALPHA, SUITE_ALPHA, counted_engines
from neuralake.arms.pairs import EnginePairs
from neuralake.arms.processes import ArmProcess
from neuralake.arms.request import make_terms
from neuralake.arms.terms import Terms
from neuralake.arms.verdicts import Measured, Unit, engine_verdicts
from neuralake.engines.registry import EngineSpec
from neuralake.errors import CompareError
from neuralake.measure.callgrind import Callgrind
from neuralake.measure.massif import Massif
from neuralake.results.comparison import SIDES, EngineComparison, Pair, Side
from neuralake.results.pairs import PairJournal, read_pairs
from neuralake.stats.paired import Question
from tests.arms.test_pairs import Scripted, Watch, scripted
from tests.arms.test_tables_at_fault import Bench, declared
from tests.conftest import is_gone
from tests.measure.counting import under_valgrind

QUERIES = {"rows": "t", "twice": "t, t AS s"}
ENDLESS = {"rows": "t", "endless": "t, t AS b, t AS c, t AS d, t AS e, t AS f"}


class CountedBench(Bench):
    """Two arms whose processes run under Valgrind."""

    def count(
        self, engine: str, options: Mapping[str, str], terms: Terms, profiles: Path | None = None
    ) -> EngineComparison:
        how = Massif if profiles is None else Callgrind
        places = {
            side: replace(place, counting=how(self.tmp_path / f"{side}.valgrind"))
            for side, place in self.places.items()
        }
        with PairJournal(self.tmp_path / "pairs.jsonl") as journal:
            return EnginePairs(
                engine=engine,
                options=dict.fromkeys(SIDES, options),
                places=places,
                queries=self.queries,
                tables=self.tables,
                answers=Answers(self.tmp_path / "answers", None),
                terms=terms,
                rounds=terms.rounds,
                journal=journal.append,
                observer=Watch(),
                profiles=profiles,
            ).run(terms.max_time_s)


def made(tmp_path: Path, queries: Mapping[str, str]) -> CountedBench:
    """Two arms that have the same table."""
    pq.write_table(pa.table({"key": list(range(100))}), tmp_path / "t.parquet")
    catalog = declared(("ParquetTable", "t", tmp_path / "t.parquet"))
    return CountedBench(tmp_path, dict.fromkeys(SIDES, catalog), queries)


@pytest.fixture
def bench(tmp_path: Path) -> CountedBench:
    return made(tmp_path, QUERIES)


def terms(max_time_s: float = 0.1) -> Terms:
    return make_terms(max_time_s=max_time_s, rounds=2, by="instructions")


@under_valgrind
def test_an_arm_is_counted_and_profiled(bench: CountedBench, tmp_path: Path) -> None:
    """One process, of an engine whose start is not nearly all of what is done."""
    how = Callgrind(tmp_path / "valgrind")
    arm = ArmProcess(replace(bench.places["base"], counting=how))
    try:
        assert arm.load()["tables"] == bench.tables
        assert "valgrind" in arm.start("tally", {})
        assert arm.open(count=True).counts["t"].counted == 100
        found = []
        for number, profile in enumerate([None, tmp_path / "profile", None]):
            sql, answer = bench.queries[1].sql["base"], tmp_path / f"{number}.arrow"
            found.append(arm.execute(sql, answer, None, [], None, profile))
    finally:
        arm.close()
    assert len({one["digest"] for one in found}) == 1
    first, profiled, again = (one["execution"]["instructions"] for one in found)
    assert first > 100_000
    assert again / profiled == pytest.approx(1, abs=0.1)
    assert (tmp_path / "profile").read_text().startswith("# callgrind format")


def test_both_arms_are_counted_and_each_query_has_a_profile_of_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts: dict[Side, int] = {"base": 1_000, "candidate": 1_001}
    script = Scripted(dict.fromkeys(QUERIES, 0.1), slower="none", counts=counts)
    found = scripted(tmp_path, monkeypatch, script, terms(), 2, tmp_path / "profiles")
    pairs = read_pairs(tmp_path / "pairs.jsonl")
    assert [pair.query for pair in pairs].count("twice") == 2
    assert {(p.base_instructions, p.candidate_instructions) for p in pairs} == {(1_000, 1_001)}
    for change in (found.suite, *found.queries):
        assert change.verdict == "inconclusive"  # of one pair of processes
        assert change.ratio == pytest.approx(1.001)
    kept = {path.name: path.read_text() for path in (tmp_path / "profiles").iterdir()}
    assert kept == {
        f"callgrind.out.duckdb-{query}-{side}": f"{side} {query}"
        for query in QUERIES
        for side in SIDES
    }


@pytest.mark.more  # by day one arm is counted, and two that are in place of processes
@under_valgrind
def test_both_arms_are_counted_and_profiled(bench: CountedBench, tmp_path: Path) -> None:
    found = bench.count("duckdb", {"threads": "1"}, terms(), tmp_path / "profiles")
    pairs = read_pairs(tmp_path / "pairs.jsonl")
    assert [pair.query for pair in pairs].count("twice") == 2
    for pair in pairs:
        assert pair.base_instructions is not None
        assert pair.candidate_instructions is not None
        assert pair.candidate_instructions / pair.base_instructions == pytest.approx(1, abs=0.1)
    for change in (found.suite, *found.queries):
        assert change.verdict == "inconclusive"  # of one pair of processes
        assert change.ratio == pytest.approx(1, abs=0.05)
        assert change.base_ns is None
        assert change.base_instructions is not None
    assert "avx512f" not in found.versions["base"].get("instruction sets", "")
    assert "valgrind" in found.versions["candidate"]
    kept = sorted(path.name for path in (tmp_path / "profiles").iterdir())
    assert kept == [
        f"callgrind.out.duckdb-{query}-{side}" for query in sorted(QUERIES) for side in SIDES
    ]
    for name in kept:
        assert (tmp_path / "profiles" / name).read_text().startswith("# callgrind format")


@pytest.mark.more
@under_valgrind
def test_an_engine_that_crashes_under_valgrind_is_recorded(tmp_path: Path) -> None:
    bench = made(tmp_path, {"rows": "t"})
    found = bench.count("faulty", {"fault": "exit", "query": "t"}, terms())
    (crashed,) = found.queries
    assert (crashed.verdict, found.ending) == ("failed", "failed")
    assert "under Valgrind: the process ended with exit status 3" in (crashed.message or "")


@under_valgrind
@pytest.mark.more
def test_the_other_queries_of_an_engine_that_crashes_are_counted(bench: CountedBench) -> None:
    found = bench.count("faulty", {"fault": "abort", "query": "t, t AS s"}, terms())
    rows, crashed = sorted(found.queries, key=lambda change: change.query or "")
    assert crashed.verdict == "failed"
    assert "under Valgrind: the process was ended by SIGABRT" in (crashed.message or "")
    assert rows.ratio is not None


INTERRUPTED = """
import pathlib, sys
from tests.arms.test_counted import ENDLESS, made, terms
bench = made(pathlib.Path(sys.argv[1]), ENDLESS)
found = bench.count("duckdb", {"threads": "1"}, terms(600))
print(found.ending, *(change.verdict for change in found.queries), flush=True)
"""


@pytest.mark.more
@under_valgrind
def test_ctrl_c_leaves_no_process_and_no_dump(tmp_path: Path) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    environment = os.environ | {
        "TMPDIR": str(scratch),
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }
    with subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED, str(tmp_path)],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        started: list[int] = []
        for _ in range(2400):
            started = list(under(str(tmp_path)))
            if len(list(tmp_path.glob("answers/**/*rows*"))) == len(SIDES):
                break
            time.sleep(0.05)
        time.sleep(1.0)  # both are at the query that does not end, or about to be
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=120)
    # what was cut off has failed in neither arm: it is missing
    assert output == "interrupted inconclusive inconclusive\n"
    assert len(started) == len(SIDES)
    assert all(map(is_gone, started))
    assert list(scratch.iterdir()) == []
    assert not list(tmp_path.rglob("massif.out*"))
    assert not list(tmp_path.rglob("vgdb-pipe*"))


def under(place: str) -> Iterator[int]:
    """Processes that run under Valgrind and log to a place."""
    for entry in Path("/proc").iterdir():
        try:
            command = (entry / "cmdline").read_bytes().decode(errors="replace").split("\0")
        except OSError:
            continue
        if f"--log-file={place}" in " ".join(command) and "--tool=massif" in command:
            yield int(entry.name)


def counted(number: int, percents: Mapping[str, float]) -> Unit:
    """A pair of processes in which each query counts so many percents more in the candidate."""
    wobble = (-0.001, 0.0, 0.0005, 0.001)[number % 4]
    return Unit(
        frozenset(percents),
        [
            Pair(
                *("e", query, number, turn, 10, 900, None, None, True),
                base_instructions=10_000_000,
                candidate_instructions=round(10_000_000 * (1 + (more + wobble) / 100)),
                base_cycles=20_000_000,
                candidate_cycles=round(20_000_000 * (1 + 2 * more / 100)),
            )
            for query, more in percents.items()
            for turn in range(2)
        ],
    )


def test_verdicts_are_on_work_whatever_the_clock_says() -> None:
    percents = {"a": 2.0, "b": 0.0, "c": 100 / 1.02 - 100}
    units = tuple(counted(number, percents) for number in range(8))
    question = make_terms(max_time_s=1, by="instructions").question
    suite, (a, b, c) = engine_verdicts(
        Measured(("a", "b", "c"), units, {}, 2, "instructions"), question
    )
    assert [x.verdict for x in (suite, a, b, c)] == [
        *("same work", "more work", "same work", "less work")
    ]
    assert a.ratio == pytest.approx(1.02, abs=1e-4)
    assert a.cycles_ratio == pytest.approx(1.04, abs=1e-4)
    assert (a.base_ns, a.cpu_ratio) == (None, None)
    assert a.base_instructions == 10_000_000
    faults = {"a": ("failed", "no answer")}
    suite, _ = engine_verdicts(Measured(("a", "c"), units, faults, 2, "instructions"), question)
    assert suite.verdict == "failed"  # what is missing is never less work


def test_defaults_fit_what_is_compared() -> None:
    assert make_terms(max_time_s=1).question == Question(0.02, 0.05)
    counted_terms = make_terms(max_time_s=1, by="instructions")
    # by the rates that a run of one engine is to raise a false alarm at: once in a thousand
    assert counted_terms.question == Question(0.005, 0.01, SUITE_ALPHA, QUERIES_ALPHA)
    assert 0.0005 < SUITE_ALPHA + QUERIES_ALPHA <= 0.001
    assert counted_terms.rounds is None  # by the noise of the first pair of processes
    given = make_terms(max_time_s=1, by="instructions", effect=0.03, rounds=7)
    assert (given.question.suite_effect, given.rounds) == (0.03, 7)


@under_valgrind
def test_an_engine_has_one_thread_unless_asked_otherwise() -> None:
    found = counted_engines(
        [EngineSpec("polars"), EngineSpec("datafusion", {"target_partitions": "2"})]
    )
    assert [dict(engine.options) for engine in found] == [
        {"threads": "1"},
        {"target_partitions": "2"},
    ]


@pytest.mark.parametrize("engine", ["spark", "sail"])
def test_an_engine_that_cannot_be_counted_is_refused(engine: str) -> None:
    with pytest.raises(CompareError, match=f"{engine} cannot be compared by instructions: its"):
        counted_engines([EngineSpec("polars"), EngineSpec(engine)])


def test_without_valgrind_the_command_that_installs_it_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(CompareError, match=r"which is not installed: apt-get install valgrind$"):
        counted_engines([EngineSpec("polars")])
