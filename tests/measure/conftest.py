"""How workers start is what these tests look at."""

from __future__ import annotations

import subprocess

import pytest

from neuralake.measure import worker


@pytest.fixture(autouse=True)
def own_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each starts as it does everywhere but in tests (:mod:`tests.workers`)."""
    monkeypatch.setattr(worker, "subprocess", subprocess)
