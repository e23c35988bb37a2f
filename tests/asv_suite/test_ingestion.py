"""Ingestion as asv measures it: by the commit's own command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.asv_suite.conftest import ROOT

ASK = """
import json
from asv import ingestion
from asv.ingestion import CONTESTANTS, Commits
ingestion.COMMITS = 20
cache = ingestion.setup_cache()
suite = Commits()
print(json.dumps({c: [suite.track_latency(cache, c), suite.track_ratio(cache, c)]
                  for c in CONTESTANTS}))
"""


def measured(tmp_path: Path, path: str) -> dict[str, list[object]]:
    done = subprocess.run(
        [sys.executable, "-c", ASK],
        cwd=tmp_path,
        env={
            **os.environ,
            "PYTHONPATH": path,
            "ASV_CONF_DIR": str(tmp_path),
            "NEURALAKE_ASV_ROUNDS": "1 ingestion:1",
            "NEURALAKE_LOCK_FILE": str(tmp_path / "lock"),
        },
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, list[object]] = json.loads(done.stdout)
    return found


@pytest.mark.more
def test_each_contestant_has_a_latency_and_its_ratio_to_the_disk(tmp_path: Path) -> None:
    found = measured(tmp_path, str(ROOT / "benchmarks"))
    assert set(found) == {"neuralake", "deltalake-handle", "disk"}
    for latency, ratio in found.values():
        assert isinstance(latency, dict)
        assert isinstance(ratio, dict)
        assert len(latency["samples"]) == len(ratio["samples"]) == 1
        assert latency["samples"][0] > 0
    _, of_the_disk = found["disk"]
    assert of_the_disk == {"samples": [1.0], "number": 1}
    assert list((tmp_path / ".asv").iterdir()) == []
