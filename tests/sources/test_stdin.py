"""Arrow streams and lines of JSON from a pipe: whole, cut, of something else, and stopped."""

from __future__ import annotations

import base64
import io
import json
import os
import resource
import threading
from pathlib import Path

import pyarrow as pa
import pytest

from neuralake.errors import SourceError
from neuralake.sources.arrow_ipc import ArrowStream
from neuralake.sources.ndjson import LONGEST_LINE_BYTES, JsonLines
from neuralake.sources.pipe import Pipe
from neuralake.sources.source import Source
from tests.sources.conftest import Feed

SCHEMA = pa.schema([("id", pa.int64()), ("name", pa.string())])
ROWS = 100


def batch(first: int = 0, rows: int = ROWS) -> pa.RecordBatch:
    ids = range(first, first + rows)
    return pa.record_batch({"id": list(ids), "name": [f"n{i}" for i in ids]}, SCHEMA)


def stream(*batches: pa.RecordBatch) -> bytes:
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, SCHEMA) as writer:
        for each in batches:
            writer.write_batch(each)
    return sink.getvalue()


def ids(source: Source) -> list[int]:
    return [i for delivery in source.batches() for i in delivery.batch.column("id").to_pylist()]


def until_refused(source: Source) -> tuple[list[int], str]:
    """What was delivered, and why nothing more was."""
    delivered: list[int] = []
    with pytest.raises(SourceError) as refused:
        for delivery in source.batches():
            delivered += delivery.batch.column("id").to_pylist()
    return delivered, str(refused.value)


# Arrow


def test_an_arrow_stream_is_delivered_batch_by_batch(feed: Feed) -> None:
    source = ArrowStream(feed(stream(batch(0), batch(100, 0), batch(100))))
    sizes = [delivery.batch.num_rows for delivery in source.batches()]
    assert sizes == [ROWS, ROWS]  # an empty one is passed over


def test_streams_one_after_another_are_read_to_their_end(feed: Feed) -> None:
    """As ``cat`` puts files together: none of them is lost."""
    content = stream(batch(0)) + stream() + stream(batch(100), batch(200))
    assert ids(ArrowStream(feed(content))) == list(range(300))


@pytest.mark.parametrize("more", [b"x", b"\0" * 8, b"\n", b"ARROW1\0\0"])
def test_what_follows_a_stream_and_is_none_is_told(feed: Feed, more: bytes) -> None:
    delivered, reason = until_refused(ArrowStream(feed(stream(batch(0)) + more)))
    assert len(delivered) == ROWS
    assert reason.startswith("standard input goes on after the end of its Arrow stream, 1 batches")


def test_a_second_stream_that_breaks_off_is_told(feed: Feed) -> None:
    for length in (1, 4, 8, 100):
        content = stream(batch(0)) + stream(batch(100))[:length]
        delivered, reason = until_refused(ArrowStream(feed(content)))
        assert len(delivered) == ROWS
        assert "after 1 whole ones" in reason


def test_one_without_its_end_mark_is_whole(feed: Feed) -> None:
    assert ids(ArrowStream(feed(stream(batch())[:-8]))) == list(range(ROWS))


@pytest.mark.parametrize("missing", [9, 200, 1000])
def test_one_that_breaks_off_delivers_what_was_whole(feed: Feed, missing: int) -> None:
    cut = stream(batch(0), batch(100))[:-missing]
    delivered, reason = until_refused(ArrowStream(feed(cut)))
    assert delivered == list(range(ROWS))
    assert reason.startswith(
        "standard input breaks off or is damaged in batch 2 of its Arrow stream, after 1 whole"
    )
    assert "\n" not in reason


def test_every_cut_of_a_stream_is_told_or_is_at_the_end_of_a_batch(feed: Feed) -> None:
    content = stream(batch(0, 3), batch(3, 3))
    for length in range(0, len(content), 7):
        delivered: list[int] = []
        try:
            for delivery in ArrowStream(feed(content[:length])).batches():
                delivered += delivery.batch.column("id").to_pylist()
        except SourceError as error:
            assert "standard input" in str(error)
        assert delivered == list(range(len(delivered)))
        assert len(delivered) in (0, 3, 6)


