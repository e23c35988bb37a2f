"""The summary of several runs."""

from __future__ import annotations

from neuralake.report.runs.markdown import runs_markdown
from neuralake.report.runs.summary import summarise_runs
from tests.report.run.make import made_run


def test_several_runs_are_compared_and_no_verdict_is_given() -> None:
    runs = [made_run(id=f"run-{s:g}", scale_factor=s) for s in (0.1, 1.0, 10.0)]
    text = runs_markdown(summarise_runs(runs))
    assert "| run 2 ÷ run 1 | run 3 ÷ run 1 |" in text
    assert "not a paired measurement" in text
    assert "They are no verdict" in text
    assert "Dataset: scale factor | 0.1 | 1 | 10 |" in text
    assert "Exponent of latency against scale factor" in text
