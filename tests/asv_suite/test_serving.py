"""Serving as asv measures it: by the commit's own command line."""

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
from asv import serving
serving.SECONDS = 0.3
serving.CONTESTANTS = ("null",)
cache = serving.setup_cache()
suite = serving.Point()
print(json.dumps([suite.track_median(cache, "null"), suite.track_p99(cache, "null"),
                  suite.track_ratio(cache, "null"), suite.track_median(cache, "http")]))
"""


@pytest.mark.more
def test_a_contestant_has_a_median_and_its_ratio_to_the_null_server(tmp_path: Path) -> None:
    """Thirty requests: enough for a median, and not for p99, which is no number then."""
    done = subprocess.run(
        [sys.executable, "-c", ASK],
        cwd=tmp_path,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT / "benchmarks"),
            "ASV_CONF_DIR": str(tmp_path),
            "NEURALAKE_ASV_ROUNDS": "1 serving:2",
            "NEURALAKE_LOCK_FILE": str(tmp_path / "lock"),
        },
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    median, p99, ratio, unknown = json.loads(done.stdout)
    assert len(median["samples"]) == 2
    assert all(value > 0 for value in median["samples"])
    assert ratio == {"samples": [1.0, 1.0], "number": 1}
    assert math.isnan(p99)
    assert math.isnan(unknown)
    assert list((tmp_path / ".asv").iterdir()) == []
