"""A lake of the test's own: settings whose storage root is its temporary directory."""

from pathlib import Path

import pytest

from neuralake.config import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings.from_environ({"NEURALAKE_STORAGE_ROOT": str(tmp_path)})
