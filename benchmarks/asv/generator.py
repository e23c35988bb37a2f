"""How fast the dataset is generated: ``neuralake generate``, from its start to its end."""

from __future__ import annotations

import os
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from .dataset import generate, project_root
from .plan import generator_rounds, scale_factor
from .samples import Samples, display, samples


@dataclass(frozen=True)
class Generated:
    """What was measured.

    Attributes
    ----------
    seconds
        Of each generation.
    size_bytes
        Of all files of one dataset.
    """

    seconds: tuple[float, ...]
    size_bytes: int


def setup_cache() -> Generated:
    """Generate the dataset several times, on the disk on which the repository lies."""
    work = project_root(os.environ) / ".asv"
    work.mkdir(exist_ok=True)
    seconds: list[float] = []
    size = 0
    for _ in range(generator_rounds(os.environ)):
        with tempfile.TemporaryDirectory(dir=work) as directory:
            dataset = Path(directory, "dataset")
            start = time.perf_counter()
            generate(scale_factor(os.environ), dataset)
            seconds.append(time.perf_counter() - start)
            size = sum(path.stat().st_size for path in dataset.rglob("*") if path.is_file())
    return Generated(tuple(seconds), size)


setup_cache.timeout = 1800  # type: ignore[attr-defined]


class Generation:
    """TPC-H at the scale factor, as Delta tables."""

    version = "1"
    rounds = 1
    timeout = 60

    def track_seconds(self, cache: Generated) -> Samples:
        """Seconds of one generation; decisions are made on this."""
        return samples(cache.seconds)

    def track_bytes_per_second(self, cache: Generated) -> Samples:
        """The same as throughput, to be looked at."""
        return display(cache.size_bytes, cache.seconds)

    track_seconds.unit = "seconds"  # type: ignore[attr-defined]
    track_bytes_per_second.unit = "bytes/second"  # type: ignore[attr-defined]
