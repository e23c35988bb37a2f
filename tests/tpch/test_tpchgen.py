"""Which generator is found, and what is said of one that is of no use."""

from __future__ import annotations

import sys
from importlib.metadata import distribution
from pathlib import Path

import pytest

from neuralake.errors import DatasetError
from neuralake.tpch.tpchgen import Tpchgen, running, watch


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


def said_by_a_generator(path: Path) -> str:
    """The tunables of a process that is started as the generator is."""
    code = f"import os; open({str(path)!r}, 'w').write(os.environ['GLIBC_TUNABLES'])"
    with (
        path.with_suffix(".lock").open("w") as lock,
        running([sys.executable, "-c", code], lock.fileno()) as process,
    ):
        watch(process, 10, lambda: None)
    return path.read_text()


def test_its_process_keeps_the_memory_that_it_frees(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("GLIBC_TUNABLES", raising=False)
    assert "trim_threshold=1073741824" in said_by_a_generator(tmp_path / "said")
    monkeypatch.setenv("GLIBC_TUNABLES", "glibc.malloc.hugetlb=0")
    assert said_by_a_generator(tmp_path / "said") == "glibc.malloc.hugetlb=0"
