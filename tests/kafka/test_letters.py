"""A message that is no row is kept as a letter, once, and neither lost nor in anybody's way."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass

import deltalake
import pyarrow as pa
import pytest

from neuralake.sources.kafka.reading import TOMBSTONE
from neuralake.writer import Writer
from neuralake.writer.errors import WriterError
from neuralake.writer.letters import DeadLetters, letter_schema
from tests.kafka.conftest import Topic
from tests.kafka.feeding import ROWS, Feeding, ids, letters, lines, rows_of, send
from tests.waiting import until

Make = Callable[..., str]


def reasons(table: str) -> dict[int, str]:
    return {letter["offset"]: letter["reason"] for letter in letters(table)}


WRONG: dict[str, tuple[bytes | None, str]] = {
    "no JSON": (b"hello", "it is not JSON"),
    "nothing": (b"", "it is not JSON"),
    "space": (b" \n", "it is not JSON"),
    "two objects": (b'{"id": 100}{"id": 101}', "Extra data"),
    "two lines": (b'{"id": 100}\n{"id": 101}', "Extra data"),
    "a list of rows": (b'[{"id": 100}]', "expected a JSON object"),
    "half an object": (b'{"id": 100', "it is not JSON"),
    "the other half": (b'"name": "x"}', "it is not JSON"),
    "no UTF-8": (b'{"name": "\xff"}', "it is not UTF-8 at byte 11"),
    "a text for a number": (b'{"id": "100"}', 'column id is "100"'),
    "a column too many": (b'{"id": 100, "nme": "x"}', '"nme", of which the table has no column'),
    "a column twice": (b'{"id": 100, "id": 101}', '"id" twice'),
    "half a character": (b'{"id": 100, "name": "\\ud800"}', 'column name is "\\ud800"'),
    "half a character for a name": (b'{"\\ud800": 100}', "of which the table has no column"),
    "a tombstone": (None, TOMBSTONE),
}


def test_each_that_is_no_row_is_a_letter_among_rows(make_table: Make, topic: Topic) -> None:
    """All of them in one batch with good ones, which are rows."""
    table = make_table(ROWS)
    values: list[bytes | None] = []
    for number, (value, _) in enumerate(WRONG.values()):
        values += [*lines(number), value]
    send(topic, [*values, b' {"id": 50,\r\n "name": "a\\nb"}\n'], key=b"key")
    with Feeding(table, topic) as feeding:
        feeding.until_rows(len(WRONG) + 1)
        until(lambda: feeding.counted("rejected") == len(WRONG))
        assert feeding.stop() == 1  # something was put aside
    assert ids(table) == [*range(len(WRONG)), 50]
    found = letters(table)
    assert [one["offset"] for one in found] == list(range(1, 2 * len(WRONG), 2))
    for letter, (value, reason) in zip(found, WRONG.values(), strict=True):
        assert letter["value"] == value
        assert reason in letter["reason"]
        assert (letter["topic"], letter["partition"]) == (topic.name, 0)
        assert letter["key"] == b"key"
        assert letter["timestamp"] <= letter["at"]
    assert any("messages are put aside into" in text for text in feeding.told("trouble"))


def test_halves_of_rows_are_not_put_together(make_table: Make, topic: Topic) -> None:
    """As many rows as messages, and yet wrong: two in one, and one in two."""
    table = make_table(ROWS)
    send(topic, [b'{"id": 1}\n{"id": 2}', b'{"id":', b"3}", *lines(4)])
    with Feeding(table, topic) as feeding:
        feeding.until_rows(1)
        until(lambda: len(letters(table)) == 3)
    assert ids(table) == [4]


def test_a_letter_is_kept_once_however_often_it_is_read(make_table: Make, topic: Topic) -> None:
    """As after a kill between the letters' commit and that of the rows."""
    table, again = make_table(ROWS), make_table(ROWS, "again")
    send(topic, [*lines(0), b"wrong", *lines(1)])
    with Feeding(table, topic) as feeding:
        feeding.until_rows(2)
    send(topic, [b"also wrong", *lines(2)])
    with Feeding(again, topic, letters=f"{table}_dead_letters") as feeding:
        feeding.until_rows(3)
        assert feeding.stop() == 1
    assert list(reasons(table)) == [1, 3]
    assert len(letters(table)) == 2
    assert feeding.counted("rejected") == 1


@dataclass(frozen=True)
class Letter:
    offset: int
    topic: str = "t"
    partition: int = 0
    timestamp_ms: int | None = None
    key: bytes | None = None
    value: bytes | None = b"v"
    reason: str = "r"


def test_letters_that_are_there_already_are_passed_over(make_table: Make) -> None:
    table = make_table(ROWS)
    kept = DeadLetters(f"{table}_dead_letters", {}, 30)
    assert kept.put("kafka/t/i/0", [Letter(3), Letter(7)]) == 2
    assert kept.put("kafka/t/i/0", [Letter(3), Letter(7)]) == 0
    another = DeadLetters(f"{table}_dead_letters", {}, 30)
    assert another.put("kafka/t/i/0", [Letter(7), Letter(9)]) == 1
    assert another.put("kafka/t/i/1", [Letter(3, partition=1)]) == 1
    assert kept.put("kafka/t/i/0", [Letter(9), Letter(10)]) == 1
    kept.close()
    another.close()
    found = [(letter["partition"], letter["offset"]) for letter in letters(table)]
    assert found == [(0, 3), (0, 7), (0, 9), (0, 10), (1, 3)]


