"""``neuralake writer`` as its users run it: from pipes and over Flight, and what it refuses."""

from __future__ import annotations

import io
import json
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import deltalake
import pyarrow as pa
import pytest
from pyarrow import flight

from tests.conftest import Cli, cli_environment
from tests.more import few
from tests.writer.running import EVENTS, Running, answers, numbered

SCHEMA = pa.schema([("id", pa.int64()), ("name", pa.string())])
CATALOG = """
import pyarrow as pa
from neuralake.catalog import Column, DeltaTable, table

events = DeltaTable(
    name="events",
    location={location!r},
    columns=(Column("id", pa.int64()), Column("name", pa.string())),
)

@table
def numbers():
    return pa.table({{"n": [1]}})
"""


@pytest.fixture
def table(tmp_path: Path) -> str:
    path = str(tmp_path / "events")
    deltalake.DeltaTable.create(path, SCHEMA)
    return path


@pytest.fixture
def catalog(tmp_path: Path) -> Path:
    path = tmp_path / "catalog.py"
    path.write_text(CATALOG.format(location=str(tmp_path / "new" / "events")))
    return path


def write(
    tmp_path: Path, content: bytes, *arguments: object, command: tuple[str, ...] = ("append",)
) -> subprocess.CompletedProcess[bytes]:
    """Run ``neuralake writer`` with something on its standard input."""
    return subprocess.run(
        [sys.executable, "-m", "neuralake", "writer", *command, *map(str, arguments)],
        input=content,
        capture_output=True,
        cwd=tmp_path,
        env=cli_environment(tmp_path, tmp_path) | {"NEURALAKE_CACHE_ROOT": str(tmp_path / "cache")},
        timeout=600,
        check=False,
    )


def refused(done: subprocess.CompletedProcess[bytes] | subprocess.CompletedProcess[str]) -> str:
    """The one line in which a bad input is refused."""
    out, err = (
        text if isinstance(text, str) else text.decode() for text in (done.stdout, done.stderr)
    )
    assert (done.returncode, out) == (2, ""), (done.returncode, out, err)
    (line,) = err.splitlines()
    assert line.startswith("neuralake: ")
    return line.removeprefix("neuralake: ")


def lines(*rows: Any) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def ids(table: str) -> list[int]:
    return sorted(deltalake.DeltaTable(table).to_pyarrow_table().column("id").to_pylist())


# From a pipe


def test_lines_of_json_are_appended_by_all_three_processes(table: str, tmp_path: Path) -> None:
    rows = [{"id": i, "name": f"n{i}"} for i in range(5000)]
    done = write(tmp_path, lines(*rows), table, "--from", "stdin:ndjson", command=())
    assert done.returncode == 0, done.stderr
    assert done.stdout == b""
    assert b"append: 5,000 rows are committed, the last in version" in done.stderr
    assert ids(table) == list(range(5000))


@pytest.mark.more
def test_an_arrow_stream_is_appended(table: str, tmp_path: Path) -> None:
    sink = io.BytesIO()
    batch = pa.record_batch({"name": ["a", "b"], "id": [1, 2]})  # columns are found by name
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    done = write(tmp_path, sink.getvalue(), table, "--from", "stdin:arrow")
    assert done.returncode == 0, done.stderr
    assert ids(table) == [1, 2]


def test_a_declared_table_is_made_where_that_is_asked_for(
    catalog: Path, tmp_path: Path, typed: Cli
) -> None:
    asked = ("events", "--catalog", catalog, "--from", "stdin:ndjson")
    line = refused(typed("writer", "append", *asked))
    assert line.endswith("--create makes it of its declared columns")
    for n in (1, 2):
        done = write(tmp_path, lines({"id": n}), *asked, "--create")
        assert done.returncode == 0, done.stderr
    assert ids(str(tmp_path / "new" / "events")) == [1, 2]


def test_a_line_that_is_no_row_is_told_with_what_was_committed(table: str, tmp_path: Path) -> None:
    content = lines({"id": 1}, {"id": 2}, {"id": 3.5}, {"id": 4})
    line = refused(write(tmp_path, content, table, "--from", "stdin:ndjson"))
    assert line == (
        "standard input, line 3: column id is 3.5: expected a whole number of 64 bits; "
        "2 rows are committed, the last in version 1"
    )
    assert ids(table) == [1, 2]


