"""Phases: sessions at once, each task a sample, whatever becomes of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from neuralake.engines.registry import EngineSpec
from neuralake.errors import LoadError
from neuralake.results.names import query_stem
from neuralake.results.parts import SAMPLES
from neuralake.results.records import Limits
from neuralake.workloads.phases.model import (
    Compact,
    Delete,
    Pause,
    PhasePlan,
    RunQuery,
    SessionPlan,
    Task,
    Vacuum,
)
from neuralake.workloads.phases.runner import Runner
from tests.conftest import is_gone
from tests.more import few
from tests.workloads.phases.conftest import COUNT, Done, Office, add, ask

MAPPINGS = ("threads", "processes")


def statuses(done: Done, session: str) -> list[str]:
    return [sample.status for sample in done.of(session)]


@pytest.mark.parametrize("mapping", MAPPINGS)
def test_sessions_run_at_once_and_each_task_is_a_sample(office: Office, mapping: str) -> None:
    pause = Task("rest", Pause(1))
    done = office.run(
        SessionPlan("one", (pause, ask(), ask())),
        SessionPlan("two", (pause, add(office.rows(4)))),
        mapping=mapping,
    )
    assert done.record.status == "ok"
    assert statuses(done, "one") == ["ok", "ok", "ok"]
    assert statuses(done, "two") == ["ok", "ok"]
    one, two = (next(s for s in done.of(name) if s.kind == "pause") for name in ("one", "two"))
    ends = (one.end_ns, two.end_ns)
    assert None not in ends
    assert max(one.begin_ns, two.begin_ns) < min(end for end in ends if end is not None)
    assert done.record.elapsed_ns == max(s.end_ns or 0 for s in done.samples)
    assert [part.samples for part in done.record.parts] == [3, 2]
    assert {sample.position for sample in done.of("one")} == {0, 1, 2}
    assert is_gone(done.engine.settings["companion"])
    assert done.engine.settings["writes"] == {"hand": "left"}
    assert not list(office.directory.glob("*.board"))


def test_a_query_reads_the_newest_version_and_says_which(office: Office) -> None:
    done = office.run(SessionPlan("one", (ask(), add(office.rows(4)), ask())))
    first, write, second = done.samples
    assert (first.versions, second.versions) == ({"ledger": 0}, {"ledger": 1})
    assert write.versions == {"ledger": 1}
    assert (write.rows, write.path) == (4, "clerk's own hand")
    assert office.answer(first) == [{"n": 3, "v": 60}]
    assert office.answer(second) == [{"n": 7, "v": 76}]
    assert first.digest != second.digest
    assert first.open_ns is not None
    assert first.wall_ns is not None
    assert 0 < first.open_ns < first.wall_ns


def test_a_query_of_the_past_reads_the_version_that_it_names(office: Office) -> None:
    past = Task("past", RunQuery(COUNT, ("ledger",), at={"ledger": 0}))
    done = office.run(SessionPlan("one", (add(office.rows(4)), past)))
    assert done.samples[1].versions == {"ledger": 0}
    assert office.answer(done.samples[1]) == [{"n": 3, "v": 60}]


def test_resources_of_a_task_are_known_where_it_is_alone(office: Office) -> None:
    alone = office.run(SessionPlan("one", (ask(),)), name="alone")
    both = office.run(SessionPlan("one", (ask(),)), SessionPlan("two", (ask(),)), name="both")
    assert alone.samples[0].cpu_ns is not None
    assert all(sample.cpu_ns is None for sample in both.samples)
    assert both.record.cpu_ns is not None
    assert both.record.peak_rss_bytes is not None


def test_what_an_engine_cannot_do_is_a_sample_that_says_so(office: Office) -> None:
    done = office.run(
        SessionPlan("one", (Task("tidy", Delete("ledger", "v > 1")), ask())),
    )
    assert statuses(done, "one") == ["unsupported", "ok"]
    assert done.samples[0].message == "there is no deletion by clerk"
    assert done.samples[0].wall_ns is None
    assert done.record.status == "ok"


def test_neuralakes_writer_does_what_it_can_and_the_engine_the_rest(office: Office) -> None:
    tasks = (
        add(office.rows(4)),
        add(office.rows(5)),
        Task("pack", Compact("ledger")),
        Task("sweep", Vacuum("ledger", 0.0, enforce=False)),
        Task("tidy", Delete("ledger", "v > 1")),
        ask(),
    )
    done = office.run(SessionPlan("one", tasks), writer="neuralake")
    assert [s.path for s in done.samples[:4]] == [
        "neuralake Writer.append",
        "neuralake Writer.append",
        "neuralake Compactor",
        "neuralake Vacuum",
    ]
    assert done.samples[4].message == "there is no deletion by neuralake or clerk"
    assert done.samples[5].rows == 1
    assert office.answer(done.samples[5]) == [{"n": 12, "v": 60 + 16 + 25}]


def test_a_lost_race_is_run_again_and_counted(office: Office) -> None:
    done = replace(office, options={"conflicts": "2"}).run(
        SessionPlan("one", (add(office.rows(4)), ask()))
    )
    assert done.samples[0].conflicts == 2
    assert statuses(done, "one") == ["ok", "ok"]
    assert done.samples[1].versions == {"ledger": 1}


def test_an_error_is_a_sample_and_the_session_goes_on(office: Office) -> None:
    done = office.run(SessionPlan("one", (ask("SELECT 1 /* fail */ FROM ledger"), ask())))
    assert statuses(done, "one") == ["error", "ok"]
    assert done.samples[0].message == "RuntimeError: cannot compute this"
    assert done.record.status == "ok"


def test_the_rest_of_a_group_is_not_begun_when_one_of_it_failed(office: Office) -> None:
    broken = Task("tidy", Delete("ledger", "v > 1"), "refresh")
    tasks = (broken, add(office.rows(4), "refresh"), add(office.rows(5), "another"))
    done = office.run(SessionPlan("one", tasks))
    assert statuses(done, "one") == ["unsupported", "error", "ok"]
    assert done.samples[1].message == "not begun, since tidy of refresh failed"
    assert done.samples[2].versions == {"ledger": 1}


@pytest.mark.parametrize("mapping", MAPPINGS)
def test_a_process_that_dies_ends_its_sessions_and_no_others(office: Office, mapping: str) -> None:
    done = office.run(
        SessionPlan("one", (ask(), ask("SELECT 1 /* abort */ FROM ledger"), ask())),
        SessionPlan("two", (Task("rest", Pause(3)), ask())),
        mapping=mapping,
    )
    assert done.record.status == "crashed"
    assert "SIGABRT" in (done.record.message or "")
    assert statuses(done, "one") == ["ok", "crashed"]
    assert statuses(done, "two") == {"threads": ["crashed"], "processes": ["ok", "ok"]}[mapping]
    assert [part.samples for part in done.record.parts] == [
        len(done.of(name)) for name in ("one", "two")
    ]


@pytest.mark.parametrize("mapping", few(MAPPINGS))
def test_a_task_that_takes_too_long_ends_its_process(office: Office, mapping: str) -> None:
    done = office.run(
        SessionPlan("one", (ask(), ask("SELECT 1 /* hang */ FROM ledger"), ask())),
        SessionPlan("two", (ask(), Task("rest", Pause(30 if mapping == "threads" else 0)))),
        mapping=mapping,
        limits=Limits(timeout_s=5),
    )
    assert done.record.status == "timeout"
    assert done.record.message == "a task of one took longer than 5 s"
    assert statuses(done, "one") == ["ok", "timeout"]


def test_an_engine_whose_process_is_lost_ends_the_phase(office: Office) -> None:
    done = office.run(SessionPlan("one", (ask("SELECT 1 /* lose */ FROM ledger"), ask())))
    assert statuses(done, "one") == ["crashed"]
    assert done.record.status == "crashed"
    assert "a process of the engine ended" in (done.record.message or "")


def test_a_want_of_memory_is_told_as_such(office: Office) -> None:
    done = office.run(SessionPlan("one", (ask("SELECT 1 /* no memory */ FROM ledger"),)))
    assert statuses(done, "one") == ["oom"]


def test_an_engine_that_cannot_open_a_table_fails_the_phase_in_words(office: Office) -> None:
    (table,) = office.tables.values()
    absent = replace(office, tables={"ledger": replace(table, location=f"{table.uri}-absent")})
    done = absent.run(SessionPlan("one", (ask(),)))
    assert done.record.status == "error"
    assert "clerk did not start: CatalogError" in (done.record.message or "")
    assert done.samples == []


def test_parts_have_the_names_of_their_sessions(office: Office) -> None:
    done = office.run(SessionPlan("stream 1", (ask(),)))
    (part,) = done.record.parts
    assert part.name == f"clerk-day-r01-{query_stem('stream-1')}.arrow"
    assert (office.directory / SAMPLES / part.name).exists()


def test_a_phase_has_sessions_each_of_a_name_of_its_own() -> None:
    with pytest.raises(LoadError, match="no session"):
        PhasePlan("day", ())
    with pytest.raises(LoadError, match="two sessions 'one'"):
        PhasePlan("day", (SessionPlan("one", ()), SessionPlan("one", ())))


def test_answers_are_kept_whatever_the_types(office: Office) -> None:
    done = office.run(SessionPlan("one", (ask("SELECT k, v::DECIMAL(9, 2) AS v FROM ledger"),)))
    (sample,) = done.samples
    assert len(office.answer(sample)) == sample.rows == 3


def test_phases_that_are_kept_together_share_a_process_until_it_is_lost(office: Office) -> None:
    runner = Runner(EngineSpec("clerk", {}), office.directory)
    with runner.kept() as phases:
        found = []
        for name, sql in (("one", COUNT), ("two", f"{COUNT} /* abort */"), ("three", COUNT)):
            plan = PhasePlan(name, (SessionPlan("reader", (ask(sql),)),))
            found.append(phases.run(plan, office.tables))
    assert [record.status for record, _ in found] == ["ok", "crashed", "ok"]
    companions = [engine.settings["companion"] for _, engine in found]
    assert companions[0] == companions[1] != companions[2]
    assert is_gone(companions[2])
