"""What a comparison is asked to do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from neuralake.arms import counted
from neuralake.arms.arm import ArmSpec, parse_arm
from neuralake.arms.terms import Terms
from neuralake.config import Settings
from neuralake.engines import registry
from neuralake.engines.registry import EngineSpec
from neuralake.errors import CompareError
from neuralake.queries.workload import Workload
from neuralake.results.comparison import By
from neuralake.stats.paired import QUERIES_ALPHA, SUITE_ALPHA, Question
from neuralake.workloads.opening import open_tpch
from neuralake.workloads.streams.plan import check_streams

DEFAULT_ENGINES = ("polars", "datafusion")
DEFAULT_SCALE_FACTOR = 0.1


@dataclass(frozen=True)
class Request:
    """What is to be compared.

    Attributes
    ----------
    base, candidate
        The arms, as :func:`neuralake.arms.arm.parse_arm` reads them.
    engines
        Names, with the options of both arms.
    terms
        Effects, error rates, time.
    workload
        TPC-H on its dataset, whose known answers both arms must give; None for ``directory``.
    directory
        Queries of a team's own; within the repository it is that of each arm's commit.
    catalog
        Of that directory: a file, likewise, or a module; None for its own.
    selection
        Queries, such as ``1,6,9-12``; None for all.
    allow_dirty
        Whether HEAD may be compared without the changes of the work tree.
    working_directory
        Where the caller stands: his repository and relative paths.
    cache
        Where arms are built.
    results
        Results root.
    environment
        Variables for both arms: places that are named by where the caller stands.
    streams
        How many run at once in each execution, with all the queries that are chosen; None for
        queries alone.
    cache_sim
        Whether caches are simulated where instructions are counted.
    profiles
        Directory for profiles of counted queries, or None.
    counted
        The same arms by counted instructions, which are compared first, or None.
    """

    base: str
    candidate: str
    engines: tuple[EngineSpec, ...]
    terms: Terms
    workload: Workload | None
    directory: Path | None
    catalog: str | None
    selection: str | None
    allow_dirty: bool
    working_directory: Path
    cache: Path
    results: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    streams: int | None = None
    cache_sim: bool = False
    profiles: Path | None = None
    counted: Request | None = None

    def options(self, spec: ArmSpec) -> dict[str, dict[str, str]]:
        """Options of each engine in one arm: those of both, and then its own.

        Raises
        ------
        CompareError
            If an arm has an option of an engine that is not compared.
        """
        found = {engine.name: dict(engine.options) for engine in self.engines}
        for option in spec.options:
            name, key, value = registry.split_option(option)
            if name not in found:
                raise CompareError(
                    f"arm {spec.text!r} has an option of {name}, which is not compared: "
                    f"expected one of {', '.join(found)}"
                )
            found[name][key] = value
        return found


def make_terms(
    *,
    max_time_s: float,
    effect: float | None = None,
    query_effect: float | None = None,
    rounds: int | None = None,
    timeout_s: float | None = None,
    until_regression: bool = False,
    until_time: bool = False,
    by: By = "time",
) -> Terms:
    """How a comparison is carried out, as a caller asks for it.

    Parameters
    ----------
    max_time_s, rounds, timeout_s, until_regression, until_time, by
        As of :class:`neuralake.arms.terms.Terms`.
    effect, query_effect
        Smallest change of the suite and of a query that matters, as a fraction; None is 0.02 and
        0.05, and 0.005 and 0.01 of counted instructions.

    Raises
    ------
    CompareError
        If one of them is impossible.
    """
    defaults = {"time": (0.02, 0.05), "instructions": (counted.SUITE_EFFECT, counted.QUERY_EFFECT)}
    effect = defaults[by][0] if effect is None else effect
    query_effect = defaults[by][1] if query_effect is None else query_effect
    for name, value in (("effect", effect), ("query effect", query_effect)):
        if not 0 < value < 1:
            raise CompareError(
                f"{name}: {value:g} is no effect: expected a fraction above 0 and below 1, "
                "such as 0.02"
            )
    for name, seconds in (("longest time", max_time_s), ("timeout", timeout_s)):
        if seconds is not None and not seconds > 0:
            raise CompareError(f"{name} is {seconds:g}: expected seconds, more than 0")
    if rounds is not None and rounds < 2:
        raise CompareError(f"rounds are {rounds}: expected 2 or more")
    alphas = (SUITE_ALPHA, QUERIES_ALPHA)
    if by == "instructions":
        alphas = (counted.SUITE_ALPHA, counted.QUERIES_ALPHA)
    return Terms(
        question=Question(effect, query_effect, *alphas),
        max_time_s=max_time_s,
        rounds=rounds,
        timeout_s=timeout_s,
        until_regression=until_regression,
        until_time=until_time,
        by=by,
    )


def make_request(
    arms: tuple[str, str],
    terms: Terms,
    *,
    settings: Settings,
    directory: Path | None,
    catalog: str | None,
    scale_factor: float | None,
    dataset: str | None,
    engines: Iterable[str],
    options: Iterable[str],
    selection: str | None,
    allow_dirty: bool,
    streams: int | None = None,
    cache_sim: bool = False,
    profiles: Path | None = None,
) -> Request:
    """What a caller who stands in his repository asks for; a TPC-H dataset is made if absent.

    Parameters
    ----------
    arms
        Base and candidate.
    terms
        Effects, error rates, time.
    settings
        Where datasets, results and arms lie.
    directory, catalog
        Queries of a team's own, and their tables; None for TPC-H.
    scale_factor, dataset
        Of TPC-H: its size, 0.1 by default and 0.01 where instructions are counted, or its place.
    engines, options, selection, allow_dirty, streams, cache_sim, profiles
        As of a :class:`Request`; engines and options as
        :func:`neuralake.engines.registry.split_specs` takes them.

    Raises
    ------
    NeuralakeError
        If an arm, an engine or an option cannot be read, the streams are impossible or not
        TPC-H's, or the dataset cannot be made.
    """
    counting = terms.by == "instructions"
    if counting and streams is not None:
        raise CompareError(
            "streams are compared by time: how they share a machine is not in what is counted"
        )
    if streams is not None:
        check_streams((streams,))
        if directory is not None:
            raise CompareError(
                "streams are TPC-H's, which has orders and parameters for them: expected no "
                f"directory of queries beside them, such as {directory}"
            )
    for arm in arms:
        parse_arm(arm)  # before a dataset is made
    specs = registry.split_specs(engines, options)  # what they mean is the arms' to know
    if not counting and (cache_sim or profiles is not None):
        raise CompareError(
            "caches are simulated and profiles kept where instructions are counted: expected "
            "--by instructions or both beside them"
        )
    if counting:
        specs = counted.counted_engines(specs)
    workload = None
    if directory is None:
        if dataset is None and scale_factor is None:
            scale_factor = counted.SCALE_FACTOR if counting else DEFAULT_SCALE_FACTOR
        workload = open_tpch(settings, scale_factor, dataset, make=True, selection=selection)
    base, candidate = arms
    return Request(
        base=base,
        candidate=candidate,
        engines=specs,
        terms=terms,
        workload=workload,
        directory=directory,
        catalog=catalog,
        selection=selection,
        allow_dirty=allow_dirty,
        working_directory=Path.cwd(),
        cache=settings.cache_root,
        results=settings.results_root,
        environment={
            "NEURALAKE_STORAGE_ROOT": settings.absolute_storage_root,
            "NEURALAKE_CACHE_ROOT": str(settings.cache_root.absolute()),
        },
        streams=streams,
        cache_sim=cache_sim,
        profiles=None if profiles is None else profiles.absolute(),
    )
