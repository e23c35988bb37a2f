"""The journal: what was written is read, what was torn is not, and damage is said."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuralake.errors import ResultsError
from neuralake.results.journal import End, JournalWriter, Record, read_journal
from neuralake.results.kinds import RUN_OF_QUERIES
from neuralake.results.records import EngineRecord, Sample, Verification
from neuralake.results.store import DOCUMENT, JOURNAL, load_run, write_document_as
from tests.results.make import header, judged, sample

END = End("2026-01-01T00:01:00.000+00:00", 60_000_000_000)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
COUNT = st.none() | st.integers(0, 2**63 - 1)
SAMPLES = st.builds(
    Sample,
    engine=TEXT,
    phase=st.sampled_from(["start", "open", "first", "hot", "cold"]),
    query=st.none() | TEXT,
    round=st.integers(0, 1000),
    status=st.sampled_from(["ok", "wrong", "error", "timeout", "oom", "crashed"]),
    started_at=TEXT,
    wall_ns=COUNT,
    cpu_ns=COUNT,
    peak_rss_bytes=COUNT,
    bytes_read=COUNT,
    rows=COUNT,
    digest=st.none() | TEXT,
    message=st.none() | TEXT,
)
VERIFICATIONS = st.builds(
    Verification,
    engine=TEXT,
    query=TEXT,
    verdict=st.sampled_from(["verified", "unverified", "failed"]),
    against=st.none() | TEXT,
    detail=st.none() | TEXT,
)


def write(path: Path, records: Sequence[Record]) -> Path:
    path.unlink(missing_ok=True)
    with JournalWriter(path) as journal:
        for record in records:
            journal.append(record)
    return path


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    samples = [sample("polars", "q01", round=number) for number in range(3)]
    return write(tmp_path / JOURNAL, [header(), EngineRecord("polars"), *samples, END])


@given(
    samples=st.lists(SAMPLES, max_size=5, unique=True),
    verifications=st.lists(VERIFICATIONS, max_size=5),
)
def test_what_was_written_is_read(
    tmp_path_factory: pytest.TempPathFactory,
    samples: list[Sample],
    verifications: list[Verification],
) -> None:
    directory = tmp_path_factory.mktemp("run")
    write(directory / JOURNAL, [header(), *samples, *verifications, END])
    run = read_journal(directory / JOURNAL)
    assert run.header == header()
    assert run.samples == tuple(samples)
    assert run.verifications == tuple({(v.engine, v.query): v for v in verifications}.values())
    assert (run.finished_at, run.elapsed_ns) == (END.finished_at, END.elapsed_ns)
    assert write_document_as(RUN_OF_QUERIES, directory) == run == load_run(directory)


def test_every_record_is_on_disk_before_the_next(tmp_path: Path) -> None:
    path = tmp_path / JOURNAL
    with JournalWriter(path) as journal:
        records: list[Record] = [header(), sample("polars", "q01"), END]
        for count, record in enumerate(records, start=1):
            journal.append(record)
            assert path.read_bytes().count(b"\n") == count


def test_a_run_without_an_end_was_interrupted(tmp_path: Path) -> None:
    run = read_journal(write(tmp_path / JOURNAL, [header(), sample("polars", "q01")]))
    assert run.finished_at is None
    assert run.elapsed_ns is None
    assert len(run.samples) == 1


def test_a_torn_last_line_is_no_record(journal: Path) -> None:
    whole = journal.read_bytes()
    lines = whole.splitlines(keepends=True)
    kept = sum(map(len, lines[:-2]))
    for length in range(kept, kept + len(lines[-2])):
        journal.write_bytes(whole[:length])
        assert len(read_journal(journal).samples) == 2
    journal.write_bytes(whole[: kept + len(lines[-2])])
    assert len(read_journal(journal).samples) == 3


def test_the_last_word_on_an_engine_or_an_answer_counts(tmp_path: Path) -> None:
    records: list[Record] = [
        header(),
        EngineRecord("polars", settings={"threads": 1}),
        judged("polars", "q01"),
        EngineRecord("polars", settings={"threads": 2}),
        judged("polars", "q01", "wrong", "a later run differs"),
    ]
    run = read_journal(write(tmp_path / JOURNAL, records))
    assert [engine.settings for engine in run.engines] == [{"threads": 2}]
    assert [v.verdict for v in run.verifications] == ["wrong"]


def test_all_samples_of_a_wrong_answer_are_wrong(tmp_path: Path) -> None:
    records: list[Record] = [
        header(),
        sample("polars", "q01", phase="first"),
        sample("polars", "q01"),
        sample("polars", "q01", status="error"),
        sample("polars", "q02"),
        sample("spark", "q01"),
        judged("polars", "q01", "wrong"),
        judged("spark", "q01"),
    ]
    run = read_journal(write(tmp_path / JOURNAL, records))
    assert [s.status for s in run.samples] == ["wrong", "wrong", "error", "ok", "ok"]


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"{",
        b"null",
        b"\xff\xfe",
        b'{"sample": {"engine": "polars"}}',
        b'{"sample": {"engine": 1}}',
        b'{"verification": {"engine": "e", "query": "q", "verdict": "perhaps"}}',
        b'{"header":' * 100_000,
    ],
)
def test_a_damaged_line_is_told_by_its_number(journal: Path, damage: bytes) -> None:
    lines = journal.read_bytes().splitlines()
    lines[2] = damage
    journal.write_bytes(b"\n".join(lines) + b"\n")
    with pytest.raises(ResultsError, match=re.escape(f"{journal} is damaged at line 3: ")):
        read_journal(journal)


@pytest.mark.parametrize(
    "first",
    [b"{}", b"[]", b"rubbish", b'{"header": 1}', b'{"header": {}}', b"[" * 100_000],
    ids=lambda line: line[:20].decode(),
)
def test_a_damaged_header_is_damage_at_line_1(journal: Path, first: bytes) -> None:
    lines = journal.read_bytes().splitlines()
    journal.write_bytes(b"\n".join([first, *lines[1:]]) + b"\n")
    with pytest.raises(ResultsError, match="damaged at line 1"):
        read_journal(journal)


def test_another_schema_version_is_said_before_what_it_lacks(journal: Path) -> None:
    lines = journal.read_bytes().splitlines()
    lines[0] = b'{"header": {"schema_version": 99}}'
    journal.write_bytes(b"\n".join(lines) + b"\n")
    with pytest.raises(ResultsError, match="has schema version 99: this Neuralake reads 1"):
        read_journal(journal)


def test_fields_that_a_later_version_added_are_no_damage(journal: Path) -> None:
    content = journal.read_bytes().replace(b'"sample":{', b'"sample":{"watts":3.5,')
    journal.write_bytes(content)
    assert len(read_journal(journal).samples) == 3


@pytest.mark.parametrize("content", [b"", b'{"header": {"schema_ver'])
def test_an_empty_journal_is_said(journal: Path, content: bytes) -> None:
    journal.write_bytes(content)
    with pytest.raises(ResultsError, match="is empty: delete its directory, nothing was measured"):
        read_journal(journal)


def test_an_absent_journal_is_said(tmp_path: Path) -> None:
    with pytest.raises(ResultsError, match=r"no journal at .*: No such file"):
        read_journal(tmp_path / JOURNAL)


def test_the_document_is_whole_or_absent(journal: Path) -> None:
    journal.write_bytes(b"rubbish\n")
    with pytest.raises(ResultsError):
        write_document_as(RUN_OF_QUERIES, journal.parent)
    assert not (journal.parent / DOCUMENT).exists()
