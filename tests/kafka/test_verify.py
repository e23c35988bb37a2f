"""`neuralake verify` asks the brokers of the topic that the settings name."""

from __future__ import annotations

import json
from pathlib import Path

from tests.conftest import Cli
from tests.kafka.conftest import Topic


def test_a_topic_is_there_or_not(typed: Cli, topic: Topic, tmp_path: Path) -> None:
    def ask(url: str) -> tuple[str, str]:
        done = typed(
            *("verify", "--only", "kafka", "--json"),
            environment={"NEURALAKE_STORAGE_ROOT": str(tmp_path), "NEURALAKE_TOPIC_URL": url},
        )
        (result,) = json.loads(done.stdout)["results"]
        return result["status"], result["reason"]

    assert ask(topic.uri) == ("passed", f"{topic.uri}: 2 partitions, 0 messages")
    status, reason = ask(f"{topic.uri}-other")
    assert status == "failed"
    assert (
        reason
        == f"there is no topic {topic.name}-other at {topic.brokers}: make it, or name another"
    )