def test_a_time_that_nobody_has_is_none(make_table: Make) -> None:
    """Producers may make up any."""
    table = make_table(ROWS)
    kept = DeadLetters(f"{table}_dead_letters", {}, 30)
    times = [2**63 - 1, -(2**63), 1_795_656_737_281]
    told = [Letter(offset, timestamp_ms=time) for offset, time in enumerate(times)]
    assert kept.put("kafka/t/i/0", told) == 3
    kept.close()
    stamps = [letter["timestamp"] for letter in letters(table)]
    assert stamps[:2] == [None, None]
    assert stamps[2].timestamp() == 1_795_656_737.281


def test_two_who_keep_the_same_letters_at_once(make_table: Make) -> None:
    table = make_table(ROWS)
    DeadLetters(f"{table}_dead_letters", {}, 30).put("kafka/t/i/0", [Letter(0)])
    start = threading.Barrier(2)

    def keep() -> None:
        kept = DeadLetters(f"{table}_dead_letters", {}, 30)
        start.wait()
        for offset in range(1, 40):
            kept.put("kafka/t/i/0", [Letter(offset)])

    threads = [threading.Thread(target=keep) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [letter["offset"] for letter in letters(table)] == list(range(40))


def test_a_table_that_is_none_of_letters_is_refused(make_table: Make) -> None:
    other = make_table(ROWS)
    with pytest.raises(WriterError, match="no table of dead letters: expected the columns topic"):
        DeadLetters(other, {}, 30).put("kafka/t/i/0", [Letter(0)])


def test_what_a_constraint_refuses_is_a_letter(make_table: Make, topic: Topic) -> None:
    table = make_table(ROWS)
    deltalake.DeltaTable(table).alter.add_constraint({"small": "id < 100"})
    send(topic, [*lines(1, 100, 2), *lines(101), b"no", *lines(3)])
    with Feeding(table, topic) as feeding:
        feeding.until_rows(3)
        until(lambda: len(letters(table)) == 3)
    assert ids(table) == [1, 2, 3]
    assert "small" in reasons(table)[1]


def test_a_table_that_changes_while_it_is_written(make_table: Make, topic: Topic) -> None:
    """A batch that was read for the columns before is refused, and read again for those now."""
    table = make_table(ROWS)
    with Feeding(table, topic, age_s=1) as feeding:
        send(topic, lines(0))
        feeding.until_rows(1)
        send(topic, [*lines(1), b'{"id": 200, "name": "n"}', *lines(2)])
        deltalake.DeltaTable(table).alter.add_constraint({"small": "id < 100"})
        feeding.until_rows(3)
        until(lambda: len(letters(table)) == 1)
    assert ids(table) == [0, 1, 2]
    assert list(reasons(table)) == [2]
    assert feeding.error is None


def test_arrow_streams_are_rows_of_any_number(make_table: Make, topic: Topic) -> None:
    table = make_table(ROWS)

    def stream(*numbers: int, schema: pa.Schema = ROWS) -> bytes:
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, schema) as writer:
            if numbers:
                names = [f"n{i}" for i in numbers]
                arrays = [pa.array(numbers), pa.array(names)][: len(schema)]
                writer.write_batch(pa.RecordBatch.from_arrays(arrays, schema=schema))
        return bytes(sink.getvalue().to_pybytes())

    narrow = pa.schema([("id", pa.int64())])
    good = stream(0, 1, 2)
    send(topic, [good, stream(), stream(3, schema=narrow), good[:-50], b"", None, stream(4, 5)])
    with Feeding(table, topic, payload="arrow") as feeding:
        feeding.until_rows(6)
        until(lambda: len(letters(table)) == 3)
    assert ids(table) == [0, 1, 2, 3, 4, 5]
    assert list(reasons(table)) == [3, 4, 5]
    assert set(letter_schema().names) == set(letters(table)[0])
    with Writer(table) as writer:
        assert writer.refresh().version > 0


def test_records_of_avro_are_rows_and_what_is_none_is_a_letter(
    make_table: Make, topic: Topic
) -> None:
    table = make_table(ROWS)
    text = json.dumps(
        {
            "type": "record",
            "name": "Row",
            "fields": [
                {"name": "id", "type": "long"},
                {"name": "name", "type": ["null", "string"]},
            ],
        }
    )
    # zigzag numbers; the branch of a union; a text by its length
    send(topic, [b"\x02\x02\x02a", b"\x04\x00", b"\x04\x02\x7e", b"\x06\x02\x04bc"])
    with Feeding(table, topic, payload="avro", avro_schema=text) as feeding:
        feeding.until_rows(3)
        until(lambda: feeding.counted("rejected") == 1)
    found = rows_of(table).sort("id")
    assert found.rows() == [(1, "a"), (2, None), (3, "bc")]
    assert "it is no record of its schema" in reasons(table)[2]
    other = make_table(pa.schema([("id", pa.string())]), "other")
    with Feeding(other, topic, payload="avro", avro_schema=text) as feeding:
        assert "its schema has long for id, which is string" in str(feeding.wait())
