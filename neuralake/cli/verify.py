"""Verify an environment."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from neuralake.cli.context import check_workload_options, make_console, print_json
from neuralake.cli.options import (
    catalog_option,
    dataset_option,
    engine_options_option,
    json_option,
    quantity,
    scale_factor_option,
)
from neuralake.cli.types import Place, Text, Whole
from neuralake.lists import names_in, require_once

if TYPE_CHECKING:
    from neuralake.catalog.catalog import Catalog
    from neuralake.config import Settings
    from neuralake.engines.registry import EngineSpec
    from neuralake.verify.check import Result


@click.command()
@catalog_option
@scale_factor_option
@dataset_option
@click.option(
    "--engines",
    type=Text(),
    metavar="A,B,…",
    help="Engines that read the tables.  [default: all that can run here]",
)
@engine_options_option
@click.option(
    "--sample",
    type=Whole(1, 10**12),
    metavar="ROWS",
    help="Look at about so many rows of a table.  [default: all]",
)
@click.option(
    "--only",
    type=Text(),
    multiple=True,
    metavar="NAME",
    help="Make these checks alone, such as storage or rows.shop; may be given again.",
)
@click.option(
    "--skip",
    type=Text(),
    multiple=True,
    metavar="NAME",
    help="Leave these checks out; may be given again.",
)
@click.option(
    "--timeout",
    "timeout_s",
    callback=quantity("parse_duration"),
    default="5m",
    show_default=True,
    metavar="DURATION",
    help="Time of a check.",
)
@click.option(
    "--clock-skew",
    "clock_s",
    callback=quantity("parse_duration"),
    default="5s",
    show_default=True,
    metavar="DURATION",
    help="How far the storage's clock may be off.",
)
@click.option(
    "--public",
    type=Text(),
    multiple=True,
    metavar="BUCKET",
    help="A bucket that anybody is meant to read; may be given again.",
)
@json_option
@click.option("--junit", type=Place(), metavar="FILE", help="Write JUnit's XML, too.")
def verify(
    source: str | None,
    scale_factor: float | None,
    dataset: str | None,
    engines: str | None,
    options: tuple[str, ...],
    sample: int | None,
    only: tuple[str, ...],
    skip: tuple[str, ...],
    timeout_s: float,
    clock_s: float,
    public: tuple[str, ...],
    as_json: bool,
    junit: Path | None,
) -> int:
    """Verify the environment that NEURALAKE_ENV names.

    Checks its settings, storage and clock, that each table of --catalog is as declared and has the
    same rows on each engine, its keys, and the API and topic that the settings name. What is
    written for that is removed again. Exit status 1 says that a check failed.
    """
    from neuralake.errors import ResultsError
    from neuralake.report.verification import in_a_line, print_result
    from neuralake.results.store import write_export
    from neuralake.verify.junit import junit as as_junit
    from neuralake.verify.selection import Selection
    from neuralake.verify.verification import Plan
    from neuralake.verify.verification import verify as make_checks

    if junit is not None and not junit.absolute().parent.is_dir():
        raise ResultsError(f"{junit} cannot be written: there is no directory {junit.parent}")
    plan = Plan(
        environ=dict(os.environ),
        load=_loading(source, scale_factor, dataset),
        engines=_engines(engines, options),
        selection=Selection(_names(only, "--only"), _names(skip, "--skip")),
        sample=sample,
        limit_s=timeout_s,
        clock_limit_s=clock_s,
        public=frozenset(_names(public, "--public")),
    )
    console = make_console()

    def tell(result: Result) -> None:
        if not as_json:
            print_result(result, console)

    done = make_checks(plan, tell)
    if junit is not None:
        write_export(junit, as_junit(done))
    if as_json:
        print_json(done)
    else:
        click.echo(in_a_line(done))
    return 0 if done.has_passed else 1


def _names(given: tuple[str, ...], option: str) -> tuple[str, ...]:
    names = tuple(name for text in given for name in names_in(text))
    require_once(names, option, click.UsageError)
    return names


def _engines(names: str | None, options: tuple[str, ...]) -> tuple[EngineSpec, ...] | None:
    from neuralake.engines.registry import parse_specs, require

    if names is None:
        if options:
            raise click.UsageError("--engine goes with --engines, which names the engine")
        return None
    specs = parse_specs(names_in(names), options)
    for spec in specs:
        require(spec)
    return specs


def _loading(
    source: str | None, scale_factor: float | None, dataset: str | None
) -> Callable[[Settings], Catalog] | None:
    """What loads the tables that the options name; None if they name none."""
    from neuralake.catalog.load import load_catalog
    from neuralake.config import absolute_uri
    from neuralake.errors import CatalogError
    from neuralake.tpch.dataset import dataset_catalog, dataset_uri

    if source is not None:
        if scale_factor is not None or dataset is not None:
            raise click.UsageError("--catalog goes without --scale-factor and --dataset")
        if source.endswith(".py") and not Path(source).is_file():
            raise CatalogError(f"no catalog at {source}: expected a .py file or a module name")
        return lambda settings: load_catalog(source, settings)
    check_workload_options(None, None, scale_factor, dataset)
    if dataset is not None:
        return lambda settings: dataset_catalog(absolute_uri(dataset), settings)
    if scale_factor is not None:
        return lambda settings: dataset_catalog(dataset_uri(settings, scale_factor), settings)
    return None
