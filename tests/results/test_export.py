"""Exports: one row a sample, in columns that programs rely on."""

from __future__ import annotations

import csv
import io
from dataclasses import fields, replace
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.parquet as pq

from neuralake.results.comparison import Pair
from neuralake.results.export import pairs_table, written
from neuralake.results.records import EngineRecord, Sample
from neuralake.results.samples import samples_table
from tests.report.comparison.make import made_comparison, slower_engine
from tests.results.make import FINGERPRINT, run, sample

# design.md: columns may be added, never renamed
PROMISED = (
    *("run", "engine", "phase", "query", "round", "status", "wall_ns"),
    *("cpu_ns", "peak_rss_bytes", "bytes_read", "rows", "digest"),
)
RUN = run(
    [
        sample("polars", None, phase="start", round=0),
        sample("polars", "q01"),
        sample("polars", "q02", None, status="error", message='it said "no",\nand stopped'),
    ]
)


def test_the_columns_are_those_of_the_design() -> None:
    (header, *_) = csv.reader(io.StringIO(written(samples_table([RUN]), "csv").decode()))
    assert tuple(header[: len(PROMISED)]) == PROMISED
    table = pq.read_table(io.BytesIO(written(samples_table([RUN]), "parquet")))
    assert table.column_names == header


def test_a_row_is_a_sample() -> None:
    table = pq.read_table(io.BytesIO(written(samples_table([RUN, RUN]), "parquet")))
    assert table.num_rows == 6
    rows = table.to_pylist()
    assert {row["run"] for row in rows} == {RUN.header.id}
    of_a_sample = [field.name for field in fields(Sample)]
    for row, expected in zip(rows, [*RUN.samples, *RUN.samples], strict=True):
        assert {name: row[name] for name in of_a_sample} == {
            name: getattr(expected, name) for name in of_a_sample
        }


def test_a_row_says_what_was_run_and_where() -> None:
    machine = replace(FINGERPRINT, commit="0" * 40, dirty=True)
    engine = EngineRecord("polars", versions={"python": "3.11", "polars": "2.1.0"})
    made = run([sample("polars", "q01")], engines=[engine], fingerprint=machine)
    (row,) = pq.read_table(io.BytesIO(written(samples_table([made]), "parquet"))).to_pylist()
    assert (row["workload"], row["scale_factor"], row["commit"]) == ("tpch", 1.0, "0" * 40)
    assert (row["dirty"], row["neuralake"]) == (True, "0.1.0")
    assert row["engine_versions"] == "polars 2.1.0, python 3.11"
    assert row["started_time"] == datetime(2026, 1, 1, 0, 0, 1, tzinfo=UTC)
    assert samples_table([made]).schema.field("started_time").type == pa.timestamp("us", "UTC")
    assert row["started_at"] == "2026-01-01T00:00:01.000+00:00"


def test_a_pair_of_a_comparison_is_two_rows() -> None:
    made = made_comparison(slower_engine("datafusion"))
    pair = Pair("datafusion", "q01", 3, 1, 10, 20, None, 5, base_first=False)
    base, candidate = pairs_table([(made, [pair])]).to_pylist()
    assert (base["arm"], base["wall_ns"], base["cpu_ns"], base["came_first"]) == (
        "base",
        10,
        None,
        False,
    )
    assert (candidate["arm"], candidate["wall_ns"], candidate["cpu_ns"]) == ("candidate", 20, 5)
    assert candidate["came_first"]
    assert (base["comparison"], base["process"], base["round"]) == (made.id, 3, 1)
    assert (base["commit"], candidate["commit"]) == (made.base.commit, made.candidate.commit)
    assert (base["engine_versions"], base["workload"]) == ("datafusion 2.0.0", "tpch")
    assert base["compared_time"] == datetime(2026, 1, 1, tzinfo=UTC)


def test_a_counted_pair_has_its_counts() -> None:
    """Where there are any: of the side that they are of."""
    made = made_comparison(slower_engine("datafusion"))
    timed = Pair("datafusion", "q01", 3, 1, 10, 20, None, 5, base_first=False)
    counted = replace(timed, base_instructions=70, candidate_instructions=71, candidate_cycles=90)
    rows = pairs_table([(made, [timed, counted])]).to_pylist()
    assert [row["instructions"] for row in rows] == [None, None, 70, 71]
    assert [row["cycles"] for row in rows] == [None, None, None, 90]


def test_csv_tells_the_same() -> None:
    rows = list(csv.DictReader(io.StringIO(written(samples_table([RUN]), "csv").decode())))
    assert [row["query"] for row in rows] == ["", "q01", "q02"]
    assert [row["wall_ns"] for row in rows] == ["1000000000", "1000000000", ""]
    assert rows[2]["message"] == 'it said "no",\nand stopped'


def test_no_run_is_an_empty_table() -> None:
    assert pq.read_table(io.BytesIO(written(samples_table([]), "parquet"))).num_rows == 0
