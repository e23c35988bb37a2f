"""How workers start is what these tests look at."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def own_workers(own_processes: None) -> None:
    """Each starts as it does everywhere but in tests (:mod:`tests.workers`)."""
