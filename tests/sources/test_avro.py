"""Records of Avro as rows of a table, exactly or not at all."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import UUID

import fastavro
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuralake.errors import SourceError
from neuralake.sources.json_line import RowError
from neuralake.sources.kafka.avro import AvroDecoder, OneSchema
from neuralake.sources.kafka.registry import Registry, check_registry

TABLE = pa.schema(
    [
        pa.field("id", pa.int64(), nullable=False),
        pa.field("name", pa.string()),
        pa.field("amount", pa.decimal128(12, 2)),
        pa.field("day", pa.date32()),
        pa.field("at", pa.timestamp("us", "UTC")),
        pa.field("wall", pa.timestamp("us")),
        pa.field("ratio", pa.float64()),
        pa.field("raw", pa.binary()),
        pa.field("is_on", pa.bool_()),
        pa.field("tags", pa.list_(pa.string())),
        pa.field("labels", pa.map_(pa.string(), pa.int32())),
        pa.field("place", pa.struct([("x", pa.int32()), ("y", pa.float32())])),
    ]
)
FIELDS: list[dict[str, Any]] = [
    {"name": "id", "type": "long"},
    {"name": "name", "type": ["null", "string"]},
    {
        "name": "amount",
        "type": ["null", {"type": "bytes", "logicalType": "decimal", "precision": 12, "scale": 2}],
    },
    {"name": "day", "type": ["null", {"type": "int", "logicalType": "date"}]},
    {"name": "at", "type": ["null", {"type": "long", "logicalType": "timestamp-micros"}]},
    {"name": "wall", "type": ["null", {"type": "long", "logicalType": "local-timestamp-micros"}]},
    {"name": "ratio", "type": ["null", "double"]},
    {"name": "raw", "type": ["null", "bytes"]},
    {"name": "is_on", "type": ["null", "boolean"]},
    {"name": "tags", "type": ["null", {"type": "array", "items": ["null", "string"]}]},
    {"name": "labels", "type": ["null", {"type": "map", "values": "int"}]},
    {
        "name": "place",
        "type": [
            "null",
            {
                "type": "record",
                "name": "Place",
                "fields": [{"name": "x", "type": "int"}, {"name": "y", "type": "float"}],
            },
        ],
    },
]


def schema_of(*fields: dict[str, Any]) -> str:
    return json.dumps({"type": "record", "name": "Row", "fields": list(fields)})


def written(text: str, record: dict[str, Any]) -> bytes:
    content = io.BytesIO()
    fastavro.schemaless_writer(content, fastavro.parse_schema(json.loads(text)), record)
    return content.getvalue()


def decoder(text: str, schema: pa.Schema = TABLE) -> AvroDecoder:
    return AvroDecoder(OneSchema(text), schema)


ROWS = st.fixed_dictionaries(
    {
        "id": st.integers(-(2**63), 2**63 - 1),
        "name": st.none() | st.text(),
        "amount": st.none() | st.decimals(-(10**10) + 1, 10**10 - 1, places=2),
        "day": st.none() | st.dates(),
        "at": st.none() | st.datetimes(timezones=st.just(UTC)),
        "wall": st.none() | st.datetimes(),
        "ratio": st.none() | st.floats(allow_nan=False),
        "raw": st.none() | st.binary(),
        "is_on": st.none() | st.booleans(),
        "tags": st.none() | st.lists(st.none() | st.text(), max_size=3),
        "labels": st.none() | st.dictionaries(st.text(), st.integers(-(2**31), 2**31 - 1)),
        "place": st.none()
        | st.fixed_dictionaries(
            {"x": st.integers(0, 9), "y": st.floats(width=32, allow_nan=False)}
        ),
    }
)


def as_arrow_has_it(row: dict[str, Any]) -> dict[str, Any]:
    """A map is a list of pairs."""
    labels = row["labels"]
    return {**row, "labels": None if labels is None else list(labels.items())}


@given(st.lists(ROWS, min_size=1, max_size=4))
def test_rows_come_back_as_they_were_written(rows: list[dict[str, Any]]) -> None:
    text = schema_of(*FIELDS)
    values = [written(text, row) for row in rows]
    batch = decoder(text).decode(values)
    assert batch is not None
    batch.validate(full=True)
    assert batch.to_pylist() == [as_arrow_has_it(row) for row in rows]
    one = decoder(text).decode_one(values[0])
    assert one.to_pylist() == batch.slice(0, 1).to_pylist()


@given(st.binary(max_size=60))
def test_bytes_that_are_no_record_are_refused_with_a_reason(value: bytes) -> None:
    """Whatever they are: neither an error of another kind, nor memory beyond them."""
    reading = decoder(schema_of(*FIELDS))
    try:
        batch = reading.decode_one(value)
    except RowError as error:
        assert str(error)
        assert reading.decode([value]) is None
    else:
        batch.validate(full=True)
        assert batch.num_rows == 1


def test_a_column_that_a_record_lacks_is_null() -> None:
    text = schema_of({"name": "id", "type": "int"})
    assert decoder(text).decode_one(written(text, {"id": 7})).to_pylist() == [
        {name: 7 if name == "id" else None for name in TABLE.names}
    ]


OTHERS = {
    "enum": ({"type": "enum", "name": "E", "symbols": ["a", "b"]}, pa.string(), "b", "b"),
    "uuid": ({"type": "string", "logicalType": "uuid"}, pa.string(), UUID(int=7), str(UUID(int=7))),
    "fixed": ({"type": "fixed", "name": "F", "size": 2}, pa.binary(), b"ab", b"ab"),
    "a fixed uuid": (
        {"type": "fixed", "name": "U", "size": 16, "logicalType": "uuid"},
        pa.string(),
        UUID(int=7).bytes,
        str(UUID(int=7)),
    ),
    "a fixed decimal": (
        {"type": "fixed", "name": "D", "size": 20, "logicalType": "decimal", "precision": 38},
        pa.decimal128(38, 0),
        Decimal(-(10**38) + 1),
        Decimal(-(10**38) + 1),
    ),
    "a decimal of no digits is bytes": (
        {"type": "bytes", "logicalType": "decimal", "precision": 0},
        pa.binary(),
        b"ab",
        b"ab",
    ),
    "milliseconds": (
        {"type": "long", "logicalType": "timestamp-millis"},
        pa.timestamp("us", "UTC"),
        datetime(2026, 11, 26, 1, 2, 3, 4000, UTC),
        datetime(2026, 11, 26, 1, 2, 3, 4000, UTC),
    ),
    "an unknown logical type": ({"type": "long", "logicalType": "mine"}, pa.int32(), 5, 5),
    "a large text": ({"type": "string"}, pa.large_string(), "x", "x"),
    "several kinds": (["int", "long", "null"], pa.int16(), 5, 5),
    "a wider decimal": (
        {"type": "bytes", "logicalType": "decimal", "precision": 4, "scale": 1},
        pa.decimal128(12, 2),
        Decimal("1.5"),
        Decimal("1.50"),
    ),
    "a date before 1970": (
        {"type": "int", "logicalType": "date"},
        pa.date32(),
        date(1, 1, 1),
        date(1, 1, 1),
    ),
}


@pytest.mark.parametrize(("avro", "arrow", "value", "expected"), OTHERS.values(), ids=OTHERS)
def test_other_types_that_a_column_takes(
    avro: Any, arrow: pa.DataType, value: object, expected: object
) -> None:
    text = schema_of({"name": "c", "type": avro})
    batch = decoder(text, pa.schema([("c", arrow)])).decode_one(written(text, {"c": value}))
    assert batch.to_pylist() == [{"c": expected}]


@pytest.mark.parametrize(
    ("avro", "arrow", "reason"),
    [
        ("string", pa.int64(), "string for c, which is int64"),
        ("long", pa.float64(), "long for c, which is double"),
        ("double", pa.float32(), "double for c, which is float"),
        ("long", pa.timestamp("us", "UTC"), "long for c"),
        ({"type": "long", "logicalType": "timestamp-micros"}, pa.timestamp("us"), "which is time"),
        ({"type": "long", "logicalType": "local-timestamp-micros"}, pa.timestamp("us", "UTC"), "c"),
        ({"type": "int", "logicalType": "time-millis"}, pa.int32(), "time-millis for c"),
        ({"type": "array", "items": "null"}, pa.list_(pa.string()), "array for c"),
        ({"type": "map", "values": "int"}, pa.map_(pa.int32(), pa.int32()), "map for c"),
        (["null", "int", "string"], pa.int32(), "string for c"),
        ({"type": "record", "name": "N", "fields": []}, pa.struct([("x", pa.int32())]), "record"),
    ],
    ids=str,
)
def test_a_schema_that_a_column_does_not_take(avro: Any, arrow: pa.DataType, reason: str) -> None:
    reading = decoder(schema_of({"name": "c", "type": avro}), pa.schema([("c", arrow)]))
    with pytest.raises(SourceError, match=f"no record can be read: its schema has .*{reason}"):
        reading.check(0)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "none of Avro"),
        ("{}", "none of Avro"),
        ('"nothing"', "none of Avro"),
        ('"long"', "of no record"),
        (schema_of({"name": "nme", "type": "string"}), "nme, of which the table has no column"),
        (
            schema_of(
                {
                    "name": "place",
                    "type": {
                        "type": "record",
                        "name": "P",
                        "fields": [{"name": "z", "type": "int"}],
                    },
                }
            ),
            r"place\.z, of which the table has no column",
        ),
    ],
    ids=lambda text: text[:30],
)
def test_a_schema_that_is_of_no_row(text: str, reason: str) -> None:
    with pytest.raises(SourceError, match=reason):
        decoder(text).check(0)


def test_values_beyond_their_column_are_refused() -> None:
    text = schema_of({"name": "c", "type": "long"})
    reading = decoder(text, pa.schema([("c", pa.int8())]))
    assert reading.decode([written(text, {"c": 127})]) is not None
    with pytest.raises(RowError, match="it does not fit the table"):
        reading.decode_one(written(text, {"c": 128}))


@pytest.mark.parametrize("precision", [1, 4, 12])
def test_a_decimal_of_more_digits_than_its_schema_says_is_not_rounded(precision: int) -> None:
    """Avro's own writers of some languages do not look."""
    kind = {"type": "bytes", "logicalType": "decimal", "precision": precision, "scale": 1}
    record = written(schema_of({"name": "c", "type": "bytes"}), {"c": (12_345_678).to_bytes(4)})
    reading = decoder(
        schema_of({"name": "c", "type": kind}), pa.schema([("c", pa.decimal128(12, 2))])
    )
    assert reading.decode_one(record).to_pylist() == [{"c": Decimal("1234567.80")}]
    long = written(schema_of({"name": "c", "type": "bytes"}), {"c": b"\1" * 300})
    with pytest.raises(RowError, match="it has a decimal of 300 bytes"):
        reading.decode_one(long)


