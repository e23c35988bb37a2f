"""How fast the dataset is generated: ``neuralake generate``, from its start to its end."""

from __future__ import annotations

import os
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from .dataset import generate, project_root
from .plan import generator_rounds, scale_factor
from .samples import Samples, samples


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
    timeout = 60

    def track_seconds(self, cache: Generated) -> Samples:
        """Samples, one a generation."""
        return samples(cache.seconds)

    def track_size(self, cache: Generated) -> int:
        """Bytes of a dataset; by the seconds it makes the generator's throughput."""
        return cache.size_bytes

    track_seconds.unit = "seconds"  # type: ignore[attr-defined]
    track_size.unit = "bytes"  # type: ignore[attr-defined]
