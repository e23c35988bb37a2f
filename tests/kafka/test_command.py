"""``neuralake writer TABLE --from kafka://…`` as its users run it."""

from __future__ import annotations

import json
import resource
import urllib.request
from collections.abc import Callable
from pathlib import Path

import deltalake
import pytest

from tests.conftest import Cli
from tests.kafka.conftest import Topic
from tests.kafka.feeding import ROWS, ids, lines, send
from tests.waiting import until
from tests.writer.running import Running

Make = Callable[..., str]


def test_a_topic_is_written_and_watched(
    make_table: Make, topic: Topic, tmp_path: Path, typed: Cli
) -> None:
    table = make_table(ROWS)
    send(topic, [*lines(*range(100)), b"no row"])
    options = (table, "--from", topic.uri, "--from-beginning", "--metrics-port", 0)
    with Running(options, tmp_path) as run:
        run.wait_for("append", "ready")
        until(lambda: len(ids(table)) == 100)
        cache = {"NEURALAKE_CACHE_ROOT": str(tmp_path / "cache")}
        until(lambda: "lag_messages" in status(typed, table, cache)["writers"][0].get("gauges", {}))
        [told] = status(typed, table, cache)["writers"]
        assert told["source"] == topic.uri
        with urllib.request.urlopen(told["metrics"]) as page:
            assert 'neuralake_writer_lag_messages{table="events"}' in page.read().decode()
        assert run.terminate() == 1  # a message was put aside
    assert deltalake.DeltaTable(f"{table}_dead_letters").to_pyarrow_table().num_rows == 1
    applications = [one["application"] for one in status(typed, table, cache)["applications"]]
    assert [name.split("/")[:2] for name in applications] == [["kafka", topic.name]] * 2


def status(typed: Cli, table: str, environment: dict[str, str]) -> dict[str, list[dict[str, str]]]:
    done = typed("writer", "status", table, "--json", environment=environment)
    found: dict[str, list[dict[str, str]]] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--from", "kafka://127.0.0.1:9"), "names no topic: expected kafka://HOST:PORT/TOPIC"),
        (
            ("--from", "stdin:ndjson", "--group", "g"),
            "--group goes with --from kafka://HOST:PORT/TOPIC",
        ),
        (
            ("--from", "kafka://127.0.0.1:9/t", "--from-timestamp", "yesterday"),
            "--from-timestamp is 'yesterday': expected a time with its offset",
        ),
        (
            ("--from", "kafka://127.0.0.1:9/t", "--from-timestamp", "2026-11-26T01:00:00"),
            "expected a time with its offset",
        ),
        (
            ("--from", "kafka://127.0.0.1:9/t", "--evolve"),
            "--evolve goes with --from stdin:arrow or flight://HOST:PORT",
        ),
        (
            ("--from", "kafka://127.0.0.1:9/t", "--dead-letters", "f"),
            "--dead-letters goes with --from stdin:ndjson",
        ),
        (
            ("--from", "kafka://127.0.0.1:9/t", "--payload", "avro"),
            "--payload avro needs --schema-registry URL or --avro-schema FILE",
        ),
        (
            ("--from", "kafka://127.0.0.1:9/t", "--schema-registry", "http://127.0.0.1:8081"),
            "--schema-registry and --avro-schema go with --payload avro",
        ),
        (
            ("--from", "kafka://127.0.0.1:9/t", "--payload", "avro", "--schema-registry", "reg"),
            "no registry 'reg': expected such as http://127.0.0.1:8081",
        ),
        (
            ("--from", "kafka://127.0.0.1:9/t", "--payload", "avro", "--avro-schema", "absent"),
            "absent cannot be read: No such file or directory",
        ),
        (
            ("--from", "stdin:ndjson", "--avro-schema", "f"),
            "--avro-schema goes with --from kafka://HOST:PORT/TOPIC",
        ),
    ],
)
def test_bad_input_is_one_line(
    make_table: Make, typed: Cli, options: tuple[str, ...], words: str
) -> None:
    done = typed("writer", make_table(ROWS), *options)
    assert done.returncode == 2
    assert words in done.stderr.replace("\n", " ")
    assert "Traceback" not in done.stderr


def test_a_setting_that_is_none_is_one_line(make_table: Make, typed: Cli) -> None:
    environment = {"NEURALAKE_KAFKA_SASL_PASWORD": "hunter2"}
    table = make_table(ROWS)
    done = typed("writer", table, "--from", "kafka://127.0.0.1:9/t", environment=environment)
    assert done.returncode == 2
    assert "NEURALAKE_KAFKA_SASL_PASWORD is no setting" in done.stderr
    assert "hunter2" not in done.stderr


@pytest.mark.more  # in the same words the process that appends says it, in test_trouble.py
def test_a_topic_that_is_not_there_ends_the_writer(
    make_table: Make, topic: Topic, tmp_path: Path
) -> None:
    origin = topic.uri.replace(topic.name, "absent")
    with Running((make_table(ROWS), "--from", origin), tmp_path) as run:
        assert run.wait() == 2
    assert f"there is no topic absent at {topic.brokers}" in run.errors.read_text()


def test_a_full_disk_is_waited_for(make_table: Make, topic: Topic, tmp_path: Path) -> None:
    """A limit for files stands for a full disk; when there is room again it goes on."""
    table = make_table(ROWS)
    with Running(("append", table, "--from", topic.uri, "--from-beginning"), tmp_path) as run:
        run.wait_for("append", "ready")
        pid = run.pid("append")
        assert pid is not None
        send(topic, lines(*range(10)))
        until(lambda: len(ids(table)) == 10)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (100, resource.RLIM_INFINITY))
        send(topic, lines(*range(10, 30)))
        assert "File too large" in run.wait_for("append", "trouble")["text"]
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
        until(lambda: len(ids(table)) == 30)
        assert run.terminate() == 0
    assert ids(table) == list(range(30))
