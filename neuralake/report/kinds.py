"""How a run is shown, whatever its kind: each has a room of its own under ``report``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console

from neuralake.report.placing import Report, place_report
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


def write_report(run: Any, directory: Path, to: Path) -> Report:
    """Write the report of a run: a page, a Markdown summary and figures, whole or not at all.

    The same run gives the same bytes. A report that lies in the directory is replaced.

    Parameters
    ----------
    run
        From :func:`neuralake.results.store.load_any`; finished or interrupted.
    directory
        Of the run, where its samples lie.
    to
        Directory of the report; made if absent, with its parents.

    Raises
    ------
    ResultsError
        If a package of the extra ``report`` is missing, samples are damaged, the directory cannot
        be written, or it holds anything that is no part of a report.
    """
    return place_report(to, lambda: _contents(run, directory))


def _contents(run: Any, directory: Path) -> Mapping[str, bytes]:
    if isinstance(run, IngestRun):
        from neuralake.report.ingest.report import ingest_report

        return ingest_report(run, directory)
    if isinstance(run, FreshnessRun):
        from neuralake.report.freshness.report import freshness_report

        return freshness_report(run, directory)
    if isinstance(run, ServingRun):
        from neuralake.report.serving.report import serving_report

        return serving_report(run, directory)
    if isinstance(run, LifecycleRun):
        from neuralake.report.lifecycle.report import lifecycle_report

        return lifecycle_report(run, directory)
    if isinstance(run, StreamsRun):
        from neuralake.report.streams.report import streams_report

        return streams_report(run, directory)
    from neuralake.report.run.report import run_report
    from neuralake.results.texts import read_texts

    return run_report(run, read_texts(run, directory))
