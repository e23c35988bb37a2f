"""``neuralake compare`` and ``calibrate`` in a team's own repository, as its members use them."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import deltalake
import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from neuralake.arms.build import find_uv
from neuralake.arms.calibration import Calibration
from neuralake.results.comparison import Comparison
from tests.arms.conftest import Repository
from tests.conftest import cli_environment, type_command
from tests.more import few
from tests.waiting import until

NEURALAKE = Path(__file__).parents[2]
PYPROJECT = """\
[project]
name = "lake"
version = "0.1"
requires-python = ">=3.11"
dependencies = ["neuralake-bench[duckdb]"]

[tool.uv]
package = false

[tool.uv.sources]
neuralake-bench = {{ path = {wheel!r} }}
"""
CATALOG = """
from neuralake.catalog import DeltaTable
t = DeltaTable(name="t", location={uri!r})
"""
CATALOG_OF_THE_ROOT = """
from neuralake.catalog import About, DeltaTable, Deprecated
t = DeltaTable(name="t", location="t", about=About(deprecated=Deprecated("Of old.", "u")))
"""
CATALOG_WITH_TWINS = """
from neuralake.catalog import DeltaTable, ParquetTable
t = DeltaTable(name="t", location={uri!r})
twins = ParquetTable(name="twins", location={twins!r})
"""
CATALOG_WITH_A_FUNCTION = """
import pyarrow as pa
from neuralake.catalog import table

@table
def t():
    return pa.table({{"key": list(range({rows}))}})
"""
CATALOG_OF_THE_COMMIT = """
from pathlib import Path
from neuralake.catalog import ParquetTable
t = ParquetTable(name="t", location=str(Path(__file__).parent / "t.parquet"))
"""
QUERY = """\
-- Keys below a thousand
SELECT count(DISTINCT range % 1000) AS n FROM range({rows})
"""
OTHER = """\
-- All keys
SELECT sum(key) AS total FROM t
"""
TYPES = """\
-- Of many types
-- order by {order}
SELECT
    TIMESTAMP_NS '2024-01-01 00:00:00.000000001' AS at, 'infinity'::TIMESTAMP AS late,
    'b'::ENUM('a', 'b') AS letter, INTERVAL 1 MONTH AS lapse, [0.1, NULL] AS list,
    MAP {{'k': 1.5}} AS map, {{'x': DATE '0044-03-15 (BC)'}} AS struct, 1::HUGEINT AS huge