def test_what_follows_a_record_is_no_part_of_it() -> None:
    text = schema_of({"name": "id", "type": "long"})
    value = written(text, {"id": 1})
    with pytest.raises(RowError, match="3 bytes follow one"):
        decoder(text).decode_one(value + b"\0\0\0")
    with pytest.raises(RowError, match="it is no record of its schema"):
        decoder(text).decode_one(b"")


# A registry


Answer = Callable[[BaseHTTPRequestHandler], tuple[int, Any]]


@contextmanager
def registry(answer: Answer) -> Iterator[str]:
    """Answers what it is told to, and nothing else."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = answer(self)
            content = json.dumps(body).encode()
            self.send_response(status)
            if status == 307:
                self.send_header("Location", body)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def frame(number: int, value: bytes) -> bytes:
    return b"\0" + number.to_bytes(4, "big") + value


def test_each_schema_is_asked_for_once_by_its_number() -> None:
    texts = {
        7: schema_of({"name": "id", "type": "long"}),
        8: schema_of({"name": "id", "type": "long"}, {"name": "name", "type": "string"}),
    }
    asked: list[tuple[str, str | None]] = []

    def answer(request: BaseHTTPRequestHandler) -> tuple[int, Any]:
        asked.append((request.path, request.headers["Authorization"]))
        return 200, {"schema": texts[int(request.path.rpartition("/")[2])]}

    with registry(answer) as url:
        schemas = Registry(f"{url}/", "ann:secret", pytest.fail, threading.Event())
        reading = AvroDecoder(schemas, TABLE.remove_metadata())
        values = [frame(7, written(texts[7], {"id": i})) for i in range(3)]
        values.append(frame(8, written(texts[8], {"id": 3, "name": "x"})))
        batch = reading.decode(values * 2)
    assert batch is not None
    assert batch["id"].to_pylist() == [0, 1, 2, 3] * 2
    assert batch["name"].to_pylist() == [None, None, None, "x"] * 2
    assert asked == [(f"/schemas/ids/{n}", "Basic YW5uOnNlY3JldA==") for n in (7, 8)]


def test_a_registry_that_moved_takes_no_password_along() -> None:
    text = schema_of({"name": "id", "type": "long"})
    shown: list[str | None] = []

    def there(request: BaseHTTPRequestHandler) -> tuple[int, Any]:
        shown.append(request.headers["Authorization"])
        return 200, {"schema": text}

    with registry(there) as other, registry(lambda asked: (307, other + asked.path)) as url:
        assert Registry(url, "ann:secret", pytest.fail, threading.Event()).text(7) == text
    assert shown == [None]


def test_a_registry_that_does_not_answer_is_asked_until_it_does() -> None:
    """No message is refused for that: a letter could not be taken back."""
    text = schema_of({"name": "id", "type": "long"})
    said: list[str] = []
    asked = 0

    def answer(_: BaseHTTPRequestHandler) -> tuple[int, Any]:
        nonlocal asked
        asked += 1
        return (503, {}) if asked < 3 else (200, {"schema": text})

    with registry(answer) as url:
        schemas = Registry(url, None, said.append, threading.Event())
        batch = AvroDecoder(schemas, TABLE).decode_one(frame(1, written(text, {"id": 5})))
    assert batch["id"].to_pylist() == [5]
    assert said == [
        f"the registry at {url} does not answer: status 503; it is tried until it does",
        f"the registry at {url} answers again",
    ]


def test_who_is_stopped_waits_for_no_registry() -> None:
    stopped = threading.Event()
    said: list[str] = []

    def tell(words: str) -> None:
        said.append(words)
        stopped.set()

    schemas = Registry("http://127.0.0.1:9", None, tell, stopped)
    with pytest.raises(RowError, match="it is stopped"):
        AvroDecoder(schemas, TABLE).decode_one(frame(1, b"\x02"))
    assert len(said) == 1


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (404, {"error_code": 40403}, "its schema 3 is not in the registry"),
        (200, {"schema": "syntax", "schemaType": "PROTOBUF"}, "is of PROTOBUF"),
        (200, {"schema": '"x"', "references": [{"name": "x"}]}, "refers to others"),
        (200, {"schema": '"long"'}, "of no record"),
    ],
)
def test_a_message_whose_schema_is_none_is_refused(status: int, body: Any, reason: str) -> None:
    with registry(lambda _: (status, body)) as url:
        reading = AvroDecoder(Registry(url, None, pytest.fail, threading.Event()), TABLE)
        for _ in range(2):
            with pytest.raises(RowError, match=reason):
                reading.decode_one(frame(3, b"\x02"))


@pytest.mark.parametrize("value", [b"", b"\0", b"\0\0\0\0", b"\x01\0\0\0\x01\x02"])
def test_a_message_without_the_number_of_a_schema_is_refused(value: bytes) -> None:
    schemas = Registry("http://127.0.0.1:9", None, pytest.fail, threading.Event())
    with pytest.raises(RowError, match="does not begin with the number of a schema"):
        AvroDecoder(schemas, TABLE).decode_one(value)


@pytest.mark.parametrize("url", ["", "registry", "ftp://x", "http://", "file:///etc/passwd"])
def test_a_registry_that_is_none(url: str) -> None:
    with pytest.raises(SourceError, match="no registry"):
        check_registry(url)


def test_a_password_is_not_taken_from_a_url() -> None:
    with pytest.raises(SourceError, match="NEURALAKE_KAFKA_REGISTRY_USER") as caught:
        check_registry("http://ann:secret@127.0.0.1:8081")
    assert "secret" not in str(caught.value)
