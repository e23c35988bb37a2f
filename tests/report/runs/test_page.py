"""The page of several runs."""

from __future__ import annotations

import re

import pytest

from neuralake.report.runs.page import runs_page
from neuralake.report.runs.summary import summarise_runs
from tests.report.reading import Parsed
from tests.report.run.make import made_run


@pytest.mark.parametrize("factors", [(1.0, 1.0), (0.1, 1.0, 10.0)])
def test_several_runs_have_a_section_each(factors: tuple[float, ...]) -> None:
    runs = [made_run(id=f"r{n}", scale_factor=s, hot=3 + n) for n, s in enumerate(factors)]
    page = runs_page(summarise_runs(runs), [])
    text = Parsed(page).text
    assert "not a paired measurement" in text
    assert "They are no verdict" in text
    assert "hot runs a query 3 4" in text
    assert ('<section id="scaling">' in page) == (len(set(factors)) > 1)
    for number in range(1, len(runs) + 1):
        assert f'<section id="run-{number}">' in page
    identifiers = re.findall(r' id="([^"]+)"', page)
    assert len(identifiers) == len(set(identifiers))
