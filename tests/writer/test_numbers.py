"""What a batch is remembered by, and what a batch is: told before anything is written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import deltalake
import numpy as np
import polars as pl
import pyarrow as pa
import pytest

from neuralake.writer import Writer
from neuralake.writer.errors import BatchError, SequenceError, WriterClosedError, WriterError
from tests.writer.conftest import EVENTS, events
from tests.writer.test_append import files_of, ids

Make = Callable[..., str]


@pytest.mark.parametrize(
    ("named", "message"),
    [
        ({"sequence": True}, "sequence is True: expected a whole number of 64 bits"),
        ({"sequence": 1.0}, "sequence is 1.0"),
        ({"sequence": "1"}, "sequence is '1'"),
        ({"sequence": 2**63}, "sequence is 9223372036854775808"),
        ({"sequence": 5, "after": -(2**63) - 1}, "after is -9223372036854775809"),
        ({"sequence": 1, "application": ""}, "application is ''"),
        ({"sequence": 1, "application": 7}, "application is 7"),
        ({"sequence": 1, "application": "\ud800"}, "is no text"),
    ],
)
def test_a_number_that_no_log_can_have_leaves_the_table_as_it_was(
    make_table: Make, named: dict[str, Any], message: str
) -> None:
    path = make_table()
    with Writer(path, "rig-7") as writer:
        with pytest.raises(WriterError, match=message):
            writer.append(events(0), **named)
        assert not files_of(path)
        assert writer.append(events(0), sequence=1).version == 1


def test_integers_of_numpy_are_numbers(make_table: Make) -> None:
    path = make_table()
    with Writer(path, "rig-7") as writer:
        writer.append(events(0), sequence=np.int64(2**62))  # type: ignore[arg-type]
        assert writer.append(events(0), sequence=2**62).is_repeated
    assert deltalake.DeltaTable(path).transaction_version("rig-7") == 2**62


@pytest.mark.parametrize(
    ("batch", "said"),
    [
        (events(0).to_pydict(), "a builtins.dict"),
        (pl.DataFrame({"id": [1]}), "a polars.DataFrame"),
        (events(0).to_reader(), "a pyarrow.RecordBatchReader"),
        (None, "a builtins.NoneType"),
    ],
    ids=["dict", "frame", "reader", "nothing"],
)
@pytest.mark.parametrize("evolve", [False, True])
def test_what_is_no_batch_is_refused_in_words(
    make_table: Make, batch: Any, said: str, evolve: bool
) -> None:
    with (
        Writer(make_table(), evolve=evolve) as writer,
        pytest.raises(BatchError, match=f"the batch is {said}: expected a pyarrow.RecordBatch"),
    ):
        writer.append(batch)


def test_a_path_is_a_table(make_table: Make) -> None:
    path = make_table()
    with Writer(Path(path)) as writer:
        writer.append(events(0))
    assert ids(path) == list(range(10))


@pytest.mark.parametrize("error", [SequenceError, WriterClosedError])
def test_a_large_batch_that_is_not_taken_leaves_no_file(
    make_table: Make, monkeypatch: pytest.MonkeyPatch, error: type[WriterError]
) -> None:
    monkeypatch.setattr("neuralake.writer.append._LARGE_ROWS", 100)
    path = make_table()
    writer = Writer(path)

    def refuse(_: object) -> None:
        raise error("no")

    monkeypatch.setattr(writer._queue, "put", refuse)
    with pytest.raises(error):
        writer.append(events(0, 100))
    assert not files_of(path)


class TestColumnsThatAreToBeAdded:
    """A batch that does not fit the table with them adds none of them."""

    @pytest.mark.parametrize(
        ("batch", "message"),
        [
            ({"id": ["x"], "note": ["y"]}, "column 'id' is string"),
            ({"id": [1], "note": ["y"], "device": [3]}, "column 'device' is int64"),
            ({"id": [200], "note": ["y"]}, "row 0 breaks the constraint few"),
            ({"id": [1], "device": [""], "note": ["y"]}, "column 'device' has an empty string"),
        ],
    )
    def test_leave_the_table_as_it_was(
        self, make_table: Make, batch: dict[str, list[Any]], message: str
    ) -> None:
        path = make_table(partition_by=["device"])
        deltalake.DeltaTable(path).alter.add_constraint({"few": "id < 100"})
        with Writer(path, evolve=True) as writer:
            with pytest.raises(BatchError, match=message):
                writer.append(pa.table(batch))
            assert writer.schema.names == EVENTS.names
        assert deltalake.DeltaTable(path).version() == 1
