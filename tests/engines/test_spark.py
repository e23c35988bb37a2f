"""Spark on real tables, with Delta's own reader, in one JVM."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime
from decimal import Decimal
from importlib.metadata import version
from pathlib import Path
from typing import Any

import deltalake
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from neuralake import machine
from neuralake.catalog.columns import Column
from neuralake.catalog.tables import DeltaTable, ParquetTable, Table, table
from neuralake.engines.spark import SparkEngine, SparkOptions
from neuralake.engines.spark.conf import spark_conf
from neuralake.errors import CatalogError, EngineError, SchemaMismatchError
from tests.conftest import SPARK_CONFIG, SPARK_INTERPRETS, SPARK_ZONE, Spark
from tests.more import few

ROWS = pa.table(
    {
        "key": pa.array([1, 2, 3], pa.int64()),
        "price": pa.array([Decimal("1.10"), None, Decimal("3.33")], pa.decimal128(15, 2)),
        "day": pa.array([date(1998, 12, 1), date(1992, 1, 1), None]),
        "seconds": pa.array([datetime(2026, 1, 1, 12, tzinfo=UTC)] * 3, pa.timestamp("us", "UTC")),
        "name": ["a", "b", "ü"],
    },
    schema=pa.schema(
        [
            pa.field("key", pa.int64(), nullable=False),
            pa.field("price", pa.decimal128(15, 2)),
            pa.field("day", pa.date32()),
            pa.field("seconds", pa.timestamp("us", "UTC")),
            pa.field("name", pa.string()),
        ]
    ),
)


@table
def numbers() -> pa.Table:
    """Numbers and their names."""
    return pa.table({"key": [1, 2, 3], "name": ["one", "two", "three"]})


@pytest.fixture(scope="module")
def engine(shared_spark: Spark) -> SparkEngine:
    """Spark with ``SPARK_CONFIG``."""
    return shared_spark.engine()


def write(directory: Path) -> DeltaTable:
    location = str(directory / "a table")
    deltalake.write_deltalake(location, ROWS)
    return DeltaTable(name="t", location=location)


@pytest.fixture(scope="module")
def delta(tmp_path_factory: pytest.TempPathFactory) -> DeltaTable:
    """A table that nobody changes: Spark takes half a second to replay the log of another."""
    return write(tmp_path_factory.mktemp("lake"))


@pytest.fixture
def own(tmp_path: Path) -> DeltaTable:
    """The test's own."""
    return write(tmp_path)


def rows(engine: SparkEngine, tables: dict[str, Table], sql: str) -> list[dict[str, Any]]:
    session = engine.open(tables)
    try:
        answer: list[dict[str, Any]] = session.execute(sql).to_pylist()
        return answer
    finally:
        session.close()


def test_answers_keep_their_types(engine: SparkEngine, delta: DeltaTable) -> None:
    session = engine.open({"t": delta})
    answer = session.execute("SELECT * FROM t ORDER BY key")
    assert answer.to_pylist() == ROWS.to_pylist()
    assert [f.type for f in answer.schema] == [f.type for f in ROWS.schema]
    total = session.execute("SELECT sum(price) AS s, count(*) AS n FROM t")
    assert total.schema.types == [pa.decimal128(25, 2), pa.int64()]
    assert total.to_pylist() == [{"s": Decimal("4.43"), "n": 3}]
    session.close()


def test_a_day_is_one_of_utc_wherever_the_jvm_stands(engine: SparkEngine, tmp_path: Path) -> None:
    jvm = engine._jvm.spark._jvm
    assert jvm is not None
    assert jvm.java.util.TimeZone.getDefault().getID() == SPARK_ZONE
    night = pa.array([datetime(2024, 6, 30, 23, 30, tzinfo=UTC)], pa.timestamp("us", "UTC"))
    pq.write_table(pa.table({"z": night}), tmp_path / "nights.parquet")  # tomorrow there
    parquet = ParquetTable(name="t", location=str(tmp_path / "nights.parquet"))
    sql = "SELECT CAST(z AS DATE) AS day, CAST(z AS STRING) AS text FROM t"
    assert rows(engine, {"t": parquet}, sql) == [
        {"day": date(2024, 6, 30), "text": "2024-06-30 23:30:00"}
    ]


def test_an_empty_answer_has_its_columns(engine: SparkEngine, delta: DeltaTable) -> None:
    session = engine.open({"t": delta})
    answer = session.execute("SELECT key, price FROM t WHERE key > 100")
    assert answer.num_rows == 0
    assert answer.schema.types == [pa.int64(), pa.decimal128(15, 2)]
    session.close()


