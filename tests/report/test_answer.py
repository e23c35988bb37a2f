"""The result of a query, for people and for programs."""

from __future__ import annotations

import io
import re

import pyarrow as pa
import pyarrow.compute as pc
from rich.console import Console

from neuralake.report.answer import Format, print_answer, write_answer
from tests.report.run.test_terminal import NASTY

FORMATS: tuple[Format, ...] = ("csv", "json")


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


def test_bytes_are_in_base64_as_the_api_has_them() -> None:
    answer = pa.table({"b": [b"\x00\xff", None], "s": [{"b": b"a"}, None]})
    found: dict[str, str] = {}
    for form in FORMATS:
        sink = io.BytesIO()
        write_answer(answer, form, sink)
        found[form] = sink.getvalue().decode()
    assert found["csv"] == '"b","s"\n"AP8=","{""b"": ""YQ==""}"\n,\n'
    assert found["json"] == ('[\n {"b": "AP8=", "s": {"b": "YQ=="}},\n {"b": null, "s": null}\n]\n')


def test_days_and_moments_of_any_year_are_the_same_in_both() -> None:
    days = pa.array([-735_160, 6_574_967, 2_147_483_647, None], pa.int32())
    for values, clock in (
        (days.cast(pa.date32()), ""),
        (pc.multiply(days.cast(pa.int64()), 86_400).cast(pa.timestamp("s")), " 00:00:00"),
    ):
        written = []
        for form in FORMATS:
            sink = io.BytesIO()
            write_answer(pa.table({"d": values}), form, sink)
            written.append(re.findall(r"-?\d+-\d\d-\d\d[ 0-9:]*", sink.getvalue().decode()))
        expected = [f"{day}{clock}" for day in ("-0043-03-15", "19971-08-26", "5881580-07-11")]
        assert written == [expected, expected]
