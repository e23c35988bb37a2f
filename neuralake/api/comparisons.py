"""A comparison from Python."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, overload

import pyarrow as pa

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
from neuralake.api.progress import comparison_progress
from neuralake.api.tables import comparison_table
from neuralake.arms.compare import compare as carry_out
from neuralake.arms.request import DEFAULT_ENGINES, make_request, make_terms
from neuralake.config import Settings
from neuralake.errors import CompareError
from neuralake.report.comparison.report import write_comparison_report
from neuralake.report.comparison.terminal import print_comparison
from neuralake.report.placing import Report
from neuralake.results.comparison import Comparison
from neuralake.workloads.opening import clash

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, repr=False)
class ComparedArms:
    """A comparison, and what can be asked of it.

    Attributes
    ----------
    record
        Every verdict, and what it is made of.
    directory
        Where it lies: its pairs, answers and logs.
    """

    record: Comparison
    directory: Path

    @property
    def regressed(self) -> bool:
        """Whether anything is slower in the candidate, or wrong or failed in it."""
        return self.record.regressed

    @property
    def is_conclusive(self) -> bool:
        """Whether there is a verdict on everything."""
        return self.record.is_conclusive

    @overload
    def table(self, frame: Literal["arrow"] = ...) -> pa.Table: ...

    @overload
    def table(self, frame: Literal["polars"]) -> pl.DataFrame: ...

    def table(self, frame: Frame = "arrow") -> pa.Table | pl.DataFrame:
        """One row a verdict: the suite's of each engine, which has no query, and the queries'.

        Parameters
        ----------
        frame
            ``arrow`` for a :class:`pyarrow.Table`, ``polars`` for a :class:`polars.DataFrame`.
        """
        return as_frame(comparison_table(self.record), frame)

    def report(self, directory: PathLike | None = None) -> Report:
        """Write the report: a page, a Markdown comment and figures.

        Parameters
        ----------
        directory
            Made if absent, and replaced if it holds a report; ``report/`` beside the comparison
            if None.

        Raises
        ------
        ResultsError
            If matplotlib is missing, the directory cannot be written, or it holds anything that
            is no part of a report.
        """
        return write_comparison_report(
            self.record, Path(place(directory or self.directory / "report"))
        )

    def __repr__(self) -> str:
        return as_text(lambda console: print_comparison(self.record, console, self.directory))

    def _repr_html_(self) -> str:
        return as_html(lambda console: print_comparison(self.record, console, self.directory))


@arguments(
    CompareError,
    base="text",
    candidate="text",
    workload="path",
    catalog="path",
    scale_factor="number",
    dataset="path",
    engines="names",
    options="options",
    queries="names",
    streams="whole number",
    max_time_s="number",
    effect="number",
    query_effect="number",
    rounds="whole number",
    timeout_s="number",
)
def compare(
    base: str,
    candidate: str,
    workload: PathLike | None = None,
    *,
    catalog: PathLike | None = None,
    scale_factor: float | None = None,
    dataset: PathLike | None = None,
    engines: str | Iterable[str] | None = None,
    options: EngineOptions | None = None,
    queries: str | Iterable[str] | None = None,
    streams: int | None = None,
    max_time_s: float = 600.0,
    effect: float = 0.02,
    query_effect: float = 0.05,
    rounds: int | None = None,
    timeout_s: float | None = None,
    until_regression: bool = False,
    allow_dirty: bool = False,
) -> ComparedArms:
    """Say whether a candidate is slower or faster than a base, with a known error rate.

    Parameters
    ----------
    base, candidate
        The arms: commits of the repository that the working directory is in, such as ``main`` or
        ``HEAD+polars==2.0.0``, or what is installed here, such as ``polars==2.0.0``.
    workload
        A directory of SQL files; None for TPC-H.
    catalog
        The Python file or module that declares its tables; by default its own.
    scale_factor
        Of TPC-H, whose dataset is generated if there is none; 0.1 by default.
    dataset
        A dataset of TPC-H at another place, in place of ``scale_factor``.
    engines
        Their names, in order; by default Polars and DataFusion.
    options
        Of engines in both arms, by name: ``{"datafusion": {"target_partitions": 4}}``.
    queries
        Which of them: ``"1,6,9-12"``, or names. None for all.
    streams
        Compare throughput: how many streams of TPC-H's queries run at once in each pair, 1 to 40.
        None for queries alone.
    max_time_s
        Time for all engines together, once both arms are built, in seconds.
    effect, query_effect
        Smallest change of the suite and of a query that matters, as a fraction.
    rounds
        Pairs of each query before both arms restart; by the noise if None.
    timeout_s
        Longest execution of a query, in seconds.
    until_regression
        Whether an engine ends at its first verdict of slower.
    allow_dirty
        Whether HEAD may be compared without the changes of the work tree.

    Returns
    -------
    ComparedArms
        A regression is no error: :attr:`ComparedArms.regressed` says whether there is one.

    Raises
    ------
    NeuralakeError
        If what is asked for cannot be.
    KeyboardInterrupt
        If it was interrupted; the message says where what was measured is kept.

    Examples
    --------
    >>> found = compare("main", "HEAD", "queries", engines=["polars"])
    >>> found.regressed
    False
    """
    said = clash(str, own=workload, catalog=catalog, scale_factor=scale_factor, dataset=dataset)
    if said is not None:
        raise CompareError(said)
    terms = make_terms(
        max_time_s=max_time_s,
        effect=effect,
        query_effect=query_effect,
        rounds=rounds,
        timeout_s=timeout_s,
        until_regression=until_regression,
    )
    request = make_request(
        (base, candidate),
        terms,
        settings=Settings.from_environ(os.environ),
        directory=None if workload is None else Path(place(workload)),
        catalog=None if catalog is None else place(catalog),
        scale_factor=scale_factor,
        dataset=None if dataset is None else os.fspath(dataset),
        engines=engine_names(engines, DEFAULT_ENGINES),
        options=option_items(options),
        selection=selection(queries),
        allow_dirty=allow_dirty,
        streams=streams,
    )
    with comparison_progress(terms) as observer:
        comparison, directory = carry_out(request, observer)
    if comparison.finished_at is None:
        raise KeyboardInterrupt(f"what was measured is kept in {directory}")
    return ComparedArms(comparison, directory.absolute())
