"""Exports: one row a sample, in columns that programs rely on."""

from __future__ import annotations

import csv
import io

import pyarrow.parquet as pq

from neuralake.results.export import export_samples
from tests.results.make import run, sample

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
    (header, *_) = csv.reader(io.StringIO(export_samples([RUN], "csv").decode()))
    assert tuple(header[: len(PROMISED)]) == PROMISED
    table = pq.read_table(io.BytesIO(export_samples([RUN], "parquet")))
    assert table.column_names == header


def test_a_row_is_a_sample() -> None:
    table = pq.read_table(io.BytesIO(export_samples([RUN, RUN], "parquet")))
    assert table.num_rows == 6
    rows = table.to_pylist()
    assert {row["run"] for row in rows} == {RUN.header.id}
    for row, expected in zip(rows, [*RUN.samples, *RUN.samples], strict=True):
        assert {name: row[name] for name in row if name != "run"} == {
            name: getattr(expected, name) for name in row if name != "run"
        }


def test_csv_tells_the_same() -> None:
    rows = list(csv.DictReader(io.StringIO(export_samples([RUN], "csv").decode())))
    assert [row["query"] for row in rows] == ["", "q01", "q02"]
    assert [row["wall_ns"] for row in rows] == ["1000000000", "1000000000", ""]
    assert rows[2]["message"] == 'it said "no",\nand stopped'


def test_no_run_is_an_empty_table() -> None:
    assert pq.read_table(io.BytesIO(export_samples([], "parquet"))).num_rows == 0
