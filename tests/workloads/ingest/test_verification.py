"""What was acknowledged must be there: every row, once, as it was sent; and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import deltalake
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuralake.results.ingest.records import Case, Key, Load
from neuralake.results.ingest.samples import COMMITS
from neuralake.results.parts import SAMPLES, Part, PartWriter
from neuralake.workloads.ingest.batches import SCHEMA, Batches, rows_of_size
from neuralake.workloads.ingest.verification import (
    Found,
    Sent,
    VerifyingProcess,
    differences,
    sent_in,
)
from neuralake.workloads.places import Target

BATCHES = Batches(10, seed=3)
LOAD = Load(batch_rows=10, seed=3)
KEY = Key(Case("neuralake"), 1)


def held(number: int, **changes: object) -> Found:
    sums = BATCHES.sums()[number % len(BATCHES.templates)]
    right = Found(number, 10, 10, number * 10, number * 10 + 9, sums.amount, sums.code)
    return replace(right, **changes)  # type: ignore[arg-type]


def told(sent: Sequence[int], found: Sequence[Found], doubt: Sequence[int] = ()) -> list[str]:
    return list(differences(Sent(frozenset(sent), frozenset(doubt)), found, BATCHES))


@given(
    sent=st.sets(st.integers(0, 50)),
    doubt=st.sets(st.integers(51, 99)),
    lost=st.sets(st.integers(0, 50)),
    extra=st.sets(st.integers(100, 120)),
    came=st.sets(st.integers(51, 99)),
)
def test_each_batch_that_is_lost_or_was_never_sent_is_told(
    sent: set[int], doubt: set[int], lost: set[int], extra: set[int], came: set[int]
) -> None:
    """One in doubt may be there, or not."""
    there = (sent - lost) | (doubt & came) | extra
    wrong = told(sorted(sent), [held(number) for number in sorted(there)], sorted(doubt))
    assert len(wrong) == len(sent & lost) + len(extra)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"rows": 20}, "batch 4 has 20 rows with 10 ids: 10 were sent"),
        ({"rows": 9, "ids": 9}, "batch 4 has 9 rows with 9 ids"),
        ({"ids": 9}, "batch 4 has 10 rows with 9 ids"),
        ({"least": 41}, "batch 4 has ids from 41 to 49: not those sent"),
        ({"most": 50}, "batch 4 has ids from 40 to 50: not those sent"),
        ({"amount": Decimal("0.01")}, "batch 4 adds up to 0.01"),
        ({"code": -1}, "were sent"),
    ],
)
def test_a_batch_that_is_there_otherwise_is_told(changes: dict[str, object], said: str) -> None:
    assert told([4], [held(4)]) == []
    (wrong,) = told([4], [held(4, **changes)])
    assert said in wrong
    assert told([], [held(4, **changes)], doubt=[4]) == [wrong]  # whole, or not at all


@given(rows=st.integers(1, 300), number=st.integers(0, 2**40), seed=st.integers(0, 2**31))
def test_no_two_batches_share_an_id_and_all_are_alike(rows: int, number: int, seed: int) -> None:
    batches = Batches(rows, seed)
    one, next_one = batches.batch(number), batches.batch(number + 1)
    assert one.schema == SCHEMA
    assert one.num_rows == rows
    assert one["batch"].unique().to_pylist() == [number]
    ids = pa.concat_arrays([one["id"], next_one["id"]])
    assert ids.to_pylist() == list(range(number * rows, (number + 2) * rows))
    sums = batches.sums()[number % len(batches.templates)]
    assert (pc.sum(one["amount"]).as_py() or 0) == sums.amount
    assert (pc.sum(one["code"]).as_py() or 0) == sums.code
    assert Batches(rows, seed).batch(number).equals(one)
    one.validate(full=True)


@given(size_bytes=st.integers(2000, 10_000_000))
def test_a_batch_may_be_asked_for_by_its_size(size_bytes: int) -> None:
    rows = rows_of_size(size_bytes, 1)
    per_row = Batches(1000, 1).batch(0).nbytes / 1000
    assert rows * per_row == pytest.approx(size_bytes, rel=0.1)


def samples(directory: Path, batches: Sequence[int], failed: Sequence[int] = ()) -> Part:
    writer = PartWriter(directory / SAMPLES, "part", COMMITS)
    for batch in (*batches, *failed):
        values = dict.fromkeys(COMMITS.names)
        values |= {"batch": batch, "is_acknowledged": batch not in failed, "is_warm_up": False}
        writer.write([tuple(values.values())])
    return writer.finish()


def verdict(home: Path, part: Part, engine: str = "polars") -> tuple[str, str]:
    found = VerifyingProcess().verify(KEY, engine, Target(str(home / "table")), LOAD, home, [part])
    return found.verdict, found.detail or ""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A table with batches 0 to 4, of which 4 was not acknowledged."""
    deltalake.DeltaTable.create(str(tmp_path / "table"), SCHEMA)
    for number in range(5):
        deltalake.write_deltalake(str(tmp_path / "table"), BATCHES.batch(number), mode="append")
    return tmp_path


@pytest.mark.parametrize("engine", ["polars", "datafusion", "duckdb"])
def test_a_real_table_is_read_by_another_engine(home: Path, engine: str) -> None:
    part = samples(home, range(4), failed=[4, 5])
    assert sent_in(home, [part]) == Sent(frozenset(range(4)), frozenset({4, 5}))
    assert verdict(home, part, engine) == ("verified", "")


def test_a_row_too_much_and_a_row_too_little_are_found_in_a_real_table(home: Path) -> None:
    part = samples(home, range(5))
    table = deltalake.DeltaTable(str(home / "table"))
    table.delete("id = 17")
    found, said = verdict(home, part)
    assert (found, said) == ("wrong", "batch 1 has 9 rows with 9 ids: 10 were sent")
    deltalake.write_deltalake(table, BATCHES.batch(3).slice(2, 1), mode="append")
    found, said = verdict(home, part)
    assert "; batch 3 has 11 rows with 10 ids: 10 were sent" in said


def test_a_table_that_cannot_be_read_is_wrong(home: Path) -> None:
    part = samples(home, range(5))
    next((home / "table").glob("*.parquet")).unlink()
    found, said = verdict(home, part)
    assert found == "wrong"
    assert said.startswith("it cannot be read: ")
