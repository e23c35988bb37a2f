"""How a run is shown, whatever its kind: each has a room of its own under ``report``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.console import Console

from neuralake.report.placing import Report
from neuralake.results.freshness.records import FreshnessRun
from neuralake.results.ingest.records import IngestRun
from neuralake.results.lifecycle.records import LifecycleRun
from neuralake.results.serving.records import ServingRun
from neuralake.results.streams.records import StreamsRun


def print_any(run: Any, console: Console, directory: Path) -> None:
    """Print a run as tables.

    Parameters
    ----------
    run
        From :func:`neuralake.results.store.load_any`.
    console
        Where it is printed.
    directory
        Of the run.
    """
    if isinstance(run, IngestRun):
        from neuralake.report.ingest.terminal import print_ingest
        from neuralake.results.ingest.summary import summarise_ingest

        print_ingest(run, summarise_ingest(run, directory), console, directory)
    elif isinstance(run, FreshnessRun):
        from neuralake.report.freshness.terminal import print_freshness
        from neuralake.results.freshness.summary import summarise_freshness

        print_freshness(run, summarise_freshness(run, directory), console, directory)
    elif isinstance(run, ServingRun):
        from neuralake.report.serving.terminal import print_serving
        from neuralake.results.serving.summary import summarise_serving

        print_serving(run, summarise_serving(run, directory), console, directory)
    elif isinstance(run, LifecycleRun):
        from neuralake.report.lifecycle.terminal import print_lifecycle
        from neuralake.results.lifecycle.summary import summarise_lifecycle

        print_lifecycle(run, summarise_lifecycle(run, directory), console, directory)
    elif isinstance(run, StreamsRun):
        from neuralake.report.streams.terminal import print_streams
        from neuralake.results.streams.summary import summarise_streams

        print_streams(run, summarise_streams(run, directory), console, directory)
    else:
        from neuralake.report.run.terminal import print_run

        print_run(run, console, directory)


def write_any_report(run: Any, directory: Path, to: Path) -> Report:
    """Write the report of a run.

    Parameters
    ----------
    run
        From :func:`neuralake.results.store.load_any`.
    directory
        Of the run.
    to
        Directory of the report.

    Raises
    ------
    ResultsError
        If the report cannot be made or written.
    """
    if isinstance(run, IngestRun):
        from neuralake.report.ingest.report import write_ingest_report

        return write_ingest_report(run, directory, to)
    if isinstance(run, FreshnessRun):
        from neuralake.report.freshness.report import write_freshness_report

        return write_freshness_report(run, directory, to)
    if isinstance(run, ServingRun):
        from neuralake.report.serving.report import write_serving_report

        return write_serving_report(run, directory, to)
    if isinstance(run, LifecycleRun):
        from neuralake.report.lifecycle.report import write_lifecycle_report

        return write_lifecycle_report(run, directory, to)
    if isinstance(run, StreamsRun):
        from neuralake.report.streams.report import write_streams_report

        return write_streams_report(run, directory, to)
    from neuralake.report.run.report import write_run_report
    from neuralake.results.texts import read_texts

    return write_run_report(run, to, read_texts(run, directory))
