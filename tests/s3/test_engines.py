"""Benchmarks, queries and catalogs on S3, through every engine; and no credential anywhere."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.s3.server import Server
from neuralake.catalog.tables import DeltaTable, ParquetTable, Table
from neuralake.engines import registry
from neuralake.engines.duckdb.remote import make_secrets
from neuralake.engines.object_storage import options_by_bucket
from neuralake.engines.registry import EngineSpec
from neuralake.engines.spark.s3 import bucket_settings
from neuralake.errors import EngineError
from neuralake.tpch.generate import generate
from neuralake.workloads.query import run_query
from tests.conftest import SPARK_CONFIG, SPARK_INTERPRETS, Cli
from tests.more import few
from tests.s3.conftest import Place
from tests.s3.tables import COUNTED, counting, write_tables

FAST = ("polars", "datafusion", "duckdb")


@pytest.fixture(scope="module")
def place(s3_server: Server) -> Place:
    return Place(s3_server, "engines")


@pytest.fixture(scope="module")
def dataset(place: Place) -> str:
    """A dataset that has official answers."""
    uri = f"{place.uri}/tpch/sf0.01"
    generate(0.01, uri, storage_options=place.options)
    return uri


@pytest.fixture(autouse=True)
def nothing_secret(tmp_path: Path, place: Place) -> Iterator[None]:
    """After each test: nothing that it wrote holds the key, in whatever file."""
    yield
    secret = place.server.secret_access_key.encode()
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert not [path for path in written if secret in path.read_bytes()]


def assert_clean(place: Place, *texts: str) -> None:
    for text in texts:
        assert place.server.secret_access_key not in text
        assert place.server.access_key_id not in text


@pytest.mark.parametrize(
    ("engines", "queries", "number", "cold_runs"),
    few([(("duckdb",), "6", 1, 1), (FAST, "all", 22, 1)]),  # each cold run is an own process
)
def test_all_answers_are_verified_hot_and_cold(
    typed: Cli,
    place: Place,
    dataset: str,
    tmp_path: Path,
    engines: tuple[str, ...],
    queries: str,
    number: int,
    cold_runs: int,
) -> None:
    chosen = () if queries == "all" else ("--queries", queries)
    done = typed(
        *("bench", "--dataset", dataset, "--engines", ",".join(engines), "--runs", 1),
        *(*chosen, *(("--cold",) if cold_runs else ())),
        environment=place.environ,
    )
    assert done.returncode == 0, done.stderr
    assert_clean(place, done.stdout, done.stderr)
    (journal,) = (tmp_path / "results").rglob("journal.jsonl")
    lines = [json.loads(line) for line in journal.read_text().splitlines()]
    verdicts = [line["verification"] for line in lines if "verification" in line]
    assert {line["verdict"] for line in verdicts} == {"verified"}
    assert len(verdicts) >= number * len(engines)
    samples = [line["sample"] for line in lines if "sample" in line]
    cold = [sample for sample in samples if sample["phase"] == "cold"]
    assert len(cold) == number * len(engines) * cold_runs
    # There is no page cache to be emptied, and no disk that is read
    assert all(line["cached_bytes"] is None for line in cold)
    assert place.uri in journal.read_text()


@pytest.mark.more  # the Spark that tests share reads tables there, too (test_spark.py)
def test_spark_reads_it_through_delta_and_says_how(
    typed: Cli, place: Place, dataset: str, tmp_path: Path
) -> None:
    plainly = [f"{name}={SPARK_CONFIG[name]}" for name in SPARK_INTERPRETS if name in SPARK_CONFIG]
    done = typed(
        *("bench", "--dataset", dataset, "--engines", "spark", "--runs", 1, "--queries", 6),
        *(word for setting in plainly for word in ("--engine", f"spark:{setting}")),
        environment=place.environ,
    )
    assert done.returncode == 0, done.stderr
    assert_clean(place, done.stdout, done.stderr)
    (document,) = (tmp_path / "results").rglob("run.json")
    text = document.read_text()
    assert '"hadoop-aws"' in text
    assert '"object_storage"' in text
    assert text.count('"verified"') == 1


def test_a_query_a_plan_and_a_catalog(typed: Cli, place: Place, dataset: str) -> None:
    for arguments, shown in (
        (("query", "SELECT count(*) AS n FROM region", "--dataset", dataset), "5"),
        (("query", "--explain", "--tpch", 6, "--dataset", dataset, "--engine", "polars"), "s3://"),
        (("query", "--explain", "--tpch", 6, "--dataset", dataset, "--engine", "datafusion"), ""),
        (("query", "--explain", "--tpch", 6, "--dataset", dataset, "--engine", "duckdb"), ""),
        (("catalog", "list", "--dataset", dataset), f"{dataset}/region"),
        (("catalog", "show", "orders", "--dataset", dataset), "15,000"),
    ):
        done = typed(*arguments, environment=place.environ)
        assert done.returncode == 0, done.stderr
        assert shown in done.stdout
        assert_clean(place, done.stdout, done.stderr)


WRONG: dict[str, tuple[dict[str, str], str]] = {
    "key": ({"AWS_SECRET_ACCESS_KEY": "S" * 40}, r"refuses the access key|SignatureDoesNotMatch"),
    "away": (
        {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"},
        r"http://127\.0\.0\.1:9 cannot be reached",
    ),
    "http": ({"NEURALAKE_ENV": "production"}, "plain HTTP to"),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_cannot_be_reached_is_told_in_a_line(
    cli: Cli, typed: Cli, place: Place, dataset: str, what: str
) -> None:
    environment, message = WRONG[what]
    # a process shows what a library prints past Python, too
    for run, command in (
        (cli if what == "away" else typed, ("bench", "--engines", "polars")),
        (typed, ("query", "SELECT 1 FROM region")),
    ):
        done = run(*command, "--dataset", dataset, environment={**place.environ, **environment})
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.count("\n") == 1
        if command[0] == "bench":
            assert re.search(message, done.stderr)
        assert_clean(place, done.stderr)


def test_a_bucket_that_is_not_there_is_told_in_a_line(typed: Cli, place: Place) -> None:
    done = typed("bench", "--dataset", "s3://no-such-bucket/sf1", environment=place.environ)
    assert (done.returncode, done.stdout) == (2, "")
    assert "there is no bucket no-such-bucket" in done.stderr


# Tables of one's own


@pytest.fixture(scope="module")
def tables(place: Place) -> dict[str, Table]:
    return write_tables(place)


@pytest.mark.parametrize("engine", FAST)
def test_each_engine_reads_the_same_rows_of_ones_own_tables(
    engine: str, tables: Mapping[str, Table]
) -> None:
    for name, table in tables.items():
        (row,) = run_query(counting(name), EngineSpec(engine), {name: table}).to_pylist()
        assert row == COUNTED[name], name


@pytest.mark.more  # whose tables each engine reads, and TPC-H's are measured
def test_an_own_workload_is_measured(
    typed: Cli, place: Place, tables: object, tmp_path: Path
) -> None:
    work = tmp_path / "work"
    work.mkdir()
    (work / "catalog.py").write_text(
        "from neuralake.catalog import DeltaTable, ParquetTable\n"
        "parts = DeltaTable(name='parts', location='parts')\n"
        "plain = ParquetTable(name='plain', location='plain')\n"
    )
    (work / "join.sql").write_text(
        "SELECT p.day, count(*) AS n FROM parts p JOIN plain q ON p.k = q.k GROUP BY p.day"
    )
    done = typed(
        *("bench", "--workload", work, "--engines", ",".join(FAST), "--runs", 1),
        environment=place.environ,
    )
    assert done.returncode == 0, done.stderr
    assert_clean(place, done.stdout, done.stderr)


# How adapters are told


def test_each_engine_is_told_only_where_a_table_lies_on_s3(tables: Mapping[str, Table]) -> None:
    local = {"t": DeltaTable(name="t", location="/t")}
    for engine in ("polars", "datafusion", "duckdb", "spark"):
        assert registry.reaching(EngineSpec(engine), local) == EngineSpec(engine)
    spark = registry.reaching(EngineSpec("spark", {"cores": "1"}), tables)
    assert spark.options == {"cores": "1", "object_storage": "true"}
    arrow = EngineSpec("duckdb", {"remote_reader": "arrow"})
    assert registry.reaching(arrow, tables) == arrow


def test_what_hadoop_is_told_of_a_bucket(place: Place) -> None:
    server = place.server
    assert bucket_settings(place.options) == {
        "endpoint": server.endpoint_url,
        "path.style.access": "true",
        "connection.ssl.enabled": "false",
        "endpoint.region": "us-east-1",
        "access.key": server.access_key_id,
        "secret.key": server.secret_access_key,
        "aws.credentials.provider": "org.apache.hadoop.fs.s3a.SimpleAWSCredentialsProvider",
    }
    assert bucket_settings({"aws_region": "eu-central-1"}) == {"endpoint.region": "eu-central-1"}


def test_two_ways_to_one_bucket_are_refused(tables: Mapping[str, Table]) -> None:
    parts, plain = tables["parts"], tables["plain"]
    assert isinstance(plain, ParquetTable)
    other = replace(plain, storage_options={**plain.storage_options, "aws_region": "eu-west-1"})
    with pytest.raises(EngineError, match="tables parts and plain lie in the bucket lake and have"):
        options_by_bucket("Spark", {"parts": parts, "plain": other})


def test_duckdb_keeps_what_reaches_s3_to_itself(tables: Mapping[str, Table], place: Place) -> None:
    """With the extension it could; that it is not there is told by DuckDB, without the key."""
    duckdb = pytest.importorskip("duckdb")
    with duckdb.connect(config={"autoinstall_known_extensions": False}) as connection:
        try:
            make_secrets(connection, tables)
        except duckdb.Error as error:
            assert place.server.secret_access_key not in str(error)
        else:
            (shown,) = connection.execute("SELECT secret_string FROM duckdb_secrets()").fetchone()
            assert place.server.secret_access_key not in shown
