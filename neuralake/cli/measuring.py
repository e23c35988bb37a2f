"""What every command does that measures in rounds or phases: begin or go on, tell, and report."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import click

from neuralake.cli.context import make_console, print_json, read_settings, tell_report
from neuralake.cli.options import refuse_beside_resume

if TYPE_CHECKING:
    from rich.console import Console

    from neuralake.report.steps import Steps
    from neuralake.results.kind import Kind

R = TypeVar("R", bound=Any)  # a run of the kind
P = TypeVar("P")  # a plan
S = TypeVar("S", bound=Any)  # what a run comes to


@dataclass(frozen=True)
class Measuring(Generic[R, P, S]):
    """How one command measures.

    Attributes
    ----------
    kind
        Of its runs.
    plan_of
        The plan of an interrupted run.
    measure
        Carries a plan out: with the store, with what makes an observer by the header, and with an
        interrupted run and its directory as ``resumed``.
    observe
        Makes the observer, by what tells of the steps.
    summarise
        What a run in a directory comes to; it has a ``document`` for programs.
    show
        Prints that on a console.
    is_right
        Whether nothing failed or was wrong.
    """

    kind: Kind[R]
    plan_of: Callable[[R], P]
    measure: Callable[..., tuple[R, Path]]
    observe: Callable[[Steps], Any]
    summarise: Callable[[R, Path], S]
    show: Callable[[R, S, Console, Path], None]
    is_right: Callable[[R, S], bool]


def carry_out(
    ctx: click.Context,
    measuring: Measuring[R, P, S],
    plan: Callable[[], P],
    *,
    resume: str | None,
    as_json: bool,
) -> int:
    """Carry out a plan, or go on with an interrupted run; print what it comes to, and report.

    Parameters
    ----------
    ctx
        Of the command.
    measuring
        How it measures.
    plan
        Makes the plan that the options ask for.
    resume
        The interrupted run, or None.
    as_json
        Whether standard output has JSON, and nothing else.

    Returns
    -------
    int
        The exit status: 1 if something failed or was wrong.

    Raises
    ------
    click.UsageError
        If other options go beside ``resume``.
    NeuralakeError
        As planning, measuring and resuming raise it.
    """
    from neuralake.report.kinds import write_report
    from neuralake.report.line import line_of
    from neuralake.report.steps import Steps
    from neuralake.results.store import RunStore
    from neuralake.workloads.recording import interrupted_run

    store = RunStore(read_settings().results_root)
    resumed = None
    if resume is None:
        chosen = plan()
    else:
        refuse_beside_resume(ctx)
        directory = store.find(resume)
        resumed = (interrupted_run(measuring.kind, directory), directory)
        chosen = measuring.plan_of(resumed[0])

    @contextmanager
    def observed(_: Any) -> Iterator[Any]:
        line = line_of(make_console(stderr=True))
        try:
            yield measuring.observe(Steps(line))
        finally:
            line.close()

    run, directory = measuring.measure(chosen, store, observed, resumed=resumed)
    summary = measuring.summarise(run, directory)
    if as_json:
        print_json(summary.document(run))
    else:
        measuring.show(run, summary, make_console(), directory)
    tell_report(lambda: write_report(run, directory, directory / "report"), as_json=as_json)
    return 0 if measuring.is_right(run, summary) else 1
