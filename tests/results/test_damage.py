"""A journal that is damaged, of each kind of run: said by its line, or as if it were not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import NoneType
from typing import Any, get_args, get_type_hints

import pytest

from neuralake.errors import ResultsError
from neuralake.results.journal import End, JournalWriter
from neuralake.results.kind import Kind
from neuralake.results.kinds import KINDS
from neuralake.results.store import JOURNAL
from tests.more import few
from tests.report.freshness.make import made_run as freshness_run
from tests.report.ingest.make import made_run as ingest_run
from tests.report.serving.make import made_run as serving_run
from tests.results.lifecycle.test_lifecycle_summary import asking, recorded
from tests.results.lifecycle.test_lifecycle_summary import run_of as lifecycle_run
from tests.results.make import judged, run, sample
from tests.results.streams.make import run_of as streams_run

Lines = list[bytes]
MADE: dict[str, Callable[[Path], Any]] = {
    "queries": lambda _: run(
        [sample("polars", "q01", round=n) for n in (1, 2)], [judged("polars", "q01")]
    ),
    "ingest": lambda place: ingest_run(place, rounds=1, commits=10),
    "freshness": lambda place: freshness_run(place, rounds=1),
    "serving": lambda place: serving_run(place, duration_s=0.2),
    "streams": streams_run,
    "lifecycle": lambda place: lifecycle_run([], [recorded(place, asking("ask"), 1)]),
}


def doubled(lines: Lines) -> Lines:
    """Each record twice, but for the header and the end."""
    return [lines[0], *[line for line in lines[1:-1] for _ in range(2)], lines[-1]]


def torn(lines: Lines) -> Lines:
    return [*lines[:-1], lines[-1][:-9]]


def with_carriage_returns(lines: Lines) -> Lines:
    return [line[:-1] + b"\r\n" for line in lines]


DAMAGED: dict[str, tuple[Callable[[Lines], Lines], str]] = {
    "cut": (lambda lines: [lines[0], lines[1][:-9] + b"\n", *lines[2:]], "line 2: "),
    "zeros": (lambda lines: [lines[0], b"\0" * 64 + lines[1], *lines[2:]], "line 2: "),
    "blank": (lambda lines: [lines[0], b"\n", *lines[1:]], "line 2: "),
    "no record": (lambda lines: [lines[0], b"{}\n", *lines[1:]], "line 2: no record: expected one"),
    "of another kind": (
        lambda lines: [lines[0], b'{"weather": {}}\n', *lines[1:]],
        "line 2: no record: expected one of header, ",
    ),
    "two in one": (
        lambda lines: [lines[0], lines[1][:-2] + b"," + lines[-1][1:], *lines[2:]],
        r"line 2: \w+ and end: expected one of header, ",
    ),
    "another run": (lambda lines: [*lines[:-1], *lines], r"line \d+: a second header"),
    "the same run": (lambda lines: [*lines, *lines], r"line \d+: a second header"),
    "on after the end": (
        lambda lines: [lines[0], lines[-1], *lines[1:]],
        "line 3: a record after the run's end",
    ),
    "no header": (lambda lines: lines[1:], "line 1: no header"),
    "byte order mark": (lambda lines: [b"\xef\xbb\xbf", *lines], "line 1: "),
    "UTF-16": (lambda lines: [b"".join(lines).decode().encode("utf-16")], "line 1: "),
}


def records_of(kind: Kind[Any], made: Any) -> Iterator[object]:
    """What the journal of a run held, in an order in which it may have been written."""
    hints = get_type_hints(kind.entry).values()
    types = tuple(one for hint in hints for one in get_args(hint) if one is not NoneType)
    yield made.header
    for value in vars(made).values():
        if isinstance(value, tuple):
            yield from (record for record in value if isinstance(record, types))
    yield End(made.finished_at, made.elapsed_ns)


@pytest.fixture(scope="module", params=few(MADE, "queries", "lifecycle"))
def kind(request: pytest.FixtureRequest) -> Kind[Any]:
    return KINDS[request.param]


@pytest.fixture(scope="module")
def whole(kind: Kind[Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("run") / JOURNAL
    made = MADE[kind.name](place.parent)
    with JournalWriter(place, kind.entry) as journal:
        for record in records_of(kind, made):
            journal.append(record)
    return place


@pytest.mark.parametrize("harm", [doubled, torn, with_carriage_returns])
def test_what_is_no_damage(
    kind: Kind[Any], whole: Path, tmp_path: Path, harm: Callable[[Lines], Lines]
) -> None:
    place = tmp_path / JOURNAL
    place.write_bytes(b"".join(harm(whole.read_bytes().splitlines(keepends=True))))
    run, expected = kind.read(place), kind.read(whole)
    assert kind.overview(replace(run, finished_at=expected.finished_at)) == kind.overview(expected)


@pytest.mark.parametrize("damage", DAMAGED)
def test_what_is_damage_is_said_by_its_line(
    kind: Kind[Any], whole: Path, tmp_path: Path, damage: str
) -> None:
    harm, message = DAMAGED[damage]
    place = tmp_path / JOURNAL
    place.write_bytes(b"".join(harm(whole.read_bytes().splitlines(keepends=True))))
    with pytest.raises(ResultsError, match=f"^journal {place} is damaged at {message}"):
        kind.read(place)


def test_a_directory_in_its_place(kind: Kind[Any], tmp_path: Path) -> None:
    with pytest.raises(ResultsError, match="Is a directory"):
        kind.read(tmp_path)
