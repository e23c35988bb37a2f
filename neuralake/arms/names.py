"""Names of distributions: how they are compared, and what Neuralake's own is."""

from __future__ import annotations

import re

OURS = "neuralake-bench"
FORMERLY = "neuralake"  # until the distribution was renamed; that of PyPI is another project's


def normalise(name: str) -> str:
    """A package's name as indexes compare it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()
