"""The page that tells how to stream from Kafka: what a reader types is done here, in its order."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from neuralake.sources.kafka.options import MEMBERSHIP, SECURITY, Security, variable_of
from tests.conftest import Cli
from tests.kafka.conftest import Topic
from tests.kafka.feeding import rows_of
from tests.waiting import until
from tests.writer.running import Running

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "how-to" / "stream-from-kafka.md").read_text()
REFERENCE = (DOCS / "reference" / "kafka.md").read_text()
_BLOCK = re.compile(r"^```(?P<kind>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
BLOCKS = [(m["kind"], m["text"]) for m in _BLOCK.finditer(PAGE)]
(CATALOG,) = (text for kind, text in BLOCKS if kind == "python")
SESSIONS = [text for kind, text in BLOCKS if kind == "console"]


def words(session: str, topic: Topic) -> list[str]:
    """The command of a session, for a topic of the test's own."""
    [line] = [line for line in session.splitlines() if line.startswith("$ ")]
    line = line[2:].replace("127.0.0.1:9092/events", f"{topic.brokers}/{topic.name}")
    return shlex.split(line.replace("127.0.0.1:9092 events", f"{topic.brokers} {topic.name}"))


@pytest.mark.more
def test_the_page_can_be_followed(tmp_path: Path, topic: Topic, cli: Cli) -> None:
    _, write, produce, status, _ = SESSIONS
    (tmp_path / "catalog.py").write_text(CATALOG)
    table = str(tmp_path / "data" / "events")
    storage = {"NEURALAKE_STORAGE_ROOT": str(tmp_path / "data")}
    with Running(tuple(words(write, topic)[2:]), tmp_path, environment=storage) as writer:
        writer.wait_for("append", "ready")
        program, *arguments = words(produce, topic)
        assert (program, arguments[1]) == ("python", "neuralake.broker.produce")
        sent = subprocess.run(
            [sys.executable, *arguments], check=True, capture_output=True, text=True
        )
        assert json.loads(sent.stdout)["sent"] == 2000
        until(lambda: rows_of(table).height == 2000)
        assert writer.terminate() == 0
    assert rows_of(table)["id"].n_unique() == 2000
    environment = {**storage, "NEURALAKE_CACHE_ROOT": str(tmp_path / "cache")}
    catalog = str(tmp_path / "catalog.py")
    command = [catalog if word == "catalog.py" else word for word in words(status, topic)[1:]]
    done = cli(*command, environment=environment)
    assert done.returncode == 0, done.stderr
    assert f"kafka/{topic.name}/" in done.stdout


def test_what_is_exported_are_settings() -> None:
    lines = [line.split("=") for line in SESSIONS[-1].splitlines()]
    told = {name.removeprefix("$ export "): value for name, value in lines}
    assert len(Security.from_environ({**os.environ, **told}).settings) == 4


def test_the_reference_has_every_setting() -> None:
    for setting in (*SECURITY, *MEMBERSHIP):
        assert f"`{variable_of(setting).removeprefix('NEURALAKE_KAFKA_')}`" in REFERENCE
