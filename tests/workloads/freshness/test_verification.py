"""Whether a table holds what was sent: every way in which it may not is told."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import deltalake
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from neuralake.workloads.engine_reader import EngineReader
from neuralake.workloads.freshness.events import TABLE, Events
from neuralake.workloads.freshness.verification import QUESTION, differences
from neuralake.workloads.places import Target

EVENTS = Events(1)
Change = Callable[[pa.Table], pa.Table]


def held(count: int, change: Change = lambda rows: rows) -> pa.Table:
    """What an engine answers of a table that holds the records of one producer, or others."""
    rows = pa.Table.from_batches([EVENTS.batch(0, 0, np.zeros(count, np.int64))])
    rows = change(rows)
    return (
        rows.group_by("producer", use_threads=False)
        .aggregate(
            [
                *(("number", "count"), ("number", "count_distinct"), ("number", "min")),
                *(("number", "max"), ("number", "sum"), ("amount", "sum"), ("code", "sum")),
            ]
        )
        .rename_columns(["producer", "n", "numbers", "least", "most", "total", "AMOUNT", "CODE"])
    )


def without(*numbers: int) -> Change:
    return lambda rows: rows.filter(pc.invert(pc.is_in(rows["number"], pa.array(numbers))))


def twice(number: int) -> Change:
    return lambda rows: pa.concat_tables([rows, rows.slice(number, 1)])


def other(name: str) -> Change:
    """A column that comes from elsewhere."""

    def change(rows: pa.Table) -> pa.Table:
        place = rows.column_names.index(name)
        changed = pc.add(rows[name], 1).cast(rows.field(name).type)
        return rows.set_column(place, rows.field(name), changed)

    return change


@pytest.mark.parametrize(("sent", "acknowledged"), [(100, 100), (120, 100), (100, 80)])
def test_all_that_is_acknowledged_and_perhaps_more_that_was_sent_is_right(
    sent: int, acknowledged: int
) -> None:
    assert not list(differences(held(100), EVENTS, [sent], [acknowledged]))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (without(7), "99 records with 99 different numbers from 0 to 99: 100 were sent"),
        (twice(7), "101 records with 100 different numbers"),
        (without(99), "99 records with 99 different numbers from 0 to 98"),
        (without(0), "from 1 to 99"),
        (
            lambda rows: pa.concat_tables([without(7)(rows), rows.slice(8, 1)]),
            "100 records with 99",
        ),
        (other("amount"), "add up to"),
        (other("code"), "add up to"),
    ],
)
def test_what_is_wrong_is_told(change: Change, said: str) -> None:
    (found,) = differences(held(100, change), EVENTS, [100], [100])
    assert said in found


def test_records_of_nobody_and_none_at_all_are_told() -> None:
    found = list(differences(held(100, other("producer")), EVENTS, [100], [100]))
    assert found[0] == "records of producer 1, who does not exist"
    assert "producer 0: 0 records" in found[1]


@pytest.mark.parametrize("engine", ["polars", "datafusion", "duckdb"])
def test_sums_beyond_32_bits_are_answered_as_they_are(tmp_path: Path, engine: str) -> None:
    """Polars keeps the sum of 32-bit numbers in 32 bits, and wraps around in silence."""
    rows = pa.Table.from_batches([EVENTS.batch(0, 0, np.zeros(3, np.int64))])
    codes = pa.array([2_000_000_000] * 3, pa.int32())
    place = rows.column_names.index("code")
    deltalake.write_deltalake(
        str(tmp_path / "t"), rows.set_column(place, rows.field("code"), codes)
    )
    reader = EngineReader(engine, TABLE, Target(str(tmp_path / "t")))
    answer = reader.ask(QUESTION)
    reader.close()
    assert [int(code) for code in answer["code"].to_pylist()] == [6_000_000_000]