@pytest.mark.more
def test_lines_that_are_put_aside_make_the_exit_status_1(table: str, tmp_path: Path) -> None:
    content = lines({"id": 1}, "x", {"id": 4})
    letters = tmp_path / "letters"
    asked = (table, "--from", "stdin:ndjson", "--dead-letters", letters)
    done = write(tmp_path, content, *asked)
    assert done.returncode == 1
    assert ids(table) == [1, 4]
    assert json.loads(letters.read_text())["line"] == 2


@pytest.mark.more  # as a line that is no row; what is said of the stream, in tests/sources
def test_a_stream_that_is_cut_commits_what_was_whole(table: str, tmp_path: Path) -> None:
    sink = io.BytesIO()
    batch = pa.record_batch({"id": list(range(1000))})
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        for _ in range(2):
            writer.write_batch(batch)
    line = refused(write(tmp_path, sink.getvalue()[:-100], table, "--from", "stdin:arrow"))
    assert "breaks off or is damaged in batch 2 of its Arrow stream, after 1 whole" in line
    assert line.endswith("; 1,000 rows are committed, the last in version 1")
    assert len(ids(table)) == 1000


@pytest.mark.more
def test_columns_are_added_where_that_is_asked_for(table: str, tmp_path: Path) -> None:
    sink = io.BytesIO()
    batch = pa.record_batch({"id": [1], "more": [0.5]})
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    asked = (table, "--from", "stdin:arrow")
    assert "'more'" in refused(write(tmp_path, sink.getvalue(), *asked))
    assert write(tmp_path, sink.getvalue(), *asked, "--evolve").returncode == 0
    rows = deltalake.DeltaTable(table).to_pyarrow_table().to_pylist()
    assert rows == [{"id": 1, "name": None, "more": 0.5}]


@pytest.mark.more
def test_a_batch_that_does_not_fit_is_told(table: str, tmp_path: Path) -> None:
    sink = io.BytesIO()
    batch = pa.record_batch({"id": ["x"]})
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    line = refused(write(tmp_path, sink.getvalue(), table, "--from", "stdin:arrow"))
    assert "'id'" in line
    assert line.endswith("; nothing is committed")


# What is refused


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("absent", "--from", "stdin:arrow"), "no Delta table at "),
        (("empty", "--from", "stdin:arrow"), "no Delta table at "),
        (("events", "--from", "stdin:csv"), "no source 'stdin:csv': expected stdin:arrow, "),
        (("events", "--from", "flight://localhost"), "'localhost' is no address: expected host"),
        (("events", "--from", "flight://0.0.0.0:0"), "0.0.0.0:0 can be reached from other"),
        (("events",), "Missing option '--from'"),
        (
            ("events", "--from", "stdin:arrow", "--batch-bytes", "5"),
            "Invalid value for '--batch-bytes': '5' has no unit",
        ),
        (("events", "--from", "stdin:arrow", "--dead-letters", "f"), "--dead-letters goes with"),
        (
            ("events", "--from", "stdin:ndjson", "--dead-letters", "events/f"),
            "--dead-letters events/f lies in the table",
        ),
        (("events", "--from", "stdin:ndjson", "--timings", "empty"), "timings cannot be kept in "),
        (("events", "--from", "stdin:ndjson", "--timings", "events/f"), "--timings events/f lies"),
        (("events", "--from", "stdin:ndjson", "--evolve"), "--evolve goes with --from stdin:arrow"),
        (("events", "--from", "stdin:arrow", "--tls-key", "f"), "--tls-certificate and --tls-key"),
        (("s3://b/t?x", "--from", "stdin:arrow"), "the location s3://b/t?x has '?', by which"),
        (("gs://b/t", "--from", "stdin:arrow"), "the location begins with gs://"),
    ],
    ids=str,
)
def test_bad_input_is_one_line(
    typed: Cli, tmp_path: Path, table: str, arguments: tuple[str, ...], reason: str
) -> None:
    (tmp_path / "empty").mkdir()
    for command in ((), ("append",)):
        assert refused(typed("writer", *command, *arguments)).startswith(reason)


def test_a_retention_below_the_tables_is_refused_unless_forced(table: str, typed: Cli) -> None:
    short = ("writer", "vacuum", table, "--once", "--retention", "1h")
    line = refused(typed(*short))
    assert "a retention of 3600 s is below the table's own of 604800 s" in line
    assert typed(*short, "--force-short-retention").returncode == 0


