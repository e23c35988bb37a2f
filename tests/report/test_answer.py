"""The result of a query, for people and for programs."""

from __future__ import annotations

import io

import pyarrow as pa
from rich.console import Console

from neuralake.report.answer import print_answer, write_answer
from tests.report.run.test_terminal import NASTY


def test_an_answer_is_printed_with_its_nulls_and_its_rest() -> None:
    answer = pa.table({"[bold]n": list(range(101)), "text": [None, NASTY, *["x"] * 99]})
    console = Console(file=io.StringIO(), width=100, highlight=False)
    print_answer(answer, console)
    assert isinstance(console.file, io.StringIO)
    text = console.file.getvalue()
    assert "[bold]n" in text
    assert "null" in text
    assert "1 more rows; --format csv prints all" in text
    assert "\x1b" not in text


def test_an_answer_in_a_format_for_programs() -> None:
    sink = io.BytesIO()
    write_answer(pa.table({"a": [1, None], "b": ["x", ""]}), "csv", sink)
    assert sink.getvalue() == b'"a","b"\n1,"x"\n,""\n'
