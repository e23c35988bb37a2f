"""Compare two commits, and find out how noisy this machine is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from neuralake.cli.context import (
    check_workload_options,
    make_console,
    print_json,
    read_settings,
    tell_report,
)
from neuralake.cli.options import (
    dataset_option,
    json_option,
    quantity,
    queries_option,
    scale_factor_option,
    workload_catalog_option,
    workload_option,
)
from neuralake.cli.types import Number, Place, Whole
from neuralake.errors import ResultsError
from neuralake.lists import names_in

if TYPE_CHECKING:
    from neuralake.arms.request import Request
    from neuralake.arms.terms import Terms
    from neuralake.results.comparison import By, Comparison

ByOrBoth = Literal["time", "instructions", "both"]
Command = Callable[..., Any]
INCONCLUSIVE = 3


_WHAT = (
    scale_factor_option,
    dataset_option,
    workload_option,
    workload_catalog_option,
    click.option(
        "--engines", metavar="A,B,…", help="Engines, in order.  [default: polars,datafusion]"
    ),
    click.option(
        "--engine",
        "options",
        multiple=True,
        metavar="NAME:KEY=VALUE",
        help="A setting of an engine in both arms.",
    ),
    queries_option,
    click.option(
        "--max-time",
        "max_time_s",
        default="10m",
        show_default=True,
        metavar="DURATION",
        callback=quantity("parse_duration"),
        help="Time for all engines together, once both arms are built: seconds, or such as 5m.",
    ),
)
_HOW = (
    click.option(
        "--rounds",
        type=Whole(2),
        metavar="N",
        help="Pairs of each query before both arms restart.  [default: by the noise, 4 to 20; 2 to "
        "4 of instructions]",
    ),
    click.option(
        "--timeout",
        "timeout_s",
        metavar="DURATION",
        callback=quantity("parse_duration"),
        help="Longest execution of a query.  [default: none]",
    ),
)
_profile = click.option(
    "--profile",
    "profiles",
    type=Place(),
    metavar="DIR",
    help="Keep a profile of each query in each arm, which KCachegrind opens (counted only).",
)
_cache_sim = click.option(
    "--cache-sim",
    is_flag=True,
    help="Simulate caches too, and show estimated cycles beside the instructions (counted only).",
)
_allow_dirty = click.option(
    "--allow-dirty", is_flag=True, help="Compare HEAD without the changes of the work tree."
)


def _all(options: Sequence[Callable[[Command], Command]]) -> Callable[[Command], Command]:
    """One decorator for several options, in this order."""

    def decorate(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


@click.command()
@click.argument("base")
@click.argument("candidate")
@_all(_WHAT)
@click.option(
    "--streams",
    type=int,
    metavar="N",
    help="Compare throughput: in each pair N streams of TPC-H's queries run at once, 1 to 40.",
)
@click.option(
    "--by",
    type=click.Choice(("time", "instructions", "both")),
    default="time",
    show_default=True,
    help="Compare elapsed time, or instructions that Valgrind counts: they feel no neighbour.",
)
@click.option(
    "--effect",
    type=Number(),
    help="Smallest change of the suite, or of streams, that matters; an interval within it is "
    "unchanged.  [default: 0.02; 0.005 of instructions]",
)
@click.option(
    "--query-effect",
    type=Number(),
    help="Smallest change of a single query that matters.  [default: 0.05; 0.01 of instructions]",
)
@_cache_sim
@_profile
@_all(_HOW)
@click.option(
    "--until-regression", is_flag=True, help="End an engine at its first verdict of slower."
)
@click.option("--strict", is_flag=True, help="Exit with status 3 if anything is inconclusive.")
@_allow_dirty
@click.option(
    "--to",
    "destination",
    type=Place(),
    metavar="DIR",
    help="Directory of the report.  [default: report/ beside the comparison]",
)
@json_option
def compare(
    base: str,
    candidate: str,
    scale_factor: float | None,
    dataset: str | None,
    own: str | None,
    source: str | None,
    engines: str | None,
    options: tuple[str, ...],
    queries: str | None,
    max_time_s: float,
    streams: int | None,
    by: ByOrBoth,
    effect: float | None,
    query_effect: float | None,
    cache_sim: bool,
    profiles: Path | None,
    rounds: int | None,
    timeout_s: float | None,
    until_regression: bool,
    strict: bool,
    allow_dirty: bool,
    destination: Path | None,
    as_json: bool,
) -> int:
    """Say whether CANDIDATE is slower or faster than BASE, with a known error rate.

    An arm is a commit of the repository you stand in, with other requirements (HEAD+polars==2.0.0,
    HEAD+./polars.whl) or engine options (HEAD[datafusion:target_partitions=1]) where you like.
    Without a commit it is what is installed here, as it is (installed) or with another version
    (polars==2.0.0); no repository is needed then.
    Both are built and run side by side on one dataset; every answer is checked in both.

    By instructions a verdict is on work and not on time: more work, less work, same work.

    Exit status 1 says that something is slower or more work, or wrong, in the candidate.
    """
    from neuralake.arms.request import make_terms

    def asked(what: By) -> Request:
        # beside times, what is given of effects and rounds is theirs
        given = what in (by, "time")
        terms = make_terms(
            max_time_s=max_time_s,
            effect=effect if given else None,
            query_effect=query_effect if given else None,
            rounds=rounds if given else None,
            timeout_s=timeout_s,
            until_regression=until_regression,
            by=what,
        )
        is_told = what == "instructions" or by == "time"
        return _request(
            (base, candidate),
            terms,
            workload=(own, source, scale_factor, dataset),
            engines=(engines, options),
            queries=queries,
            allow_dirty=allow_dirty,
            streams=streams,
            counting=(cache_sim, profiles) if is_told else (False, None),
        )

    if by == "both":
        counted = asked("instructions")
        request = replace(asked("time"), counted=counted)
    else:
        request = asked(by)
    comparison = _carry_out(request, destination, as_json=as_json)
    if comparison.regressed:
        return 1
    return INCONCLUSIVE if strict and not comparison.is_conclusive else 0


@click.command()
@click.argument("arm", default="HEAD")
@_all(_WHAT)
@click.option(
    "--by",
    type=click.Choice(("time", "instructions")),
    default="time",
    show_default=True,
    help="Of elapsed time, or of instructions that Valgrind counts.",
)
@_all(_HOW)
@_allow_dirty
@json_option
def calibrate(
    arm: str,
    scale_factor: float | None,
    dataset: str | None,
    own: str | None,
    source: str | None,
    engines: str | None,
    options: tuple[str, ...],
    queries: str | None,
    max_time_s: float,
    by: By,
    rounds: int | None,
    timeout_s: float | None,
    allow_dirty: bool,
    as_json: bool,
) -> int:
    """Find out how noisy this machine is: the same commit in both arms, until the time is up.

    The noise is kept, and compare plans by it. Exit status 1 says that the arms, which are the
    same, were told apart.
    """
    from neuralake.arms.calibration import calibration_of, store_calibration
    from neuralake.arms.compare import compare as carry_out
    from neuralake.arms.request import make_terms
    from neuralake.report.comparison.calibration import print_calibration
    from neuralake.report.comparison.progress import ComparisonProgress
    from neuralake.report.line import line_of

    terms = make_terms(
        max_time_s=max_time_s, rounds=rounds, timeout_s=timeout_s, until_time=True, by=by
    )
    request = _request(
        (arm, arm),
        terms,
        workload=(own, source, scale_factor, dataset),
        engines=(engines, options),
        queries=queries,
        allow_dirty=allow_dirty,
    )
    with ComparisonProgress(line_of(make_console(stderr=True)), terms) as observer:
        comparison, directory = carry_out(request, observer)
    interrupted = KeyboardInterrupt(f"what was measured is kept in {directory}")
    try:
        calibration = calibration_of(comparison)
    except ResultsError:
        if comparison.finished_at is None:
            raise interrupted from None
        raise
    path = store_calibration(request.results, calibration)
    if as_json:
        print_json(calibration)
    else:
        print_calibration(calibration, comparison, make_console(), path)
    if comparison.finished_at is None:
        raise interrupted
    return 1 if comparison.regressed else 0


def _carry_out(request: Request, destination: Path | None, *, as_json: bool) -> Comparison:
    from neuralake.arms.compare import compare as carry_out
    from neuralake.report.comparison import print_comparison, write_comparison_report
    from neuralake.report.comparison.progress import ComparisonProgress
    from neuralake.report.line import line_of

    with ComparisonProgress(line_of(make_console(stderr=True)), request.terms) as observer:
        comparison, directory = carry_out(request, observer)
    if as_json:
        print_json(comparison)
    else:
        print_comparison(comparison, make_console(), directory)
    tell_report(
        lambda: write_comparison_report(comparison, destination or directory / "report"),
        as_json=as_json,
        is_needed=destination is not None,
    )
    if comparison.finished_at is None:
        raise KeyboardInterrupt(f"what was measured is kept in {directory}")
    return comparison


def _request(
    arms: tuple[str, str],
    terms: Terms,
    *,
    workload: tuple[str | None, str | None, float | None, str | None],
    engines: tuple[str | None, tuple[str, ...]],
    queries: str | None,
    allow_dirty: bool,
    streams: int | None = None,
    counting: tuple[bool, Path | None] = (False, None),
) -> Request:
    """What the options ask for; a TPC-H dataset is made if there is none."""
    from neuralake.arms.request import DEFAULT_ENGINES, make_request

    own, source, scale_factor, dataset = workload
    check_workload_options(own, source, scale_factor, dataset)
    return make_request(
        arms,
        terms,
        settings=read_settings(),
        directory=Path(own) if own else None,
        catalog=source,
        scale_factor=scale_factor,
        dataset=dataset,
        engines=DEFAULT_ENGINES if engines[0] is None else names_in(engines[0]),
        options=engines[1],
        selection=queries,
        allow_dirty=allow_dirty,
        streams=streams,
        cache_sim=counting[0],
        profiles=counting[1],
    )