@pytest.mark.parametrize(
    ("content", "begins"),
    [
        (b"", "is empty, which is no Arrow stream"),
        (b"hello, world", "is no Arrow stream, it begins with b'hello,'"),
        (b"hi", "is no Arrow stream, it begins with b'hi'"),
        (b'{"id": 1}\n' * 1000, "is no Arrow stream, it begins with"),
        (b"ARROW1\0\0" + bytes(100), "is no Arrow stream, it is an Arrow file"),
        (b"PAR1" + bytes(100), "is no Arrow stream, it begins with b'PAR1"),
        (b"\xff" * 64, "breaks off or is damaged in batch 1"),
    ],
    ids=repr,
)
def test_what_is_no_arrow_stream_is_refused_by_what_it_is(
    feed: Feed, content: bytes, begins: str
) -> None:
    delivered, reason = until_refused(ArrowStream(feed(content)))
    assert not delivered
    assert reason.startswith(f"standard input {begins}")


def test_a_batch_whose_offsets_lead_astray_is_refused(feed: Feed) -> None:
    offsets = pa.py_buffer(b"".join(n.to_bytes(4, "little") for n in (0, 1000, 5)))
    names = pa.StringArray.from_buffers(2, offsets, pa.py_buffer(b"abcde"))
    wrong = pa.RecordBatch.from_arrays([pa.array([1, 2]), names], schema=SCHEMA)
    delivered, reason = until_refused(ArrowStream(feed(stream(batch(), wrong))))
    assert len(delivered) == ROWS
    assert "damaged in batch 2" in reason


# JSON


def lines(*rows: object) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def test_lines_are_delivered_as_they_come() -> None:
    reading, writing = os.pipe()
    source = JsonLines(Pipe(reading), SCHEMA)
    deliveries = source.batches()
    os.write(writing, b'{"id": 1}\n{"id": 2}\n{"id"')
    assert next(deliveries).batch.column("id").to_pylist() == [1, 2]  # and waits for no more
    os.write(writing, b": 3}\n")
    assert next(deliveries).batch.column("id").to_pylist() == [3]
    os.close(writing)
    assert list(deliveries) == []
    os.close(reading)


def test_a_last_line_without_its_newline_is_a_row(feed: Feed) -> None:
    assert ids(JsonLines(feed(b'{"id": 1}\n{"id": 2}'), SCHEMA)) == [1, 2]


def test_many_lines_keep_their_order(feed: Feed) -> None:
    content = lines(*({"id": i, "name": "x" * (i % 50)} for i in range(50_000)))
    assert ids(JsonLines(feed(content), SCHEMA)) == list(range(50_000))


def test_a_line_that_is_no_row_ends_it_by_its_number(feed: Feed) -> None:
    good = [{"id": i} for i in range(30_000)]
    content = lines(*good) + b"\n" + lines({"id": 1.5}) + lines(*good)
    delivered, reason = until_refused(JsonLines(feed(content), SCHEMA))
    assert delivered == list(range(30_000))
    assert reason == (
        "standard input, line 30002: column id is 1.5: expected a whole number of 64 bits"
    )


def test_a_line_that_is_cut_is_told(feed: Feed) -> None:
    delivered, reason = until_refused(JsonLines(feed(b'{"id": 1}\n{"id": 2, "na'), SCHEMA))
    assert delivered == [1]
    assert reason.startswith("standard input, line 2: it is not JSON: ")


