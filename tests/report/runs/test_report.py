"""The report of several runs."""

from __future__ import annotations

from pathlib import Path

from neuralake.report.runs.report import write_runs_report
from tests.report.reading import files
from tests.report.run.make import made_run
from tests.report.run.test_report import SMALL


def test_several_runs_are_one_report(tmp_path: Path) -> None:
    runs = [made_run(**SMALL, id=f"r{n}", scale_factor=s) for n, s in enumerate((1.0, 1.0, 10.0))]
    write_runs_report(runs, tmp_path / "report")
    names = {name for name in files(tmp_path / "report") if name.endswith(".svg")}
    assert names == {
        f"figures/{name}.svg"
        for name in (
            *("run-2-against-1", "scaling", "exponents"),
            *("latency-1", "latency-2", "latency-3"),
        )
    }
