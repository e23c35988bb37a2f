"""How soon the API answers: ``neuralake serving``, beside the null server at the same rate."""

from __future__ import annotations

import json
import math
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass

from .commands import has, said
from .dataset import project_root
from .plan import serving_rounds
from .samples import Samples, ratios, samples

CONTESTANTS = ("in-process", "http", "null")
RATE = 100  # requests a second: far from saturation on any machine
SECONDS = 12  # so that there are samples enough for p99


@dataclass(frozen=True)
class Served:
    """What was measured.

    Attributes
    ----------
    percentiles_s
        Latency of each round in seconds, by contestant and level; none of a commit that serves
        nothing.
    """

    percentiles_s: Mapping[tuple[str, str], tuple[float, ...]]


def setup_cache() -> Served:
    """Let the commit measure itself."""
    if not has("serving"):
        return Served({})
    work = project_root(os.environ) / ".asv"
    work.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=work) as directory:
        answer = said(
            *("serving", "--json", "--contestants", ",".join(CONTESTANTS)),
            *("--rates", str(RATE), "--duration", f"{SECONDS}s", "--recovery", "1s"),
            *("--rounds", str(serving_rounds(os.environ))),
            NEURALAKE_RESULTS_ROOT=f"{directory}/results",
        )
    return Served(
        {
            (line["contestant"], level): tuple(
                ms / 1e3 for ms in line["by_round_ms"].get(level, ()) if ms != "never"
            )
            for line in json.loads(answer)["lines"]
            for level in ("50", "99")
        }
    )


setup_cache.timeout = 1800  # type: ignore[attr-defined]


class Point:
    """Point queries of a table of 100,000 rows in open loop, Zipf keys, 100 a second."""

    version = "1"
    timeout = 60
    params = (CONTESTANTS,)
    param_names = ("contestant",)

    def track_median(self, cache: Served, contestant: str) -> Samples | float:
        """p50 of the rounds."""
        return _samples(cache, contestant, "50")

    def track_p99(self, cache: Served, contestant: str) -> Samples | float:
        """p99 of the rounds."""
        return _samples(cache, contestant, "99")

    def track_ratio(self, cache: Served, contestant: str) -> Samples | float:
        """p50 of the rounds, relative to the null server's in the same round."""
        found, floor = (cache.percentiles_s.get((name, "50")) for name in (contestant, "null"))
        return ratios(found, floor) if found and floor and len(found) == len(floor) else math.nan

    track_median.unit = track_p99.unit = "seconds"  # type: ignore[attr-defined]
    track_ratio.unit = "ratio"  # type: ignore[attr-defined]


def _samples(cache: Served, contestant: str, level: str) -> Samples | float:
    found = cache.percentiles_s.get((contestant, level))
    return samples(found) if found else math.nan
