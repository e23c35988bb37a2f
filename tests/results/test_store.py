"""Runs on disk: found by name, and readable or said to be not."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from neuralake.errors import ResultsError
from neuralake.results.journal import JournalWriter
from neuralake.results.kinds import RUN_OF_QUERIES
from neuralake.results.store import (
    DOCUMENT,
    JOURNAL,
    RunStore,
    load_run,
    write_document_as,
    write_export,
    write_whole,
)
from tests.results.make import header, judged, sample


@pytest.fixture
def store(tmp_path: Path) -> RunStore:
    """Three runs: the first with a document, the second interrupted, the third damaged."""
    store = RunStore(tmp_path / "results")
    for name in ("20260101-a", "20260102-b", "20260102-c"):
        (store.runs / name).mkdir(parents=True)
        with JournalWriter(store.runs / name / JOURNAL) as journal:
            journal.append(header(id=name))
            journal.append(sample("polars", "q01"))
            journal.append(judged("polars", "q01"))
    write_document_as(RUN_OF_QUERIES, store.runs / "20260101-a")
    with (store.runs / "20260102-c" / JOURNAL).open("ab") as journal_file:
        journal_file.write(b"rubbish\nrubbish\n")
    return store


def test_a_new_run_has_a_directory_that_says_what_it_is(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    now = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    directories = {store.create("tpch", 0.01, now) for _ in range(10)}
    assert len(directories) == 10
    for directory in directories:
        assert re.fullmatch(r"20260102T030405-tpch-sf0\.01-[0-9a-f]{4}", directory.name)
        assert directory.is_dir()
    assert "-sf" not in store.create("shop", None, now).name


def test_a_results_root_that_cannot_be_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    store = RunStore(tmp_path / "file")
    with pytest.raises(ResultsError, match="set NEURALAKE_RESULTS_ROOT to a writable directory"):
        store.create("tpch", 1.0, datetime.now(UTC))


def test_a_run_is_found_by_its_name_its_beginning_or_its_directory(store: RunStore) -> None:
    first, *_, last = store.ids()
    assert store.find(first).name == first
    assert store.find("20260101").name == first
    assert store.find("latest").name == last
    assert store.find(str(store.runs / first)) == store.runs / first
    (store.runs / first / JOURNAL).unlink()
    assert store.load(str(store.runs / first)).header.id == first


def test_a_name_that_begins_another_still_is_a_name(store: RunStore) -> None:
    (store.runs / "20260102-b").rename(store.runs / "20260102")
    assert store.find("20260102").name == "20260102"


@pytest.mark.parametrize("name", ["", "2027", "no such", "x" * 5000, "a\x00b", "../x"])
def test_a_run_that_is_not_there_is_said(store: RunStore, name: str) -> None:
    with pytest.raises(ResultsError, match=re.escape("see neuralake results list")):
        store.find(name)


def test_a_beginning_of_several_is_said(store: RunStore) -> None:
    with pytest.raises(ResultsError, match="is not unique: it begins 20260102-b, 20260102-c"):
        store.find("20260102")


def test_no_run_at_all_is_said(tmp_path: Path) -> None:
    store = RunStore(tmp_path / "nothing")
    assert store.ids() == []
    assert store.overview() == []
    with pytest.raises(ResultsError, match=r"no run in .*: neuralake bench makes one"):
        store.find("latest")


def test_an_overview_shows_a_damaged_run_among_the_others(store: RunStore) -> None:
    first, second, third = store.overview()
    assert (first.id, first.samples, first.verified, first.judged) == ("20260101-a", 1, 1, 1)
    assert first.state == "interrupted"
    assert second.state == "interrupted"
    assert third.id == "20260102-c"
    assert "damaged at line 4" in third.state


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"{}", b'{"header": 1}', b"\xff", b'{"header":' * 100_000]
)
def test_a_corrupt_document_is_said(store: RunStore, content: bytes) -> None:
    (store.runs / "20260101-a" / DOCUMENT).write_bytes(content)
    with pytest.raises(ResultsError, match=r"run\.json is corrupt"):
        store.load("20260101-a")


def test_a_document_that_lacks_something_is_corrupt(store: RunStore) -> None:
    document = store.runs / "20260101-a" / DOCUMENT
    document.write_bytes(document.read_bytes().replace(b'"phase": "hot"', b'"phase": "tepid"'))
    with pytest.raises(ResultsError, match=r"corrupt: Invalid enum value 'tepid'.*samples"):
        load_run(document.parent)


def test_a_document_of_another_version_is_said(store: RunStore) -> None:
    document = store.runs / "20260101-a" / DOCUMENT
    document.write_bytes(b'{"header": {"schema_version": 2}}')
    with pytest.raises(ResultsError, match="has schema version 2: this Neuralake reads 1"):
        load_run(document.parent)


def test_a_file_is_written_whole_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "file"
    for content in (b"first", b"second"):
        write_whole(path, content)
        assert path.read_bytes() == content
        assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_a_file_that_cannot_be_written_is_said_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "directory").mkdir()
    with pytest.raises(ResultsError, match="directory cannot be written: it is a directory"):
        write_export(tmp_path / "directory", b"content")
    with pytest.raises(ResultsError, match="cannot be written: No such file or directory"):
        write_export(tmp_path / "absent" / "file", b"content")
    assert [entry.name for entry in tmp_path.iterdir()] == ["directory"]
