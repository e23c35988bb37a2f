"""How fast batches are durable: ``neuralake ingest``, in turns with the disk's own limit."""

from __future__ import annotations

import json
import math
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass

from .commands import has, said
from .dataset import project_root
from .plan import ingestion_rounds
from .samples import Samples, ratios, samples

CONTESTANTS = ("neuralake", "deltalake-handle", "disk")
COMMITS = 200


@dataclass(frozen=True)
class Ingested:
    """What was measured.

    Attributes
    ----------
    medians_s
        Median latency of each round in seconds, by contestant; none of a commit that cannot
        measure ingestion.
    """

    medians_s: Mapping[str, tuple[float, ...]]


def setup_cache() -> Ingested:
    """Let the commit measure itself, on the disk on which the repository lies."""
    if not has("ingest"):
        return Ingested({})
    work = project_root(os.environ) / ".asv"
    work.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=work) as directory:
        rounds = str(ingestion_rounds(os.environ))
        answer = said(
            *("ingest", "--json", "--to", f"{directory}/tables"),
            *("--contestants", ",".join(CONTESTANTS)),
            *("--commits", str(COMMITS), "--rounds", rounds),
            NEURALAKE_RESULTS_ROOT=f"{directory}/results",
        )
    lines = json.loads(answer)["lines"]
    return Ingested(
        {
            line["case"]["contestant"]: tuple(ms / 1e3 for ms in line["by_round_ms"].get("50", ()))
            for line in lines
        }
    )


setup_cache.timeout = 1800  # type: ignore[attr-defined]


class Commits:
    """Batches of 1,000 rows of ten columns, one producer, closed loop."""

    version = "1"
    timeout = 60
    params = (CONTESTANTS,)
    param_names = ("contestant",)

    def track_latency(self, cache: Ingested, contestant: str) -> Samples | float:
        """Medians of the rounds."""
        found = cache.medians_s.get(contestant)
        return samples(found) if found else math.nan

    def track_ratio(self, cache: Ingested, contestant: str) -> Samples | float:
        """The same, relative to the disk's own limit in the same round."""
        found, limit = cache.medians_s.get(contestant), cache.medians_s.get("disk")
        return ratios(found, limit) if found and limit else math.nan

    track_latency.unit = "seconds"  # type: ignore[attr-defined]
    track_ratio.unit = "ratio"  # type: ignore[attr-defined]