def test_lines_that_are_no_rows_are_put_aside_where_that_is_asked_for(
    feed: Feed, tmp_path: Path
) -> None:
    letters = tmp_path / "letters"
    content = b'{"id": 1}\nhello\n{"id": 2}\n\xff\n{"id": "x"}\n{"id": 3}\n'
    source = JsonLines(feed(content), SCHEMA, letters)
    assert ids(source) == [1, 2, 3]
    assert source.rejected == 3
    kept = [json.loads(line) for line in letters.read_text().splitlines()]
    assert [(letter["line"], letter.get("text")) for letter in kept] == [
        (2, "hello"),
        (4, None),
        (5, '{"id": "x"}'),
    ]
    assert base64.b64decode(kept[1]["base64"]) == b"\xff"
    assert kept[2]["error"] == 'column id is "x": expected a whole number of 64 bits'


def test_letters_are_added_to_those_of_before(feed: Feed, tmp_path: Path) -> None:
    letters = tmp_path / "letters"
    for _ in range(2):
        ids(JsonLines(feed(b"hello\n"), SCHEMA, letters))
    assert len(letters.read_text().splitlines()) == 2


@pytest.mark.parametrize(
    ("place", "reason"),
    [(".", "Is a directory"), ("no/letters", "No such file or directory")],
)
def test_letters_without_a_place_are_refused_before_anything_is_read(
    feed: Feed, tmp_path: Path, place: str, reason: str
) -> None:
    letters = tmp_path / place
    with pytest.raises(SourceError) as refused:
        JsonLines(feed(b""), SCHEMA, letters)
    assert str(refused.value) == f"dead letters cannot be kept in {letters}: {reason}"


def test_letters_go_to_devices_too(feed: Feed) -> None:
    assert ids(JsonLines(feed(b'hello\n{"id": 1}\n'), SCHEMA, Path("/dev/null"))) == [1]
    delivered, reason = until_refused(JsonLines(feed(b"hello\n"), SCHEMA, Path("/dev/full")))
    assert delivered == []
    assert reason == "dead letters cannot be kept in /dev/full: No space left on device"


def test_letters_that_find_no_room_are_not_kept_in_part(feed: Feed, tmp_path: Path) -> None:
    letters = tmp_path / "letters"
    ids(JsonLines(feed(b"hello\n"), SCHEMA, letters))
    kept = letters.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(kept) + 10, hard))
    try:
        _, reason = until_refused(JsonLines(feed(b"hello\n"), SCHEMA, letters))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert reason == f"dead letters cannot be kept in {letters}: File too large"
    assert letters.read_bytes() == kept


def test_a_line_without_end_takes_no_memory_without_end(feed: Feed) -> None:
    content = b'{"id": 1}\n{"name": "' + b"x" * (LONGEST_LINE_BYTES + (2 << 20))
    source = JsonLines(feed(content), SCHEMA)
    delivered, reason = until_refused(source)
    assert delivered == [1]
    assert reason == "standard input, line 2: it is longer than 64 MiB"
    source.close()


# Stopped


@pytest.mark.parametrize("kind", ["arrow", "json"])
def test_it_is_stopped_while_it_waits(kind: str) -> None:
    """What was whole has been delivered; what was begun is not, and is no error."""
    reading, writing = os.pipe()
    pipe = Pipe(reading)
    source: Source
    if kind == "arrow":
        source = ArrowStream(pipe)
        os.write(writing, stream(batch(0, 3), batch(3, 3))[:-100])
    else:
        source = JsonLines(pipe, SCHEMA)
        os.write(writing, b'{"id": 0}\n{"id": 1}\n{"id": 2}\n{"id"')
    delivered: list[int] = []
    some = threading.Event()

    def read() -> None:
        for delivery in source.batches():
            delivered.extend(delivery.batch.column("id").to_pylist())
            some.set()

    thread = threading.Thread(target=read)
    thread.start()
    assert some.wait(300)
    source.close()
    thread.join(300)
    assert not thread.is_alive()
    assert delivered == [0, 1, 2]
    os.close(writing)
    os.close(reading)


def test_nothing_is_read_after_it_was_stopped(feed: Feed) -> None:
    source = ArrowStream(feed(stream(batch())))
    source.close()
    assert ids(source) == []
