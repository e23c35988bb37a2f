"""Every type that an engine can return goes through bench, query and compare."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest
from rich.console import Console

from neuralake.arms.agent import Agent
from neuralake.arms.answers import Answers
from neuralake.config import Settings
from neuralake.engines.registry import EngineSpec
from neuralake.errors import QueryError
from neuralake.queries.answers import Answer, compare
from neuralake.queries.digest import digest
from neuralake.queries.directory import open_directory
from neuralake.queries.query import Query, SortKey
from neuralake.report.answer import print_answer, write_answer
from neuralake.results.comparison import SIDES
from neuralake.results.store import load_run
from neuralake.workloads.query import run_query
from tests.conftest import carry_out, make_plan
from tests.more import few
from tests.workloads.third_party.arrows import CASES, table

ENGINES = ("plainly", "oddly")
MISSING = {"nothing": {1, 2, 3}, "runs": {3}, "union": set()}
CATALOG = """\
from neuralake.catalog import ParquetTable
t = ParquetTable(name="t", location={location!r})
"""


@pytest.fixture
def workload(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A query a case, and two engines that answer it in encodings of their own."""
    packages = tmp_path / "site-packages"
    metadata = packages / "arrows-1.0.dist-info"
    metadata.mkdir(parents=True)
    source = Path(__file__).parent / "third_party/arrows.py"
    (packages / "arrows.py").write_text(source.read_text())
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: arrows\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(
        "[neuralake.engines]\nplainly = arrows:PlainlyEngine\noddly = arrows:OddlyEngine\n"
    )
    monkeypatch.syspath_prepend(packages)
    monkeypatch.delitem(sys.modules, "arrows", raising=False)
    pq.write_table(pa.table({"a": [1]}), tmp_path / "t.parquet")
    directory = tmp_path / "types"
    directory.mkdir()
    (directory / "catalog.py").write_text(CATALOG.format(location=str(tmp_path / "t.parquet")))
    for name in CASES:
        (directory / f"{name}.sql").write_text(f"SELECT * FROM t WHERE '{name}' <> ''")
    return directory


def test_engines_that_encode_it_otherwise_agree(workload: Path, settings: Settings) -> None:
    done = carry_out(make_plan(open_directory(workload, None, settings), *ENGINES), settings)
    found = {(v.engine, v.query): (v.verdict, v.detail) for v in done.run.verifications}
    assert {key: value for key, value in found.items() if value != ("verified", None)} == {}
    assert len(found) == 2 * len(CASES)
    assert {s.status for s in done.run.samples} == {"ok"}
    assert load_run(done.directory) == done.run


def test_arms_that_encode_it_otherwise_agree(
    workload: Path, settings: Settings, tmp_path: Path
) -> None:
    answers = Answers(tmp_path / "answers", None)
    for side, engine in zip(SIDES, ENGINES, strict=True):
        agent = Agent()
        asked = agent.load(None, str(workload), None)["queries"]
        agent.start(engine, {})
        agent.open()
        for name, facts in asked.items():
            path = answers.path("engine", side, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            first = agent.execute(facts["sql"], str(path), None, [])
            again = agent.execute(facts["sql"], str(path.with_suffix(".no")), first["digest"], [])
            assert again["digest"] == first["digest"]
        agent.close()
    faults = {name: answers.fault("engine", Query(name, name, "")) for name in CASES}
    assert {name: fault for name, fault in faults.items() if fault is not None} == {}


@pytest.mark.parametrize("engine", few(ENGINES, "oddly"))
def test_a_query_prints_it_in_every_format(workload: Path, settings: Settings, engine: str) -> None:
    tables = open_directory(workload, None, settings).tables
    console = Console(file=io.StringIO(), width=200)
    for name in CASES:
        result = run_query(f"SELECT '{name}'", EngineSpec(engine), tables)
        print_answer(result, console)
        csv, document, parquet = io.BytesIO(), io.BytesIO(), io.BytesIO()
        write_answer(result, "csv", csv)
        write_answer(result, "json", document)
        if name == "empty-struct":
            with pytest.raises(QueryError, match=r"Parquet cannot hold the result: .*struct"):
                write_answer(result, "parquet", parquet)
        else:
            write_answer(result, "parquet", parquet)
            assert pq.read_table(io.BytesIO(parquet.getvalue())).column_names == ["row", "x"]
        rows = {row["row"]: row["x"] for row in json.loads(document.getvalue())}
        missing = {row for row, value in rows.items() if value is None}
        assert missing == MISSING.get(name, {2})
        assert pacsv.read_csv(io.BytesIO(csv.getvalue())).num_rows == 3


@pytest.mark.parametrize("name", [name for name in CASES if name != "nothing"])
@pytest.mark.parametrize("odd", [False, True])
def test_a_value_that_is_lost_is_found(name: str, odd: bool) -> None:
    whole, other = table(name, odd=odd), table(name, odd=not odd)
    query = Query("q", "", "SELECT 1")
    assert compare(Answer.of(whole), Answer.of(other), query) is None
    lost = pa.concat_tables([whole.slice(0, 2), whole.slice(0, 1)])
    assert compare(Answer.of(lost), Answer.of(other), query) is not None
    blank = whole.set_column(1, "x", pa.nulls(3))
    assert compare(Answer.of(blank), Answer.of(other), query) is not None
    first, second, third = (whole.slice(i, 1) for i in range(3))
    moved = pa.concat_tables([second, third, first]).set_column(0, "row", whole.column(0))
    assert compare(Answer.of(moved), Answer.of(other), query) is not None


@pytest.mark.parametrize("name", CASES)
def test_rows_are_ordered_by_a_column_of_any_type(name: str) -> None:
    """Of one value and nulls, so that both ends are in order whatever the type's own order is."""
    query = Query("q", "", "SELECT 1", order_by=(SortKey("x", False),), limit=3)
    for odd in (False, True):
        rows = table(name, odd=odd)
        first, null, other = (rows.slice(i, 1) for i in ((1, 2, 0) if odd else (0, 1, 2)))
        top, end = pa.concat_tables([null, first, first]), pa.concat_tables([first, first, null])
        assert compare(Answer.of(top), Answer.of(end), query) is None
        assert len(digest(top, ["X"])) == 32
        if name not in MISSING:
            middle = pa.concat_tables([first, null, other])
            assert "breaks the ORDER BY" in str(compare(Answer.of(middle), Answer.of(top), query))