FROM range(3)
"""


@dataclass
class Team:
    """A repository with queries, a catalog and a lock file, and who works in it."""

    path: Path
    home: Path
    storage: Path

    def git(self, *arguments: str) -> str:
        return Repository(self.path).git(*arguments)

    def write(self, name: str, text: str) -> None:
        (self.path / name).parent.mkdir(exist_ok=True)
        (self.path / name).write_text(text)

    def commit(self, subject: str) -> str:
        return Repository(self.path).commit(subject)

    def run(
        self, *arguments: str, here: Path | None = None, storage_root: str | None = None
    ) -> subprocess.CompletedProcess[str]:
        environment = self.environment()
        if storage_root:
            environment["NEURALAKE_STORAGE_ROOT"] = storage_root
        return type_command(list(arguments), here or self.path, environment)

    def environment(self) -> dict[str, str]:
        root = {"NEURALAKE_CACHE_ROOT": str(self.home / "cache")}
        return cli_environment(self.storage, self.home) | root

    def compare(self, base: str, candidate: str, *options: str) -> subprocess.CompletedProcess[str]:
        return self.run(
            "compare", base, candidate, "--workload", "queries", "--engines", "duckdb", *options
        )


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Team]:
    """Commits ``fast``, ``slow`` (one query does ten times as much) and ``wrong``."""
    home = tmp_path_factory.mktemp("team")
    team = Team(home / "repository", home, home / "storage")
    team.path.mkdir()
    for name in ("t", "elsewhere"):
        rows = pa.table({"key": pa.array([1, 2, 3], pa.int64())})
        deltalake.write_deltalake(str(home / name), rows)
    team.git("init", "--quiet", "--initial-branch", "main")
    # built once, and not anew in each arm
    build = ("build", "--quiet", "--wheel", "--python", sys.executable, "--out-dir", home)
    subprocess.run([find_uv(), *build, NEURALAKE], check=True)
    (wheel,) = home.glob("*.whl")
    team.write("pyproject.toml", PYPROJECT.format(wheel=str(wheel)))
    team.write("queries/catalog.py", CATALOG.format(uri=str(home / "t")))
    team.write("queries/keys.sql", QUERY.format(rows=200_000))
    team.write("queries/total.sql", OTHER)
    subprocess.run(
        [find_uv(), "lock", "--quiet", "--python", sys.executable], cwd=team.path, check=True
    )
    for name, rows in (("fast", 100_000), ("slow", 1_000_000)):
        team.write("queries/keys.sql", QUERY.format(rows=rows))
        team.commit(f"{name} | <b>keys</b>")
        team.git("tag", name)
    team.write("queries/keys.sql", QUERY.format(rows=900))
    team.commit("wrong keys")
    team.git("tag", "wrong")
    team.write("queries/keys.sql", QUERY.format(rows=200_000))
    team.write("queries/catalog.py", CATALOG.format(uri=str(home / "elsewhere")))
    team.commit("other data")
    team.git("tag", "other-data")
    team.write("queries/catalog.py", CATALOG_OF_THE_ROOT)
    team.commit("data below the storage root")
    team.git("tag", "rooted")
    team.write("queries/catalog.py", CATALOG_OF_THE_COMMIT)
    # an arm is built for each commit: some are of use to several tests
    for keys, tag, order in (
        ([1, 2, 3], "data-1", None),
        ([1, 2, 3], "data-2", "at asc nulls last"),
        ([1, 2, 3, 4], "data-3", "place asc"),
    ):
        pq.write_table(pa.table({"key": keys}), team.path / "queries/t.parquet")
        team.write("README.md", tag)
        if order is not None:
            team.write("queries/types.sql", TYPES.format(order=order))
        team.commit(f"committed data, {tag}, and a query of many types by {order}")
        team.git("tag", tag)
    twins = home / "twins.parquet"  # whose columns DuckDB cannot tell apart
    pq.write_table(pa.table({"id": [1], "ID": [2]}), twins)
    (team.path / "queries/types.sql").unlink()
    team.write(
        "queries/catalog.py", CATALOG_WITH_TWINS.format(uri=str(home / "t"), twins=str(twins))
    )
    for query in ("twins", "more_twins"):
        team.write(f"queries/{query}.sql", "SELECT count(*) AS n FROM twins\n")
    team.commit("a table that does not open")
    team.git("tag", "twins")
    for query in ("twins", "more_twins"):
        (team.path / f"queries/{query}.sql").unlink()
    for rows in (3, 1004):
        team.write("queries/catalog.py", CATALOG_WITH_A_FUNCTION.format(rows=rows))
        team.commit(f"a table of {rows} rows")
        team.git("tag", f"made-{rows}")
    yield team


def document(team: Team) -> Comparison:
    """The newest comparison on disk."""
    newest = max((team.home / "results/comparisons").glob("*/comparison.json"))
    return msgspec.json.decode(newest.read_bytes(), type=Comparison)


def refused(done: subprocess.CompletedProcess[str]) -> str:
    """The one line of a refusal; before it only the building of arms is told."""
    assert done.returncode == 2, (done.returncode, done.stdout, done.stderr)
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    (line,) = [x for x in done.stderr.splitlines() if x.startswith("neuralake: ")]
    assert done.stderr.splitlines()[-1] == line
    return line


BRIEF = ("--max-time", "0.1", "--rounds", "2")
SHORT = ("--workload", "queries", "--engines", "duckdb", "--max-time", "1", "--rounds", "2")


# In an order in which an arm is of use to those that come next: eight are kept


@pytest.mark.more  # by day a slower one; arms that answer otherwise in test_pairs.py
def test_a_commit_that_answers_otherwise_is_named(team: Team, tmp_path: Path) -> None:
    done = team.compare("slow", "wrong", *BRIEF, "--to", str(tmp_path / "report"))
    assert done.returncode == 1, done.stderr
    assert "wrong" in done.stdout
    assert found_in(team, tmp_path / "report", "slow", "wrong")["keys"] == "wrong"


def test_a_slower_commit_is_named(team: Team, tmp_path: Path) -> None:
    done = team.compare("fast", "slow", "--until-regression", "--to", str(tmp_path / "report"))
    assert done.returncode == 1, done.stderr
    assert "slower" in done.stdout
    verdicts = found_in(team, tmp_path / "report", "fast", "slow")
    assert verdicts["keys"] == "slower" or verdicts[None] == "slower"
    assert verdicts["total"] != "slower"
    assert "slower" in (tmp_path / "report/summary.md").read_text()


def found_in(team: Team, report: Path, base: str, candidate: str) -> dict[str | None, str]:
    """The verdicts of the newest comparison, which is one with a regression of these commits."""
    found = document(team)
    assert found.regressed
    assert (found.base.commit, found.candidate.commit) == (
        team.git("rev-parse", base),
        team.git("rev-parse", candidate),
    )
    told = found.base if base == "slow" else found.candidate
    assert told.subject == "slow | <b>keys</b>"
    page = (report / "index.html").read_text()
    assert "&lt;b&gt;keys" in page
    assert "<b>keys" not in page
    assert (report / "summary.md").is_file()
    assert team.git("status", "--porcelain") == ""
    assert len(team.git("worktree", "list").splitlines()) == 1
    return {change.query: change.verdict for change in found.changes()}


@pytest.mark.more
def test_the_throughput_of_streams_is_compared(
    team: Team, dataset_sf001: Path, tmp_path: Path
) -> None:
    done = team.run(
        *("compare", "fast", "slow", "--streams", "2", "--dataset", str(dataset_sf001)),
        *("--engines", "duckdb", "--queries", "6,14", "--max-time", "1", "--rounds", "2"),
        *("--to", str(tmp_path / "report")),
    )
    assert done.returncode == 0, done.stderr
    assert "over 2 streams of 2 queries" in done.stdout
    found = document(team)
    (engine,) = found.engines
    assert (found.streams, found.stream_queries) == (2, ("q06", "q14"))
    assert [change.query for change in engine.queries] == ["2 streams"]
    assert engine.queries[0].pairs == 2
    assert found.query_effect == found.effect == 0.02
    kept = team.home / "results/comparisons" / found.id / "answers/candidate"
    assert {path.name for path in kept.iterdir()} == {
        f"duckdb-stream-{stream}-{query}.arrow" for stream in (1, 2) for query in ("q06", "q14")
    }
    assert "throughput run" in (tmp_path / "report/index.html").read_text()


@pytest.mark.parametrize("streams", ["0", "41"])
def test_impossible_streams_are_refused_in_one_line(team: Team, streams: str) -> None:
    said = refused(team.run("compare", "fast", "slow", "--streams", streams))
    assert said == (
        f"neuralake: {streams} streams are impossible: expected 1 to 40, "
        "as many as TPC-H has orderings for"
    )


@pytest.mark.more
def test_a_wrong_commit_is_never_faster(team: Team) -> None:
    done = team.compare("slow", "wrong", "--max-time", "1", "--json")
    assert done.returncode == 1, done.stderr
    found = msgspec.json.decode(done.stdout, type=Comparison)
    keys = next(change for change in found.changes() if change.query == "keys")
    assert (keys.verdict, keys.ratio) == ("wrong", None)
    assert "(1000)" in (keys.message or "")
    assert "(900)" in (keys.message or "")


FROM_PYTHON = """
from neuralake import compare
terms = {"rounds": 2, "max_time_s": 0.1, "until_regression": True}
found = compare("slow", "wrong", "queries", engines="duckdb", **terms)
print(found.regressed, found.table().column("query").to_pylist())
print(found.report("from-python").html)
print(found)
"""


@pytest.mark.more  # by day from the command line; what Python refuses in api/test_comparisons.py
def test_a_comparison_from_python(team: Team) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FROM_PYTHON],
        capture_output=True,
        text=True,
        cwd=team.path,
        env=team.environment(),
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""  # nobody looks
    assert "True [None, 'keys', 'total']" in done.stdout
    assert "from-python/index.html" in done.stdout
    assert "wrong" in done.stdout


ACTION = yaml.safe_load((NEURALAKE / "action.yml").read_text())


def act(team: Team, directory: Path, **inputs: str) -> list[subprocess.CompletedProcess[str]]:
    """The shell steps of action.yml, each as a runner starts it; those after it run anyhow."""
    given = {name: spec.get("default", "") for name, spec in ACTION["inputs"].items()} | inputs
    done = []
    for step in ACTION["runs"]["steps"]:
        condition = step.get("if", "always()")
        assert condition in ("always()", "inputs.by != 'time'")
        if "run" not in step or (condition != "always()" and given["by"] == "time"):
            continue
        values = {
            name: re.sub(r"\$\{\{ inputs\.(\w+) \}\}", lambda m: given[m[1]], text)
            for name, text in step.get("env", {}).items()
        }
        environment = cli_environment(team.storage, team.home) | values
        environment |= {
            "NEURALAKE_CACHE_ROOT": str(team.home / "cache"),
            "GITHUB_STEP_SUMMARY": str(directory / "summary"),
        }
        command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]]
        done.append(
            subprocess.run(
                command,
                cwd=team.path,
                env=environment,
                capture_output=True,
                text=True,
                timeout=300,
                check=False,
            )
        )
    return done


@pytest.mark.more  # by day its file is read by its schema, and compare fails
def test_the_action_fails_where_compare_does_and_shows_the_comparison(
    team: Team, tmp_path: Path
) -> None:
    compare, show = act(
        team,
        tmp_path,
        neuralake=f"'{sys.executable}' -m neuralake",
        base="slow",
        candidate="wrong",
        by="time",
        options="--workload 'queries' --engines duckdb --max-time 0.1 --rounds 2",
        report=str(tmp_path / "a report"),
    )
    assert compare.returncode == 1, compare.stderr
    assert show.returncode == 0, show.stderr
    assert "wrong" in (tmp_path / "summary").read_text()
    assert (tmp_path / "a report/index.html").is_file()


@pytest.mark.more
def test_inconclusive_is_status_3_where_asked_for(team: Team) -> None:
    done = team.compare("fast", "fast", "--max-time", "1", "--rounds", "2", "--strict")
    assert done.returncode == 3
    assert "inconclusive" in done.stdout


@pytest.mark.more  # by day what is kept and read is in test_calibration.py
def test_calibrate_keeps_the_noise_and_compare_reads_it(team: Team) -> None:
    workload = ("--workload", "queries", "--engines", "duckdb")
    # two pairs of processes, however slow the machine is; it is measured to the end of the time
    for seconds in ("3", "8", "16", "120"):
        done = team.run("calibrate", "fast", *workload, "--max-time", seconds, "--rounds", "2")
        if "too little was measured" not in done.stderr:
            break
    assert done.returncode == 0, done.stderr + done.stdout
    assert "smallest change" in done.stdout
    (kept,) = (team.home / "results/calibrations").glob("queries-*.json")
    calibration = msgspec.json.decode(kept.read_bytes(), type=Calibration)
    noise = calibration.engines["duckdb"]
    assert set(noise.queries) == {"keys", "total"}
    assert noise.suite.unit > 0
    done = team.compare("fast", "fast", *BRIEF, "--effect", "0.0001", "--strict")
    assert done.returncode == 3, done.stderr  # an effect that no second shows
    assert "by this machine's noise" in done.stderr
    assert "inconclusive" in done.stdout
    content = json.loads(kept.read_bytes())
    kept.write_text(json.dumps(content | {"schema_version": 99}))
    try:
        assert "schema version 99" in refused(team.compare("fast", "fast"))
    finally:
        kept.unlink()


@pytest.mark.more
def test_a_calibration_is_interrupted_before_it_knows_anything(team: Team) -> None:
    before = set(team.home.glob("results/comparisons/*/pairs.jsonl"))
    workload = ("--workload", "queries", "--engines", "duckdb", "--rounds", "10000")
    with subprocess.Popen(
        [sys.executable, "-m", "neuralake", "calibrate", "fast", *workload],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=team.path,
        env=team.environment(),
    ) as calibrate:
        for _ in range(2400):
            journals = set(team.home.glob("results/comparisons/*/pairs.jsonl")) - before
            if any(journal.read_bytes().count(b"\n") > 2 for journal in journals):
                break
            time.sleep(0.05)
        calibrate.send_signal(signal.SIGINT)
        output, errors = calibrate.communicate(timeout=300)
    assert (calibrate.returncode, output) == (130, ""), errors
    assert "neuralake: interrupted: what was measured is kept in" in errors.splitlines()[-1]
    assert not list(team.home.glob("results/calibrations/*.json"))


@pytest.mark.more
def test_answers_of_any_type_are_compared(team: Team) -> None:
    done = team.compare("data-2", "data-2", "--max-time", "1", "--queries", "types", "--json")
    assert done.returncode == 0, done.stderr
    found = msgspec.json.decode(done.stdout, type=Comparison)
    (types,) = (change for change in found.changes() if change.query == "types")
    assert types.verdict not in ("wrong", "failed"), types


@pytest.mark.more
def test_a_header_that_names_no_column_of_the_result_is_refused(team: Team) -> None:
    said = refused(team.compare("data-3", "data-3", "--queries", "types"))
    assert "query file types.sql: its header says 'order by place'" in said


@pytest.mark.more
def test_committed_data_is_the_same_wherever_a_commit_is_laid_out(team: Team) -> None:
    of_t = (*SHORT, "--queries", "keys,total")
    done = team.run("compare", "data-1", "data-2", *of_t)
    assert done.returncode == 0, done.stderr
    assert "uri queries/t.parquet" in document(team).tables["t"]
    assert "table t is not the same in both arms" in refused(
        team.run("compare", "data-1", "data-3", *of_t)
    )


@pytest.mark.more
def test_a_table_that_does_not_open_is_told_once_and_costs_its_queries_alone(
    team: Team, tmp_path: Path
) -> None:
    report = tmp_path / "report"
    done = team.compare("twins", "twins", "--max-time", "1", "--rounds", "2", "--to", str(report))
    assert done.returncode == 1, done.stderr
    reason = (
        "both arms: table twins has the columns id and ID, which DuckDB cannot tell apart: "
        "rename one"
    )
    (line,) = [x for x in done.stdout.splitlines() if "cannot tell apart" in x]
    assert line == f"duckdb more_twins, twins: × failed: {reason}"
    (engine,) = document(team).engines
    assert engine.faults == {"twins": reason}
    assert {c.query: c.pairs > 0 for c in engine.queries} == {
        "keys": True,
        "more_twins": False,
        "total": True,
        "twins": False,
    }
    assert (report / "summary.md").read_text().count("cannot tell apart") == 1
    page = (report / "index.html").read_text()
    assert page.count("cannot tell apart") == 2  # among the failures, and how it was measured


@pytest.mark.more
def test_arms_that_read_other_rows_than_one_another_are_wrong(team: Team) -> None:
    done = team.compare("made-3", "made-1004", "--max-time", "1", "--rounds", "2")
    assert done.returncode == 1, done.stderr
    reason = "table t: duckdb reads 3 rows in the base and 1,004 in the candidate"
    assert f"duckdb total: × wrong: {reason}" in done.stdout.splitlines()
    assert {c.query: c.verdict == "wrong" for c in document(team).changes() if c.query} == {
        "keys": False,
        "total": True,
    }


Case = tuple[tuple[str, ...], str]
CASES: dict[str, Case] = {
    "no such commit": (("nosuch", "fast"), "nosuch"),
    "no such engine": (("fast", "fast", "--engines", "nosuch"), "unknown engine 'nosuch'"),
    "lacks the engine": (("fast", "fast", "--engines", "datafusion"), "lacks datafusion"),
    "unknown engine option": (
        ("fast", "fast", "--engine", "duckdb:wings=2"),
        "no option 'wings'",
    ),
    "option of another engine": (("fast", "fast[polars:x=1]"), "polars, which is not compared"),
    "no such query": (("fast", "fast", "--queries", "keys,nosuch"), "unknown query 'nosuch'"),
    "requirement": (("fast", "fast+iniconfig==99"), "iniconfig"),
    "no such wheel": (("fast", "fast+./nosuch-1-py3-none-any.whl"), "no wheel"),
    "effect 0": (("fast", "fast", "--effect", "0"), "0 is no effect"),
    "by another word": (("fast", "fast", "--by", "cycles"), "'cycles' is not one of 'time'"),
    "spark counted": (
        ("fast", "fast", "--by", "instructions", "--engines", "spark"),
        "spark cannot be compared by instructions: its JVM compiles as it runs",
    ),
    "streams counted": (
        ("fast", "fast", "--by", "instructions", "--streams", "2"),
        "streams are compared by time",
    ),
    "caches without a count": (("fast", "fast", "--cache-sim"), "expected --by instructions"),
    "effect nan": (("fast", "fast", "--query-effect", "nan"), "nan is no effect"),
    "one round": (("fast", "fast", "--rounds", "1"), "--rounds"),
    "no time": (("fast", "fast", "--max-time", "soon"), "--max-time"),
}


# what an arm's own process refuses is asked of one in test_pairs.py
@pytest.mark.parametrize("case", few(CASES, *(CASES.keys() - {"unknown engine option"})))
def test_bad_input_is_refused_in_one_line(team: Team, case: str) -> None:
    arguments, expected = CASES[case]
    assert expected in refused(team.compare(*arguments))


@pytest.mark.more
def test_other_data_are_refused_in_one_line(team: Team) -> None:
    assert "table t is not the same in both arms" in refused(team.compare("fast", "other-data"))


@pytest.mark.more
def test_a_relative_storage_root_is_where_the_caller_stands(team: Team) -> None:
    rows = pa.table({"key": pa.array([1, 2, 3], pa.int64())})
    deltalake.write_deltalake(str(team.path / "lake" / "t"), rows)
    try:
        done = team.run("compare", "rooted", "rooted", *SHORT, storage_root="lake")
        assert done.returncode == 0, done.stderr
        shown = document(team).tables["t"]
        assert f"uri {team.path}/lake/t" in shown
        assert done.stderr.count("neuralake: table t is deprecated: Of old; use u") == 1
    finally:
        shutil.rmtree(team.path / "lake")


@pytest.mark.more
def test_versions_are_compared_without_a_repository(
    team: Team, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is installed here, in both arms, with another version of one package in each."""
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    (tmp_path / "queries").mkdir()
    (tmp_path / "queries/keys.sql").write_text(QUERY.format(rows=200_000))
    (tmp_path / "queries/total.sql").write_text(OTHER)
    (tmp_path / "queries/catalog.py").write_text(CATALOG_OF_THE_ROOT)
    rows = pa.table({"key": pa.array([1, 2, 3], pa.int64())})
    deltalake.write_deltalake(str(tmp_path / "data" / "t"), rows)
    arms = ("iniconfig==2.0.0", "installed+iniconfig==2.1.0[duckdb:threads=1]")
    done = team.run("compare", *arms, *SHORT, here=tmp_path, storage_root="data")
    assert done.returncode == 0, done.stderr
    found = document(team)
    base, candidate = found.base, found.candidate
    assert (base.commit, candidate.commit) == (None, None)
    assert base.subject == "what is installed here"
    changed = {
        name for name in base.packages if base.packages[name] != candidate.packages.get(name)
    }
    assert changed == {"iniconfig"}
    assert base.packages["polars"] == version("polars")
    assert found.changes()[0].verdict != "failed"
    assert "iniconfig 2.0.0 → 2.1.0" in done.stdout
    # compiled once, in the cache, and nothing beside the caller's own catalog
    assert list(team.home.glob("cache/arms/*/bytecode/**/duckdb/**/*.pyc"))
    assert not list(tmp_path.rglob("__pycache__"))
    line = refused(team.run("compare", "HEAD", "polars==2.0.0", *SHORT, here=tmp_path))
    assert "is not in a git repository" in line
    assert "polars==2.0.0" in line


