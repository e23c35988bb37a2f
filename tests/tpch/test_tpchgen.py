"""Which generator is found, and what is said of one that is of no use."""

from __future__ import annotations

from importlib.metadata import distribution
from pathlib import Path

import pytest

from neuralake.errors import DatasetError
from neuralake.tpch.tpchgen import Tpchgen


def put(directory: Path, version: str, *, record: str | None) -> Path:
    """What an installer leaves of a package, if without its program."""
    told = directory / f"tpchgen_cli-{version}.dist-info"
    told.mkdir()
    (told / "METADATA").write_text(
        f"Metadata-Version: 2.4\nName: tpchgen-cli\nVersion: {version}\n"
    )
    if record is not None:
        (told / "RECORD").write_text(record)
    return told


def test_it_is_the_one_that_the_installer_recorded() -> None:
    found, recorded = Tpchgen.installed(), distribution("tpchgen-cli")
    programs = [Path(str(f.locate())) for f in recorded.files or () if f.name == "tpchgen-cli"]
    assert (found.version, [found.program]) == (recorded.version, [p.resolve() for p in programs])


@pytest.mark.parametrize(
    ("version", "record", "said"),
    [
        ("3.1.0", "bin/tpchgen-cli,,\n", "tpchgen-cli 3.1.0 is not supported"),
        ("4.1.0", "bin/tpchgen-cli,,\n", "tpchgen-cli 4.1.0 lacks its program"),
        ("4.1.0", None, "tpchgen-cli 4.1.0 lacks its program"),
    ],
)
def test_one_of_no_use_comes_first_and_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, version: str, record: str | None, said: str
) -> None:
    put(tmp_path, version, record=record)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(DatasetError, match=said):
        Tpchgen.installed()


@pytest.mark.parametrize("version", ["4.1.0", "4.2.0rc1"])
def test_its_program_is_where_the_record_says(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, version: str
) -> None:
    put(tmp_path, version, record="bin/tpchgen-cli,,\n")
    program = tmp_path / "bin" / "tpchgen-cli"
    program.parent.mkdir()
    program.touch()
    monkeypatch.syspath_prepend(tmp_path)
    assert Tpchgen.installed() == Tpchgen(program.resolve(), version)
