"""How soon a record is seen: ``neuralake freshness``, through Flight, with compaction beside it."""

from __future__ import annotations

import json
import math
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass

from .commands import has, said
from .dataset import project_root
from .plan import freshness_rounds
from .samples import Samples, samples

READERS = ("in-process", "http")
RATE = 10_000  # records a second
SECONDS = 10.0


@dataclass(frozen=True)
class Seen:
    """What was measured.

    Attributes
    ----------
    percentiles_s
        Of the moments at which records were due until the first answer with each, of every round in
        seconds, by reader and level; none of a commit that cannot measure freshness.
    """

    percentiles_s: Mapping[tuple[str, str], tuple[float, ...]]


def setup_cache() -> Seen:
    """Let the commit measure itself, on the disk on which the repository lies."""
    if not has("freshness"):
        return Seen({})
    work = project_root(os.environ) / ".asv"
    work.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=work) as directory:
        answer = said(
            *("freshness", "--json", "--to", f"{directory}/tables", "--steady"),
            *("--readers", ",".join(READERS), "--rates", str(RATE)),
            *("--duration", f"{SECONDS}s", "--rounds", str(freshness_rounds(os.environ))),
            NEURALAKE_RESULTS_ROOT=f"{directory}/results",
        )
    return Seen(
        {
            (line["case"]["reader"], level): tuple(
                ms / 1e3 for ms in line["by_round_ms"].get(level, ()) if ms != "never"
            )
            for line in json.loads(answer)["lines"]
            for level in ("50", "99")
        }
    )


setup_cache.timeout = 1800  # type: ignore[attr-defined]


class Visibility:
    """Records of ten columns in open loop, 10,000 a second, polled every 20 ms."""

    version = "1"
    timeout = 60
    params = (READERS,)
    param_names = ("reader",)

    def track_median(self, cache: Seen, reader: str) -> Samples | float:
        """p50 of the rounds."""
        return _samples(cache, reader, "50")

    def track_p99(self, cache: Seen, reader: str) -> Samples | float:
        """p99 of the rounds."""
        return _samples(cache, reader, "99")

    track_median.unit = track_p99.unit = "seconds"  # type: ignore[attr-defined]


def _samples(cache: Seen, reader: str, level: str) -> Samples | float:
    found = cache.percentiles_s.get((reader, level))
    return samples(found) if found else math.nan
