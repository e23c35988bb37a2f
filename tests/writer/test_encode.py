"""Data files: which columns have a dictionary, and what is left where a file is not written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from neuralake.writer import Writer
from neuralake.writer.errors import WriterError
from tests.writer.conftest import EVENTS, events, put_store

Make = Callable[..., str]
SCHEMA = pa.schema([("device", pa.string()), ("message", pa.string())])


@pytest.mark.parametrize(
    ("rows", "varied"), [(300, True), (8192, True), (8193, False)], ids=["few", "still few", "many"]
)
def test_text_of_a_small_file_has_a_dictionary_where_it_repeats(
    make_table: Make, rows: int, varied: bool
) -> None:
    path = make_table(SCHEMA)
    devices, messages = [f"rig-{i % 100}" for i in range(rows)], [f"{i:032x}" for i in range(rows)]
    with Writer(path) as writer:
        writer.append(pa.table([devices, messages], SCHEMA))
    (file,) = Path(path).glob("*.parquet")
    group = pq.read_metadata(file).row_group(0)
    device, message = (set(group.column(place).encodings) for place in range(2))
    assert "RLE_DICTIONARY" in device
    assert ("RLE_DICTIONARY" in message) is not varied
    assert ("DELTA_LENGTH_BYTE_ARRAY" in message) is varied
    assert pq.read_table(file).to_pydict() == {"device": devices, "message": messages}


def test_no_file_stays_open_where_the_log_cannot_be_read(make_table: Make) -> None:
    """The files of a batch are begun before the log is looked at."""
    path = make_table(EVENTS)
    with Writer(path) as writer:
        store = writer._committer._store

        class Unreadable(type(store)):  # type: ignore[misc]
            def read(self, path: str) -> bytes:
                raise OSError(5, "Input/output error", path)

        writer.append(events(0))
        put_store(writer, Unreadable(path))
        before = _open_below(path)
        for first in range(10, 40, 10):
            with pytest.raises(WriterError, match="Input/output error"):
                writer.append(events(first))
        assert _open_below(path) == before
        put_store(writer, store)
        assert writer.append(events(40)).rows == 10


def _open_below(path: str) -> list[str]:
    """Files of a directory that this process has open."""
    found = []
    for number in (entry.name for entry in Path("/proc/self/fd").iterdir()):
        try:
            found.append(str(Path(f"/proc/self/fd/{number}").readlink()))
        except FileNotFoundError:  # that of the listing
            continue
    return sorted(file for file in found if file.startswith(path))
