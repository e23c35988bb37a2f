"""Every answer of a phase, against another engine's at the versions that it was read at."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pyarrow as pa
import pytest

from neuralake.engines.registry import EngineSpec
from neuralake.queries.query import Query
from neuralake.results.phases.records import AnswerCheck
from neuralake.workloads.executor import write_answer
from neuralake.workloads.phases.checking import Reference, check_answers, reference
from neuralake.workloads.phases.executor import ANSWERS
from neuralake.workloads.phases.model import PhasePlan, SessionPlan, Task
from neuralake.workloads.phases.reference import another_engine
from tests.workloads.phases.conftest import COUNT, Done, Office, add, ask

QUERIES = {"count": Query("count", "How many", COUNT)}


@pytest.fixture(scope="module")
def duckdb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reference]:
    place = tmp_path_factory.mktemp("reference")
    with reference(EngineSpec("duckdb"), place / "log", place / "reference") as by:
        yield by


def check(office: Office, done: Done, by: Reference, *tasks: Task) -> list[AnswerCheck]:
    plan = PhasePlan("day", (SessionPlan("one", tasks),))
    return list(check_answers(done.samples, plan, office.tables, QUERIES, by, office.directory))


def test_an_answer_is_right_at_the_version_that_was_read(office: Office, duckdb: Reference) -> None:
    tasks = (ask(), add(office.rows(4)), ask())
    done = office.run(SessionPlan("one", tasks))
    checks = check(office, done, duckdb, *tasks)
    assert [(c.position, c.verdict) for c in checks] == [(0, "verified"), (2, "verified")]
    assert {c.against for c in checks} == {"duckdb at the same versions"}


def test_an_answer_of_another_version_is_wrong(office: Office, duckdb: Reference) -> None:
    tasks = (ask(), add(office.rows(4)), ask())
    done = office.run(SessionPlan("one", tasks))
    first, _, second = done.samples
    answers = office.directory / ANSWERS
    shutil.copy(answers / (second.answer or ""), answers / (first.answer or ""))
    wrong, right = check(office, done, duckdb, *tasks)
    assert (wrong.verdict, right.verdict) == ("wrong", "verified")
    assert "got (7, 76)" in (wrong.detail or "")
    assert "expected (3, 60)" in (wrong.detail or "")


def test_an_answer_with_other_values_is_wrong(office: Office, duckdb: Reference) -> None:
    done = office.run(SessionPlan("one", (ask(),)))
    answer = office.directory / ANSWERS / (done.samples[0].answer or "")
    write_answer(pa.table({"n": [3], "v": [61]}), answer)
    (found,) = check(office, done, duckdb, ask())
    assert found.verdict == "wrong"


def test_an_answer_that_nobody_else_can_give_is_not_verified(
    office: Office, duckdb: Reference
) -> None:
    done = office.run(SessionPlan("one", (ask(),)))
    shutil.rmtree(office.tables["ledger"].uri)
    (found,) = check(office, done, duckdb, ask())
    assert (found.verdict, found.against) == ("unverified", None)
    assert "duckdb gives no answer" in (found.detail or "")


def test_a_query_that_failed_has_nothing_to_check(office: Office, duckdb: Reference) -> None:
    task = ask("SELECT 1 /* fail */ FROM ledger")
    done = office.run(SessionPlan("one", (task,)))
    assert check(office, done, duckdb, task) == []


def test_another_engine_of_the_run_goes_before_one_that_is_only_installed() -> None:
    polars, spark = EngineSpec("polars"), EngineSpec("spark", {"cores": "1"})
    assert another_engine("polars", [polars, spark], {}) == spark
    assert another_engine("spark", [polars, spark], {}) == polars
    assert another_engine("polars", [polars], {}) == EngineSpec("duckdb")
    assert another_engine("duckdb", [EngineSpec("duckdb")], {}) == EngineSpec("datafusion")


def test_an_engine_that_answers_some_queries_wrongly_judges_no_other() -> None:
    """Daft's floats in place of decimals made Sail's right answers wrong."""
    daft, sail = EngineSpec("daft"), EngineSpec("sail")
    assert another_engine("sail", [daft, sail], {}) == EngineSpec("duckdb")
    assert another_engine("daft", [daft, sail], {}) == EngineSpec("duckdb")
    assert another_engine("sail", [daft, sail, EngineSpec("polars")], {}) == EngineSpec("polars")