def test_a_retention_is_refused_before_anything_is_read(table: str, tmp_path: Path) -> None:
    """By one process of three: the others end with it."""
    with Running((table, "--from", "flight://127.0.0.1:0", "--retention", "1h"), tmp_path) as run:
        assert run.wait() == 2
        (line,) = run.errors.read_text().splitlines()
        assert "is below the table's own" in line


def test_a_table_that_is_no_delta_table_is_refused(catalog: Path, typed: Cli) -> None:
    asked = ("--catalog", catalog, "--from", "stdin:arrow")
    line = refused(typed("writer", "append", "numbers", *asked))
    assert line == "table numbers is function, which is not written: expected a DeltaTable"
    assert "no table nothing" in refused(typed("writer", "append", "nothing", *asked))


@pytest.mark.parametrize("option", few(["--from", "--metrics-port"]))
def test_a_port_in_use_is_one_line(table: str, tmp_path: Path, option: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        source = f"flight://127.0.0.1:{port if option == '--from' else 0}"
        more = ("--metrics-port", port) if option == "--metrics-port" else ()
        line = refused(write(tmp_path, b"", table, "--from", source, *more))
        assert f"127.0.0.1:{port}: Address already in use" in line


def test_metrics_name_their_extra(table: str, tmp_path: Path) -> None:
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    (hidden / "sitecustomize.py").write_text(
        "import importlib.util as u\nfind = u.find_spec\n"
        "u.find_spec = lambda n, *r: None if n == 'prometheus_client' else find(n, *r)\n"
    )
    root = Path(__file__).parents[2]
    environment = cli_environment(tmp_path, tmp_path) | {"PYTHONPATH": f"{hidden}:{root}"}
    ours = [sys.executable, "-m", "neuralake", "writer"]
    done = subprocess.run(
        [*ours, table, "--from", "stdin:ndjson", "--metrics-port", "0"],
        input=b"",
        capture_output=True,
        env=environment,
        cwd=tmp_path,
        check=False,
    )
    assert refused(done) == (
        "metrics are served by prometheus-client, which is not installed: "
        "pip install 'neuralake-bench[writer]'"
    )


# Over Flight


@contextmanager
def put(address: str) -> Iterator[tuple[Any, Any]]:
    with flight.connect(address) as client:
        writer, reader = client.do_put(EVENTS, SCHEMA)
        yield writer, reader
        writer.close()


def batch(*numbers: int) -> pa.RecordBatch:
    return pa.record_batch({"id": list(numbers), "name": ["x"] * len(numbers)}, SCHEMA)


def test_a_writer_is_seen_at_work_and_ends_when_it_is_told_to(
    table: str, tmp_path: Path, typed: Cli
) -> None:
    asked = (table, "--from", "flight://127.0.0.1:0", "--metrics-port", 0)
    with Running(asked, tmp_path) as run:
        address = run.wait_for("append", "ready")["address"]
        run.wait_for("compact", "ready")
        run.wait_for("vacuum", "ready")
        with put(address) as (writer, reader):
            for sequence in (1, 2, 2):
                writer.write_with_metadata(batch(sequence), numbered("rig-7", sequence))
            writer.done_writing()
            told = list(answers(reader))
        assert [(one["sequence"], one["repeated"]) for one in told] == [
            (1, False),
            (2, False),
            (2, True),
        ]
        cache = {"NEURALAKE_CACHE_ROOT": str(tmp_path / "cache")}
        seen = json.loads(typed("writer", "status", table, "--json", environment=cache).stdout)
        assert seen["version"] == told[-1]["version"]
        assert [(a["application"], a["sequence"]) for a in seen["applications"]] == [("rig-7", 2)]
        (writing,) = seen["writers"]
        assert writing["pid"] == run.process.pid
        assert {name: p["state"] for name, p in writing["processes"].items()} == dict.fromkeys(
            ("append", "compact", "vacuum"), "running"
        )
        words = typed("writer", "status", table, environment=cache).stdout
        assert f"writer: process {run.process.pid} from flight://127.0.0.1:0" in words
        assert "rig-7" in words
        figures = _metrics(writing["metrics"], until="neuralake_writer_rows_total")
        assert figures['neuralake_writer_rows_total{table="events"}'] == 2
        assert figures['neuralake_writer_repeated_total{table="events"}'] == 1
        appends = figures['neuralake_writer_appends_total{table="events"}']
        assert 1 <= appends <= 2  # what came together is appended together
        timed = figures['neuralake_writer_append_seconds_count{step="total",table="events"}']
        assert timed == appends
        assert figures['neuralake_writer_restarts_total{process="append",table="events"}'] == 0
        assert run.terminate() == 0
        assert run.errors.read_text() == ""
    again = json.loads(typed("writer", "status", table, "--json", environment=cache).stdout)
    assert again["writers"] == []
    assert ids(table) == [1, 2]


def _metrics(url: str, until: str) -> dict[str, float]:
    """What Prometheus reads, once there is something in a metric: it is told every second."""
    while True:
        with urllib.request.urlopen(url) as answer:
            text = answer.read().decode()
        rows = [line.rpartition(" ") for line in text.splitlines() if not line.startswith("#")]
        found = {name: float(value) for name, _, value in rows}
        if any(name.startswith(until) and value for name, value in found.items()):
            return found


def test_a_batch_that_does_not_fit_is_told_to_its_client_alone(table: str, tmp_path: Path) -> None:
    with Running(("append", table, "--from", "flight://127.0.0.1:0"), tmp_path) as run:
        address = run.wait_for("append", "ready")["address"]
        wrong = pa.record_batch({"id": ["x"]})
        with flight.connect(address) as client:
            writer, reader = client.do_put(EVENTS, wrong.schema)
            writer.write_with_metadata(wrong, numbered("a", 1))
            told = json.loads(reader.read().to_pybytes())
            assert "'id'" in told["error"]
            with pytest.raises(flight.FlightServerError, match="'id'"):
                writer.close()
        with put(address) as (writer, reader):
            writer.write_batch(batch(1))
            assert json.loads(reader.read().to_pybytes())["version"] == 1
        assert run.terminate() == 0
    assert ids(table) == [1]


@pytest.mark.parametrize("number", few([signal.SIGTERM, signal.SIGINT]))
def test_a_pipe_that_is_interrupted_leaves_what_was_read_committed(
    table: str, tmp_path: Path, number: signal.Signals
) -> None:
    with Running(
        ("append", table, "--from", "stdin:ndjson", "--batch-age", "1h"),
        tmp_path,
        stdin=subprocess.PIPE,
    ) as run:
        run.wait_for("append", "ready")
        assert run.process.stdin is not None
        run.process.stdin.write(lines({"id": 1}, {"id": 2}))
        run.process.stdin.flush()
        # read, and due in an hour
        _until_read(run)
        run.process.send_signal(number)
        assert run.wait() == 130
        run.process.stdin.close()
    assert ids(table) == [1, 2]


def _until_read(run: Running) -> None:
    """Until a pipe is empty."""
    import array
    import fcntl
    import termios
    import time

    assert run.process.stdin is not None
    left = array.array("i", [1])
    while left[0]:
        fcntl.ioctl(run.process.stdin.fileno(), termios.FIONREAD, left)
        time.sleep(0.01)
    time.sleep(0.5)  # from the pipe into the queue


# Alone


def test_compaction_and_vacuum_run_once(table: str, typed: Cli) -> None:
    for i in range(12):
        deltalake.write_deltalake(table, pa.table({"id": [i], "name": ["x"]}), mode="append")
    done = typed("writer", "compact", table, "--once", "--json")
    assert done.returncode == 0, done.stderr
    told = [json.loads(line) for line in done.stdout.splitlines()]
    (packed,) = (e for e in told if "files_before" in e)
    assert (packed["files_before"], packed["files_after"]) == (12, 1)
    assert len(deltalake.DeltaTable(table).file_uris()) == 1
    short = ("--retention", "1s", "--force-short-retention")
    assert typed("writer", "vacuum", table, "--once", *short).returncode == 0
    assert ids(table) == list(range(12))


def test_the_help_shows_the_usual_way_and_the_commands(typed: Cli) -> None:
    done = typed("writer", "--help")
    assert done.returncode == 0
    assert "neuralake writer TABLE --from SOURCE" in done.stdout
    for word in ("--batch-age DURATION", "append", "compact", "vacuum", "status"):
        assert f"\n  {word} " in done.stdout