@pytest.mark.more  # so it is with sessions at once, for which versions are pinned
def test_open_sees_what_was_appended(engine: SparkEngine, own: DeltaTable) -> None:
    count = "SELECT count(*) AS n FROM t"
    before = engine.open({"t": own})
    deltalake.write_deltalake(own.uri, ROWS, mode="append")
    after = engine.open({"t": own})
    assert after.execute(count).to_pylist() == [{"n": 6}]
    assert before.execute(count).to_pylist() == [{"n": 3}], "a session stays at its snapshot"
    before.close()
    after.close()


@pytest.mark.more  # as above, and files that are gone are not read
def test_open_sees_what_was_deleted(engine: SparkEngine, own: DeltaTable) -> None:
    deltalake.DeltaTable(own.uri).delete("key = 2")
    assert rows(engine, {"t": own}, "SELECT key FROM t ORDER BY 1") == [{"key": 1}, {"key": 3}]


@pytest.mark.more  # those of others are read alike
def test_deletion_vectors_that_spark_wrote(engine: SparkEngine, tmp_path: Path) -> None:
    uri = str(tmp_path / "t")
    with_vectors = {"delta.enableDeletionVectors": "true"}
    deltalake.write_deltalake(uri, ROWS, configuration=with_vectors)
    session = engine.open({})
    session.execute(f"DELETE FROM delta.`{uri}` WHERE key = 2")
    delta = DeltaTable(name="t", location=uri)
    with pytest.raises(CatalogError, match="deletion vectors"):
        delta.files()
    assert rows(engine, {"t": delta}, "SELECT count(*) AS n FROM t") == [{"n": 2}]


