"""``neuralake pipeline`` with a topic and a table of the user's own."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import polars as pl
from confluent_kafka import Producer

from tests.conftest import cli_environment
from tests.kafka.conftest import Topic

CATALOG = """
import pyarrow as pa
from neuralake.catalog import Column, DeltaTable

readings = DeltaTable(
    name="readings",
    location="readings",
    columns=(Column("n", pa.int64()), Column("at", pa.timestamp("us", "UTC"))),
)
"""
ROWS = 300


def test_the_rows_of_a_topic_are_served_and_a_letter_is_put_aside(
    topic: Topic, tmp_path: Path
) -> None:
    producer = Producer({"bootstrap.servers": topic.brokers})
    for number in range(ROWS):
        row = {"n": number, "at": "2026-11-26T00:00:00Z"}
        producer.produce(topic.name, json.dumps(row).encode())
    producer.produce(topic.name, b"no row")
    assert producer.flush(60) == 0
    catalog = tmp_path / "catalog.py"
    catalog.write_text(CATALOG)
    words = ["pipeline", "readings", "--catalog", str(catalog), "--from", topic.uri]
    with subprocess.Popen(
        [sys.executable, "-m", "neuralake", *words, "--moment", "at", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=cli_environment(tmp_path / "lake", tmp_path),
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        told: dict[str, Any] = {}
        asked_to_end = False
        for line in process.stdout:
            told = json.loads(line)
            is_all = told.get("rows") == ROWS and told["dead_letters"]
            if is_all and told["age_p50_s"] is not None and not asked_to_end:
                asked_to_end = True
                process.send_signal(signal.SIGINT)
        said = process.stderr.read()
    assert process.returncode == 0, said
    assert (told["status"], told["reason"], told["produced"]) == (0, "", None)
    assert told["figures"]["age_p50_s"] > 0
    assert sorted(pl.read_delta(str(tmp_path / "lake" / "readings"))["n"]) == list(range(ROWS))
    letters = pl.read_delta(str(tmp_path / "lake" / "readings_dead_letters"))
    assert letters["value"].to_list() == [b"no row"]
