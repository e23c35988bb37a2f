"""Readers of a real table: what they answer is right, and what others do to it is told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from deltalake import DeltaTable, write_deltalake

from neuralake.catalog.tables import DeltaTable as Declared
from neuralake.workloads.freshness.events import SCHEMA as COLUMNS
from neuralake.workloads.freshness.events import TABLE, Events
from neuralake.workloads.freshness.questions import (
    SCHEMA,
    WHOLE_QUESTION,
    Checker,
    ImpossibleError,
)
from neuralake.workloads.freshness.readers.protocol import Reader
from neuralake.workloads.freshness.readers.registry import open_reader
from neuralake.workloads.places import Target, make_table
from neuralake.workloads.serving.contestants.protocol import Site
from neuralake.writer.append import Writer

EVENTS = Events(1)
READERS = ("in-process", "polars", "datafusion", "duckdb")


class Session:
    """A table that grows, a reader, and what it is known to hold.

    Parameters
    ----------
    reader
        Its name.
    directory
        In which the table lies.
    """

    def __init__(self, reader: str, directory: Path) -> None:
        self.path = str(directory / TABLE)
        target = Target(self.path)
        make_table(target, COLUMNS)
        table = Declared(name=TABLE, location=self.path)
        site = Site({TABLE: table}, directory / "catalog.py", directory, (0, 0))
        self.reader: Reader = open_reader(reader, TABLE, target, site)
        self.writer = Writer(self.path)
        self.checker = Checker(due=(1000, 1000), window=20)

    def write(self, producer: int, first: int, count: int) -> None:
        self.writer.append(EVENTS.batch(producer, first, np.zeros(count, np.int64)))

    def ask(self) -> tuple[int, ...]:
        question = self.checker.question()
        return self.checker.check(question, self.reader.ask(question.sql, SCHEMA))

    def ask_for_everything(self) -> None:
        self.checker.check_whole(self.reader.ask(WHOLE_QUESTION, SCHEMA))

    def close(self) -> None:
        self.writer.close()
        self.reader.close()


@pytest.fixture(params=READERS)
def session(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Session]:
    opened = Session(request.param, tmp_path)
    yield opened
    opened.close()


def test_each_answer_tells_up_to_where_it_has_the_records(session: Session) -> None:
    assert session.ask() == (0, 0)
    session.write(0, 0, 50)
    assert session.ask() == (50, 0)
    session.write(1, 0, 30)
    session.write(0, 50, 25)
    assert session.ask() == (75, 30)
    assert session.checker.question().floor == 10
    session.write(1, 30, 5)
    assert session.ask() == (75, 35)
    session.ask_for_everything()


def test_a_record_that_becomes_double_or_is_lost_is_a_wrong_answer(session: Session) -> None:
    session.write(0, 0, 50)
    session.write(1, 0, 50)
    assert session.ask() == (50, 50)
    rows = DeltaTable(session.path).to_pyarrow_table()
    write_deltalake(session.path, rows.slice(45, 1), mode="append")
    with pytest.raises(ImpossibleError, match="records are double"):
        session.ask()
    with pytest.raises(ImpossibleError, match="records are double"):
        session.ask_for_everything()
    DeltaTable(session.path).delete("number = 45 OR number = 5")
    with pytest.raises(ImpossibleError, match="records are missing"):
        session.ask()
    with pytest.raises(ImpossibleError, match="records are missing"):
        session.ask_for_everything()