@pytest.mark.more
def test_the_cache_is_usable_after_all_that(team: Team) -> None:
    done = team.compare("fast", "fast", "--max-time", "1", "--rounds", "2")
    assert done.returncode == 0, done.stderr  # inconclusive, and not asked to be strict
    assert "inconclusive" in done.stdout
    assert "building" not in done.stderr


def test_a_dirty_tree_is_refused(team: Team) -> None:
    catalog = team.path / "queries/catalog.py"
    before = catalog.read_text()
    catalog.write_text(before + "# changed\n")
    try:
        line = refused(team.compare("HEAD", "HEAD"))
        assert "queries/catalog.py" in line
        assert "--allow-dirty" in line
    finally:
        catalog.write_text(before)


@pytest.mark.more
def test_data_that_changes_meanwhile_is_refused(team: Team) -> None:
    """A version is committed after the arms were found to agree."""
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "neuralake", "compare", "fast", "fast"),
            *("--workload", "queries", "--engines", "duckdb", "--rounds", "2", "--max-time", "90"),
        ],
        cwd=team.path,
        env=team.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    results = team.home / "results/comparisons"
    known = set(results.glob("*/pairs.jsonl"))
    until(lambda: any(p.stat().st_size for p in set(results.glob("*/pairs.jsonl")) - known))
    rows = pa.table({"key": pa.array([4], pa.int64())})
    deltalake.write_deltalake(str(team.home / "t"), rows, mode="append")
    out, err = process.communicate(timeout=240)
    line = refused(subprocess.CompletedProcess([], process.returncode, out, err))
    assert "table t is not the same in both arms" in line
    assert "version 1" in line


@pytest.mark.more
def test_the_action_says_what_is_wrong_with_its_inputs(team: Team, tmp_path: Path) -> None:
    valgrind, compare, show = act(
        team, tmp_path, neuralake=f"{sys.executable} -m neuralake", base="nosuch", options=""
    )
    assert valgrind.returncode == 0, valgrind.stderr  # it counts first, unless told otherwise
    assert compare.returncode == 2
    assert "revision 'nosuch' is no commit" in compare.stderr
    assert show.returncode == 0
    assert not (tmp_path / "summary").exists()


def test_the_action_has_every_input_that_its_steps_use() -> None:
    text = (NEURALAKE / "action.yml").read_text()
    assert set(re.findall(r"inputs\.(\w+)", text)) == set(ACTION["inputs"])
    # what others write comes to a shell by its environment, and never into its text
    assert not any("${{" in step.get("run", "") for step in ACTION["runs"]["steps"])
    workflow = yaml.safe_load((NEURALAKE / ".github/workflows/gate.yml").read_text())
    (step,) = (s for s in workflow["jobs"]["gate"]["steps"] if s.get("uses") == "./")
    assert set(step["with"]) <= set(ACTION["inputs"])
