"""A bench from Python, and a run to look at."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, overload

import pyarrow as pa

from neuralake.api.catalogs import CatalogSource, catalog_of, source_of
from neuralake.api.display import Frame, as_frame, as_html, as_text
from neuralake.api.options import (
    EngineOptions,
    PathLike,
    arguments,
    engine_names,
    option_items,
    place,
    selection,
)
from neuralake.api.progress import bench_progress
from neuralake.api.tables import run_table
from neuralake.catalog.tables import Table
from neuralake.config import Settings
from neuralake.engines.registry import parse_specs
from neuralake.errors import CatalogError, QueryError, ResultsError
from neuralake.queries.directory import open_directory
from neuralake.queries.own import given_queries, given_workload
from neuralake.queries.query import Query, load_queries
from neuralake.queries.tables import tables_for
from neuralake.queries.workload import Workload
from neuralake.report.placing import Report
from neuralake.report.run.report import write_run_report
from neuralake.report.run.terminal import print_run
from neuralake.results.records import Run
from neuralake.results.samples import samples_table
from neuralake.results.store import RunStore, load_run
from neuralake.results.texts import read_texts
from neuralake.workloads import bench as benches
from neuralake.workloads.opening import clash, open_tpch, recorded_workload
from neuralake.workloads.resume import interrupted_run

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, repr=False)
class BenchRun:
    """A run, and what can be asked of it.

    Attributes
    ----------
    record
        Everything that was measured and found out.
    directory
        Where it lies: its journal, answers and logs.
    """

    record: Run
    directory: Path

    @property
    def id(self) -> str:
        """Name of the run, as ``neuralake results`` knows it."""
        return self.record.header.id

    @property
    def ok(self) -> bool:
        """Whether no answer is wrong or missing; ``neuralake bench`` exits with 1 if not."""
        return self.record.is_right

    @overload
    def table(self, frame: Literal["arrow"] = ...) -> pa.Table: ...

    @overload
    def table(self, frame: Literal["polars"]) -> pl.DataFrame: ...

    def table(self, frame: Frame = "arrow") -> pa.Table | pl.DataFrame:
        """One row a query and engine: status, verdict, median of the hot runs, interval, memory.

        Parameters
        ----------
        frame
            ``arrow`` for a :class:`pyarrow.Table`, ``polars`` for a :class:`polars.DataFrame`.
        """
        return as_frame(run_table(self.record), frame)

    @overload
    def samples(self, frame: Literal["arrow"] = ...) -> pa.Table: ...

    @overload
    def samples(self, frame: Literal["polars"]) -> pl.DataFrame: ...

    def samples(self, frame: Frame = "arrow") -> pa.Table | pl.DataFrame:
        """One row a measured execution, as ``neuralake results export`` writes them.

        Parameters
        ----------
        frame
            As of :meth:`table`.
        """
        return as_frame(samples_table([self.record]), frame)

    def report(self, directory: PathLike | None = None) -> Report:
        """Write the report: a page, a Markdown summary and figures.

        Parameters
        ----------
        directory
            Made if absent, and replaced if it holds a report; ``report/`` in the run's if None.

        Raises
        ------
        ResultsError
            If matplotlib is missing, the directory cannot be written, or it holds anything that
            is no part of a report.
        """
        texts = read_texts(self.record, self.directory)
        return write_run_report(
            self.record, Path(place(directory or self.directory / "report")), texts
        )

    def resume(
        self,
        workload: PathLike | Mapping[str, str] | None = None,
        *,
        catalog: CatalogSource | None = None,
    ) -> BenchRun:
        """Go on with a run that was interrupted, with the options that it began with.

        Parameters
        ----------
        workload, catalog
            As they were given to :func:`bench`, if queries or tables were those of a program.

        Raises
        ------
        ResultsError
            If it came to its end, or the data, a query, the machine or the software is not what
            it was.
        """
        settings = Settings.from_environ(os.environ)
        begun = interrupted_run(self.directory)
        name = begun.header.workload
        opened = _own(workload, catalog, name, settings) or recorded_workload(begun, settings)
        plan = benches.plan_of(begun, opened)
        store = RunStore(settings.results_root)
        resumed = (begun, self.directory)
        return _measured(*benches.bench(plan, store, bench_progress, resumed=resumed))

    def __repr__(self) -> str:
        return as_text(lambda console: print_run(self.record, console, self.directory))

    def _repr_html_(self) -> str:
        return as_html(lambda console: print_run(self.record, console, self.directory))


@arguments(
    QueryError,
    workload="queries",
    scale_factor="number",
    dataset="path",
    engines="names",
    options="options",
    queries="names",
    timeout_s="number",
    memory_limit_bytes="whole number",
    name="text",
)
def bench(
    workload: PathLike | Mapping[str, str] | None = None,
    *,
    catalog: CatalogSource | None = None,
    scale_factor: float | None = None,
    dataset: PathLike | None = None,
    engines: str | Iterable[str] | None = None,
    options: EngineOptions | None = None,
    queries: str | Iterable[str] | None = None,
    runs: int = 3,
    cold_runs: int = 0,
    timeout_s: float | None = None,
    memory_limit_bytes: int | None = None,
    name: str = "queries",
) -> BenchRun:
    """Run queries on each engine, verify every answer, and keep what was measured.

    Parameters
    ----------
    workload
        Queries: a directory of SQL files, or texts by name. None for TPC-H's.
    catalog
        Their tables: a Python file or the name of a module that declares them, an opened catalog,
        or tables. By default ``catalog.py`` in the directory.
    scale_factor
        Of TPC-H, whose dataset is generated if there is none; 1 by default.
    dataset
        A dataset of TPC-H at another place, in place of ``scale_factor``.
    engines
        Their names, in order; by default Polars, DataFusion and Spark, as far as they can run.
    options
        Of engines, by name: ``{"datafusion": {"target_partitions": 4}}``.
    queries
        Which of them: ``"1,6,9-12"``, or names. None for all.
    runs
        Hot runs of each query, after its first run.
    cold_runs
        Runs of each query in a new process, with its data out of the page cache.
    timeout_s
        Longest execution of a query, in seconds.
    memory_limit_bytes
        Memory of an engine's processes together.
    name
        Of a workload that is given as texts.

    Returns
    -------
    BenchRun
        A wrong answer is no error: :attr:`BenchRun.ok` says whether there is one.

    Raises
    ------
    NeuralakeError
        If what is asked for cannot be; nothing was measured then.
    RunInterruptedError
        A ``KeyboardInterrupt``: what was measured is kept, and :meth:`BenchRun.resume` goes on.

    Warns
    -----
    DeprecatedTableWarning
        For each table that is read and is not to be used any more.

    Examples
    --------
    >>> run = bench("queries", engines=["polars", "duckdb"])
    >>> run.table()
    """
    settings = Settings.from_environ(os.environ)
    store = RunStore(settings.results_root)
    opened = _own(workload, catalog, name, settings)
    said = clash(str, own=workload, catalog=catalog, scale_factor=scale_factor, dataset=dataset)
    if said is not None:
        raise QueryError(said)
    names = engine_names(engines, benches.DEFAULT_ENGINES)
    specs = parse_specs(names, option_items(options))
    chosen = benches.choose_engines(specs, required=engines is not None)
    wanted = selection(queries)
    if opened is None:
        uri = None if dataset is None else os.fspath(dataset)
        opened = open_tpch(settings, scale_factor, uri, make=True, selection=wanted)
    plan = benches.make_plan(
        opened,
        chosen,
        selection=wanted,
        hot_runs=runs,
        cold_runs=cold_runs,
        limits=benches.make_limits(timeout_s, memory_limit_bytes),
    )
    return _measured(*benches.bench(plan, store, bench_progress))


@arguments(ResultsError, run="path")
def open_run(run: str = "latest") -> BenchRun:
    """A run that was kept.

    Parameters
    ----------
    run
        Its id, the beginning of one, its directory, or ``latest``.

    Raises
    ------
    ResultsError
        If there is none, or it cannot be read.
    """
    directory = RunStore(Settings.from_environ(os.environ).results_root).find(place(run))
    return _measured(load_run(directory), directory)


def _measured(run: Run, directory: Path) -> BenchRun:
    return BenchRun(run, directory.absolute())  # a notebook may change its working directory


def _own(
    workload: PathLike | Mapping[str, str] | None,
    catalog: CatalogSource | None,
    name: str,
    settings: Settings,
) -> Workload | None:
    """The workload of the caller's own, or None for TPC-H."""
    if workload is None:
        if catalog is not None:
            raise QueryError("a catalog goes with queries: bench({'name': 'SELECT …'}, catalog=…)")
        return None
    if isinstance(workload, Mapping):
        if catalog is None:
            raise CatalogError("queries go with their tables: bench({…}, catalog='catalog.py')")
        queries = given_queries(workload)
        return given_workload(name, queries, _tables(queries, catalog, settings))
    directory = Path(place(workload))
    source = source_of(catalog)
    if source is not None or catalog is None:
        return open_directory(directory, source, settings)
    queries = load_queries(directory)
    tables = _tables(queries, catalog, settings)
    return given_workload(directory.resolve().name, queries, tables)


def _tables(
    queries: Sequence[Query], catalog: CatalogSource, settings: Settings
) -> dict[str, Table]:
    return tables_for(catalog_of(catalog, settings), (query.sql() for query in queries))
