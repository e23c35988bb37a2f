"""Freshness as asv measures it: by the commit's own command line."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.asv_suite.conftest import ROOT

ASK = """
import json
from asv import freshness
freshness.SECONDS, freshness.RATE, freshness.READERS = 0.5, 300, ("in-process",)
cache = freshness.setup_cache()
suite = freshness.Visibility()
print(json.dumps([suite.track_median(cache, "in-process"), suite.track_p99(cache, "in-process"),
                  suite.track_median(cache, "http")]))
"""


@pytest.mark.more
def test_a_reader_has_a_median_and_what_was_not_measured_is_no_number(tmp_path: Path) -> None:
    """150 records: enough for a median, and not for p99."""
    done = subprocess.run(
        [sys.executable, "-c", ASK],
        cwd=tmp_path,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT / "benchmarks"),
            "ASV_CONF_DIR": str(tmp_path),
            "NEURALAKE_ASV_ROUNDS": "1 freshness:1",
            "NEURALAKE_LOCK_FILE": str(tmp_path / "lock"),
        },
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    median, p99, unknown = json.loads(done.stdout)
    assert len(median["samples"]) == 1
    assert median["samples"][0] > 0
    assert math.isnan(p99)
    assert math.isnan(unknown)
    assert list((tmp_path / ".asv").iterdir()) == []