def test_without_delta_s_reader_the_snapshot_s_files_are_read(
    engine: SparkEngine, own: DeltaTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that are in the log, by the table's schema: an older file lacks a column."""
    deltalake.write_deltalake(own.uri, ROWS, mode="append")
    deltalake.DeltaTable(own.uri).delete("key < 3")
    more = ROWS.append_column("added", pa.array(["x"] * 3))
    deltalake.write_deltalake(own.uri, more, mode="append", schema_mode="merge")
    monkeypatch.setattr(engine._runtime, "has_delta", False)
    sql = "SELECT sum(key) AS s, count(*) AS n, count(added) AS a FROM t"
    assert rows(engine, {"t": own}, sql) == [{"s": 12, "n": 5, "a": 3}]


@pytest.mark.more  # by which its changes are made, too
def test_delta_commands(engine: SparkEngine, own: DeltaTable) -> None:
    session = engine.open({"source": own, "numbers": numbers})
    name = f"delta.`{own.uri}`"
    session.execute(f"INSERT INTO {name} SELECT * FROM source")
    # PySpark cannot turn OPTIMIZE's nested answer into Arrow: nulls above what must not be null
    session._spark.sql(f"OPTIMIZE {name}")
    session.execute(f"UPDATE {name} SET name = 'z' WHERE key = 3")
    session.execute(
        f"MERGE INTO {name} t USING numbers s ON t.key = s.key AND t.key = 1 "
        "WHEN MATCHED THEN UPDATE SET t.name = s.name"
    )
    session.close()
    answer = rows(engine, {"t": own}, "SELECT name, count(*) AS n FROM t GROUP BY 1 ORDER BY 1")
    assert answer == [{"name": "b", "n": 2}, {"name": "one", "n": 2}, {"name": "z", "n": 2}]
    assert deltalake.DeltaTable(own.uri).to_pyarrow_table().num_rows == 6


@pytest.mark.more  # as those that the writer writes
def test_a_table_with_partitions(engine: SparkEngine, tmp_path: Path) -> None:
    uri = str(tmp_path / "t")
    deltalake.write_deltalake(uri, ROWS, partition_by=["name"])
    delta = DeltaTable(name="t", location=uri)
    assert rows(engine, {"t": delta}, "SELECT key FROM t WHERE name = 'ü'") == [{"key": 3}]


@pytest.mark.more  # as an answer without rows
def test_a_table_without_rows(engine: SparkEngine, tmp_path: Path) -> None:
    uri = str(tmp_path / "t")
    deltalake.write_deltalake(uri, ROWS.slice(0, 0))
    delta = DeltaTable(name="t", location=uri)
    assert rows(engine, {"t": delta}, "SELECT count(*) AS n FROM t") == [{"n": 0}]


@pytest.mark.parametrize(
    "location", few(["x.parquet", "", "*.parquet", "b[1].parquet"], "", "b[1].parquet")
)
def test_parquet_as_file_directory_glob(engine: SparkEngine, tmp_path: Path, location: str) -> None:
    for name in ("x", "b[1]", "_hidden"):
        pq.write_table(ROWS, tmp_path / f"{name}.parquet")
    parquet = ParquetTable(name="t", location=str(tmp_path / location))
    expected = 3 * len(parquet.files())
    assert rows(engine, {"t": parquet}, "SELECT count(day) + count(*) AS n FROM t") == [
        {"n": expected * 5 // 3}
    ]


def test_parquet_that_remembers_views(engine: SparkEngine, tmp_path: Path) -> None:
    view = pa.string_view()
    kept = pa.table(
        {
            "text": pa.array(["a", "b"], view),
            "raw": pa.array([b"a", b"b"], pa.binary_view()),
            "many": pa.array([["a"], ["b", "c"]], pa.list_(view)),
            "inside": pa.array([{"x": "a"}, {"x": "b"}], pa.struct([("x", view)])),
            "named": pa.array([[("k", "a")], [("k", "b")]], pa.map_(view, view)),
        }
    )
    pq.write_table(kept, tmp_path / "t.parquet")
    parquet = ParquetTable(name="t", location=str(tmp_path / "t.parquet"))
    sql = "SELECT text, raw, many[1] AS last, inside.x, named['k'] AS k FROM t WHERE raw = 'b'"
    assert rows(engine, {"t": parquet}, sql) == [
        {"text": "b", "raw": b"b", "last": "c", "x": "b", "k": "b"}
    ]


def test_a_function_joins_a_delta_table(engine: SparkEngine, delta: DeltaTable) -> None:
    sql = "SELECT n.name FROM t JOIN order n ON t.key = n.key WHERE t.price > 1 ORDER BY t.key"
    answer = rows(engine, {"t": delta, "order": numbers}, sql)
    assert answer == [{"name": "one"}, {"name": "three"}]


def test_sessions_do_not_see_each_other(engine: SparkEngine, delta: DeltaTable) -> None:
    from pyspark.errors import AnalysisException

    first, second = engine.open({"t": delta}), engine.open({"t": numbers})
    first.close()
    assert second.execute("SELECT max(name) AS m FROM t").to_pylist() == [{"m": "two"}]
    with pytest.raises(AnalysisException, match="TABLE_OR_VIEW_NOT_FOUND"):
        first.execute("SELECT * FROM t")
    second.close()


def test_explain_is_spark_s_plan(
    engine: SparkEngine, delta: DeltaTable, capfd: pytest.CaptureFixture[str]
) -> None:
    session = engine.open({"t": delta})
    plan = session.explain("SELECT count(*) FROM t WHERE key > 1")
    assert "== Physical Plan ==" in plan
    assert ("AdaptiveSparkPlan" in plan) == engine.settings["adaptive"]
    assert capfd.readouterr().out == ""
    session.close()


def test_what_spark_raises_is_raised_and_not_printed(
    engine: SparkEngine, delta: DeltaTable, capfd: pytest.CaptureFixture[str]
) -> None:
    from pyspark.errors import AnalysisException, ArithmeticException, ParseException

    session = engine.open({"t": delta})
    for sql, error in (
        ("SELECT nothing FROM t", AnalysisException),
        ("SELEC 1", ParseException),
        ("SELECT key / 0 FROM t", ArithmeticException),
    ):
        with pytest.raises(error):
            session.execute(sql)
    with pytest.raises(AnalysisException):
        session.explain("SELECT nothing FROM t")
    session.close()
    assert "Traceback" not in capfd.readouterr().err


def test_a_declaration_is_enforced(engine: SparkEngine, delta: DeltaTable) -> None:
    declared = DeltaTable(name="t", location=delta.uri, columns=(Column("key", pa.int32()),))
    with pytest.raises(SchemaMismatchError, match=r"t\.key"):
        engine.open({"t": declared})


def test_tables_on_s3_need_what_reaches_them_from_the_start(
    engine: SparkEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine._runtime, "_reaches_s3", False)
    remote = DeltaTable(name="t", location="s3://bucket/t")
    with pytest.raises(EngineError, match="start it with object_storage=true"):
        engine.open({"t": remote})


def test_settings_say_what_is_in_effect(engine: SparkEngine) -> None:
    cores = machine.cores()
    interpreted = {key: SPARK_CONFIG[key] for key in SPARK_INTERPRETS if key in SPARK_CONFIG}
    assert engine.settings == {
        "master": f"local[{cores}]",
        "driver_memory": "768m",
        "shuffle_partitions": 1,
        "adaptive": "spark.sql.adaptive.enabled" not in interpreted,
        "scheduler": "fair",
        "delta_reader": "delta",
        "time_zone": "UTC",
        "snapshot_partitions": 1,
        "delta_jars": ["io.delta:delta-spark_4.2_2.13:4.4.0", "io.delta:delta-storage:4.4.0"],
        **interpreted,
        "spark.databricks.delta.snapshotPartitions": "1",
        "spark.sql.sources.parallelPartitionDiscovery.parallelism": "1",
        "spark.sql.autoBroadcastJoinThreshold": "-1",
        "spark.hadoop.fs.s3a.secret.key": "***",
        "spark.executorEnv.PLAIN": "a \\ b=c",
        "spark.neuralake.note": "***",
    }
    spark, delta = engine._jvm.spark, "spark.databricks.delta"
    checks = f"{delta}.allFilesInCrc.verificationMode.forceOnNonUTC.enabled"
    assert spark.conf.get("spark.sql.shuffle.partitions") == "1"
    assert spark.conf.get(f"{delta}.snapshotPartitions") == "1"
    assert spark.conf.get("spark.sql.autoBroadcastJoinThreshold") == "-1"
    assert spark.conf.get("spark.sql.session.timeZone") == "UTC"
    # what a write costs does not depend on where the machine stands, which is Budapest here
    assert spark.conf.get(checks) == "false"
    assert spark.conf.get("spark.executorEnv.PLAIN") == "a \\ b=c"
    assert spark.conf.get("spark.hadoop.fs.s3a.secret.key") == "hunter2"


def test_by_default_a_shuffle_and_a_log_have_a_partition_a_core(tmp_path: Path) -> None:
    conf = spark_conf(SparkOptions(memory="768m"), [tmp_path / "delta.jar"], tmp_path)
    for name in (
        "spark.sql.shuffle.partitions",
        "spark.sql.sources.parallelPartitionDiscovery.parallelism",
        "spark.databricks.delta.snapshotPartitions",
    ):
        assert conf[name] == str(machine.cores()), name


def test_the_heap_has_the_size_asked_for(engine: SparkEngine) -> None:
    jvm = engine._jvm.spark._jvm
    assert jvm is not None
    # The serial collector of the tests' Java counts one of the survivor spaces only
    assert 0.96 * 768 * 2**20 < jvm.Runtime.getRuntime().maxMemory() <= 768 * 2**20


def test_secrets_are_on_no_command_line(engine: SparkEngine) -> None:
    process = engine._jvm._gateway.proc
    assert b"hunter2" not in Path(f"/proc/{process.pid}/cmdline").read_bytes()


def test_versions(engine: SparkEngine) -> None:
    versions = engine.versions()
    assert versions["pyspark"] == version("pyspark")
    assert versions["delta-spark"] == "4.4.0"
    assert int(versions["java"].partition(".")[0]) >= 17
    assert versions["java"].endswith(")")


def test_the_environment_is_as_it_was(engine: SparkEngine) -> None:
    assert "SPARK_CONF_DIR" not in os.environ
    assert "neuralake-spark-" not in os.environ.get("JAVA_HOME", "")


def test_a_second_spark_in_one_process_is_refused(engine: SparkEngine) -> None:
    with pytest.raises(EngineError, match="runs in this process already"):
        SparkEngine(SparkOptions(delta_reader="snapshot-files"))
    assert rows(engine, {"n": numbers}, "SELECT count(*) AS n FROM n") == [{"n": 3}]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"cores": -1}, "cores is -1: expected 0"),
        ({"shuffle_partitions": -2}, "shuffle_partitions is -2: expected 0"),
        ({"memory": "8 gigs"}, "memory is '8 gigs': expected a size such as 8g"),
        ({"memory": "100m"}, "memory is 100m: expected 512m or more"),
        ({"delta_reader": "kernel"}, "delta_reader is 'kernel': expected one of auto, delta, snap"),
        ({"config": {"sql.x": "1"}}, "'sql.x' is not a setting of Spark"),
        ({"config": {"spark.a b": "1"}}, "'spark.a b' is not a setting of Spark"),
    ],
)
def test_bad_options(given: dict[str, Any], message: str) -> None:
    with pytest.raises(EngineError) as caught:
        SparkOptions(**given)
    assert message in str(caught.value)
