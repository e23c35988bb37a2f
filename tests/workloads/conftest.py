"""Engines of somebody else's, installed for a test as pip would install them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

PACKAGES = Path(__file__).parent / "third_party"
MODULES = ("tiny", "faulty", "tally")


def install(directory: Path) -> Path:
    """Put the adapters and their metadata where Python looks for packages."""
    directory.mkdir()
    for module in MODULES:
        source = (PACKAGES / f"{module}.py").read_text()
        (directory / f"{module}.py").write_text(source.replace("tests.workloads.third_party.", ""))
    metadata = directory / "tiny-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(
        "[neuralake.engines]\ntiny = tiny:TinyEngine\nfaulty = faulty:FaultyEngine\n"
        "tally = tally:TallyEngine\nbroken = nowhere:Engine\n"
    )
    return directory


@pytest.fixture
def third_party(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The installed packages, importable in this process and its workers."""
    directory = install(tmp_path / "site-packages")
    monkeypatch.syspath_prepend(directory)
    for module in MODULES:
        monkeypatch.delitem(sys.modules, module, raising=False)
    return directory
