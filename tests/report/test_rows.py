"""Answers and lists in terminals of any width."""

from __future__ import annotations

import datetime
import io
import string
from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from neuralake.report.answer import print_answer
from neuralake.report.rows import Column, print_rows

RUN = "20261125T191804-tpch-sf0.01-a813"
ANSWER = pa.table(
    {
        "sum_charge": pa.array([Decimal("56586554400.730000")], pa.decimal128(25, 6)),
        "l_orderkey": [5_658_655_440_073],
        "ratio": [0.1 + 0.2],
        "shipped": [datetime.date(1998, 9, 2)],
        "comment": ["slyly bold ideas above the final dependencies"],
        "key": ["4bf92f3577b34da6a3ce929d0e0e4736"],
    }
)
VALUES = ("56586554400.730000", "5658655440073", "0.30000000000000004", "1998-09-02")


def printed(table: pa.Table, width: int) -> str:
    written = io.StringIO()
    print_answer(table, Console(file=written, width=width, color_system=None))
    return written.getvalue()


@pytest.mark.parametrize("width", [20, 40, 80, 110, 140])
def test_no_number_date_or_key_of_an_answer_is_cut(width: int) -> None:
    shown = printed(ANSWER, width)
    assert "…" not in shown
    for value in (*VALUES, ANSWER["key"][0].as_py(), *ANSWER.column_names):
        assert value in shown
    assert all(word in shown for word in ANSWER["comment"][0].as_py().split())


def test_a_wide_terminal_has_a_table_and_a_narrow_one_a_field_a_line() -> None:
    wide, narrow = printed(ANSWER.slice(0, 1), 160), printed(ANSWER, 40)
    assert len(wide.strip().splitlines()) == 3
    assert narrow.splitlines()[:3] == [
        "── 1 ──",
        "sum_charge  56586554400.730000",
        "l_orderkey  5658655440073",
    ]


def test_an_empty_answer_says_so_in_any_width() -> None:
    assert "sum_charge" in printed(ANSWER.slice(0, 0), 160)
    assert printed(ANSWER.slice(0, 0), 40).endswith("comment, key: no rows\n")


def test_text_is_folded_before_numbers_stand_alone() -> None:
    shown = printed(ANSWER.select(["sum_charge", "comment"]), 44)
    assert "──" in shown.splitlines()[2]
    assert all(cell_len(line) <= 44 for line in shown.splitlines())
    assert len(shown.strip().splitlines()) > 3


@given(
    st.integers(8, 160),
    st.lists(
        st.tuples(st.booleans(), st.text(string.ascii_letters + " é漢", min_size=1, max_size=50)),
        min_size=1,
        max_size=6,
    ),
)
def test_any_rows_are_whole_in_any_width(width: int, cells: list[tuple[bool, str]]) -> None:
    written = io.StringIO()
    console = Console(file=written, width=width, color_system=None)
    columns = [Column(f"c{i}", is_whole=whole) for i, (whole, _) in enumerate(cells)]
    print_rows(columns, [[Text(" ".join(text.split())) for _, text in cells]], console)
    shown = written.getvalue()
    for whole, text in cells:
        told = " ".join(text.split())
        if whole:
            assert told in shown
        else:
            squeezed = "".join(shown.split())
            assert all(letter in squeezed for letter in told.replace(" ", ""))
    assert "…" not in shown
    is_table = "──" in shown and not shown.startswith("── 1")
    assert not is_table or all(cell_len(line) <= width for line in shown.splitlines())


@pytest.mark.parametrize("width", [40, 80, 140])
def test_an_id_in_a_list_is_in_one_piece(width: int) -> None:
    written = io.StringIO()
    console = Console(file=written, width=width, color_system=None)
    columns = [Column("run", is_whole=True), Column("engines"), Column("samples", is_whole=True)]
    print_rows(columns, [[Text(RUN), Text("polars, datafusion, spark"), Text("528")]], console)
    assert RUN in written.getvalue()
