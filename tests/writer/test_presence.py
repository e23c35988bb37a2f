"""Writers of a machine are seen while they live, and not a moment longer."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from neuralake.writer.presence import presence, writers_of

URI = "/data/events"
STAY = """
import sys, time
from pathlib import Path
from neuralake.writer.presence import presence
with presence(Path(sys.argv[1]), sys.argv[2]) as seen:
    seen.say({"table": "events"})
    print("there", flush=True)
    time.sleep(600)
"""


def test_a_writer_is_seen_as_it_says(tmp_path: Path) -> None:
    assert writers_of(tmp_path, URI) == []
    with presence(tmp_path, URI) as first, presence(tmp_path, URI) as second:
        assert writers_of(tmp_path, URI) == []  # nothing is said yet
        first.say({"long": "x" * 10_000})
        second.say({"n": 2})
        first.say({"n": 1})
        assert writers_of(tmp_path, URI) == [{"n": 1}, {"n": 2}]
        assert writers_of(tmp_path, "/data/others") == []
    assert writers_of(tmp_path, URI) == []


def test_one_that_was_killed_is_not_seen_and_leaves_nothing(tmp_path: Path) -> None:
    command = [sys.executable, "-c", STAY, str(tmp_path), URI]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert writers_of(tmp_path, URI) == [{"table": "events"}]
        process.kill()
    (left,) = tmp_path.rglob("*.json")
    assert writers_of(tmp_path, URI) == []
    assert not left.exists()


def test_a_place_that_cannot_be_written_hides_a_writer_and_stops_none(tmp_path: Path) -> None:
    root = tmp_path / "file"
    root.touch()
    with presence(root, URI) as unseen:
        unseen.say({"n": 1})
        assert unseen.trouble.startswith("`neuralake writer status` will not see this writer: ")
        assert unseen.trouble.endswith("; NEURALAKE_CACHE_ROOT says where writers are told")
    assert writers_of(root, URI) == []
