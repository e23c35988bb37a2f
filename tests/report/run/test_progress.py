"""Progress on a terminal: what is measured, how far it is, and nothing that harms."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from neuralake.engines.registry import EngineSpec
from neuralake.queries.query import parse_query
from neuralake.queries.workload import Workload
from neuralake.report.run.progress import BenchProgress
from neuralake.workloads.plan import Plan
from tests.report.run.test_terminal import NASTY
from tests.results.make import judged, sample


def plan(*names: str) -> Plan:
    queries = tuple(parse_query(name, "SELECT 1") for name in names)
    workload = Workload("w", "here", None, queries, {})
    return Plan(workload, queries, (EngineSpec("polars"),), hot_runs=2, cold_runs=1)


def drawn(terminal: bool, *names: str) -> str:
    console = Console(file=io.StringIO(), force_terminal=terminal, width=100)
    with BenchProgress(console, plan(*names)) as progress:
        for name in names:
            progress.before("polars", "hot", name, 2)
            progress.after(sample("polars", name))
        progress.before("polars", "cold", names[0], 1)
        progress.verified(judged("polars", names[0], "wrong", NASTY))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_it_says_what_is_measured_and_how_far_it_is() -> None:
    text = drawn(True, "q01", "q02")
    assert "polars q01, hot run 2 of 2" in text
    assert "polars q01, cold run 1 of 1" in text
    assert "2/8" in text
    assert "s left" in text


def test_nothing_is_drawn_where_nobody_looks_but_wrong_answers_are_told() -> None:
    text = drawn(False, "q01")
    assert text.startswith("polars q01: wrong: no ")
    assert "hot run" not in text


@pytest.mark.parametrize("terminal", [True, False])
def test_names_and_messages_bring_no_escape_sequence(terminal: bool) -> None:
    text = drawn(terminal, NASTY)
    for sequence in ("\x1b]0;", "\x1b[2J", "\x07", "\x9b"):
        assert sequence not in text
    assert "[red]at all[/red]" in text
