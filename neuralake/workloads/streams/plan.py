"""What a run of streams measures: engines, streams with their queries, and refresh sets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, get_args

from neuralake.engines import registry
from neuralake.engines.registry import EngineSpec
from neuralake.engines.writing import Rows, capabilities, sessions_at_once
from neuralake.errors import LoadError
from neuralake.lists import require_once
from neuralake.machine import available_memory_bytes
from neuralake.queries.sql import tables_read
from neuralake.queries.workload import Workload
from neuralake.results.phases.records import PhaseKey, PhaseRecord, SessionMapping, WriterName
from neuralake.results.records import Limits
from neuralake.results.streams.records import REFRESHES, StreamsHeader, streams_of
from neuralake.tpch.parameters import check_seed, parameters, stream_seed
from neuralake.tpch.refresh.keys import check_sets
from neuralake.tpch.refresh.staged import RefreshSet, StagedFile
from neuralake.workloads.bench import ChosenEngines
from neuralake.workloads.phases.model import (
    Append,
    DeleteKeys,
    PhasePlan,
    RunQuery,
    SessionPlan,
    Task,
)
from neuralake.workloads.places import Target
from neuralake.workloads.rounds import in_turn

MOST_STREAMS = 40
# Fewest streams of a throughput run by scale factor (clause 5.3.4); below SF 1 this project's own
_FEWEST = ((1000, 7), (300, 6), (100, 5), (30, 4), (10, 3))


@dataclass(frozen=True)
class StreamsPlan:
    """What is to be measured.

    Attributes
    ----------
    workload
        TPC-H on a dataset, whose tables are copied.
    engines
        In the order of odd rounds, with all their options.
    streams
        How many at once in the throughput runs, one after another.
    seed
        Of the parameters: stream s of a run has the seed plus s.
    mapping
        By engine, how streams map to it.
    place
        Directory of the copies.
    sets
        Numbers of the refresh sets: that of the power run, and those of the streams.
    rounds
        How often each engine is measured.
    writer
        Who makes the refreshes.
    limits
        What one query or refresh, and an engine's processes, may take.
    unavailable
        Engines that cannot run here, or not make the refreshes, with the reason.
    keeps_tables
        Whether the copies stay.
    """

    workload: Workload
    engines: tuple[EngineSpec, ...]
    streams: tuple[int, ...]
    seed: int
    mapping: Mapping[str, SessionMapping]
    place: Target
    sets: tuple[int, ...]
    rounds: int = 1
    writer: WriterName = "engine"
    limits: Limits = field(default_factory=Limits)
    unavailable: tuple[tuple[EngineSpec, str], ...] = ()
    keeps_tables: bool = False

    @property
    def scale_factor(self) -> float:
        """Of the dataset."""
        return self.workload.scale_factor or 1.0


class StreamsObserver(Protocol):
    """Is told what happens; it is never called while something is being measured."""

    def staging(self, sets: int) -> None:
        """Refresh sets are about to be made."""

    def before(self, key: PhaseKey, number: int, of: int) -> None:
        """A phase is about to begin."""

    def checking(self, key: PhaseKey, by: str) -> None:
        """Its answers are about to be checked by another engine."""

    def after(self, phase: PhaseRecord) -> None:
        """It has ended, and has been judged."""


def fewest_streams(scale_factor: float) -> int:
    """How many streams a throughput run has at least (clause 5.3.4); 2 below SF 10."""
    return next((streams for size, streams in _FEWEST if scale_factor >= size), 2)


def make_plan(
    workload: Workload,
    engines: ChosenEngines,
    *,
    required: bool,
    place: Target,
    streams: Sequence[int] | None = None,
    seed: int = 1,
    mapping: SessionMapping | None = None,
    sets: Sequence[int] | None = None,
    rounds: int = 1,
    writer: WriterName = "engine",
    limits: Limits | None = None,
    keeps_tables: bool = False,
) -> StreamsPlan:
    """Check everything that can be checked before anything is measured.

    Parameters
    ----------
    workload
        TPC-H on a dataset.
    engines
        From :func:`neuralake.workloads.bench.choose_engines`.
    required
        Whether an engine that cannot make the refreshes is an error; otherwise the others run.
    place
        Directory of the copies.
    streams
        How many at once, one after another; None for the fewest of the scale factor.
    seed
        Of the parameters.
    mapping
        How streams map to an engine; None for what a user of each engine would do: threads of one,
        where it has sessions at once.
    sets
        Refresh sets, one more than streams at once; None for the first ones.
    rounds, writer, limits, keeps_tables
        As of :class:`StreamsPlan`.

    Raises
    ------
    LoadError
        If a number of streams is impossible or there twice, or an engine cannot make the refreshes
        or run streams in threads.
    ParameterError
        If the seed is impossible, or there is no such set.
    """
    counts = (fewest_streams(workload.scale_factor or 1.0),) if streams is None else tuple(streams)
    check_streams(counts)
    check_seeds(seed, counts)
    chosen = enough_sets(sets, counts)
    if mapping is not None and mapping not in get_args(SessionMapping):
        expected = ", ".join(get_args(SessionMapping))
        raise LoadError(f"mapping {mapping!r} is not known: expected one of {expected}")
    limits = limits or Limits()
    unavailable = list(engines.unavailable)
    available, mapped = [], {}
    for spec in engines.available:
        reason = _cannot(spec.name, writer)
        if reason is not None:
            if required:
                raise LoadError(reason)
            unavailable.append((spec, reason))
            continue
        mapped[spec.name] = _mapping(spec.name, mapping)
        processes = max(counts) + 1 if mapped[spec.name] == "processes" else 1
        available.append(_resolved(spec, workload, limits, processes))
    if not available:
        raise LoadError(f"no engine can run streams: {unavailable[0][1]}")
    return StreamsPlan(
        workload=workload,
        engines=tuple(available),
        streams=counts,
        seed=seed,
        mapping=mapped,
        place=place,
        sets=chosen,
        rounds=rounds,
        writer=writer,
        limits=limits,
        unavailable=tuple(unavailable),
        keeps_tables=keeps_tables,
    )


def check_streams(counts: Sequence[int]) -> None:
    """Raise ``LoadError`` if a number of streams is impossible, or there twice."""
    for count in counts:
        if not 1 <= count <= MOST_STREAMS:
            raise LoadError(
                f"{count} streams are impossible: expected 1 to {MOST_STREAMS}, "
                "as many as TPC-H has orderings for"
            )
    require_once(counts, "number of streams", LoadError)


def enough_sets(sets: Sequence[int] | None, counts: Sequence[int]) -> tuple[int, ...]:
    """The refresh sets of a run: those that are asked for, or the first ones.

    Raises
    ------
    LoadError
        If they are too few: the power run takes one, and each stream another.
    ParameterError
        If there is no such set, or one is there twice.
    """
    needed = 1 + max(counts)
    chosen = tuple(range(1, needed + 1)) if sets is None else tuple(sets)
    check_sets(chosen)
    if len(chosen) < needed:
        raise LoadError(
            f"{len(chosen)} refresh sets are too few for {max(counts)} streams: expected "
            f"{needed}, one for the power run and one for each stream"
        )
    return chosen[:needed]


def check_seeds(seed: int, counts: Sequence[int]) -> None:
    """Raise ``ParameterError`` if a stream of a run would have an impossible seed."""
    for stream in range(max(counts, default=0) + 1):
        check_seed(stream_seed(seed, stream))


def _cannot(engine: str, writer: WriterName) -> str | None:
    """Why an engine cannot make the refreshes, or None."""
    paths = capabilities(registry.engine_type(engine))
    needed = {"append": "append (RF1)", "delete_keys": "delete by keys (RF2)"}
    if writer == "neuralake":
        del needed["append"]
    lacking = [words for capability, words in needed.items() if paths[capability] is None]
    if not lacking:
        return None
    return f"engine {engine} cannot make TPC-H's refreshes: it cannot {' or '.join(lacking)}"


def _mapping(engine: str, asked: SessionMapping | None) -> SessionMapping:
    at_once = sessions_at_once(registry.engine_type(engine))
    if asked == "threads" and not at_once:
        raise LoadError(
            f"engine {engine} has no sessions at once, which --mapping threads needs: "
            "expected --mapping processes"
        )
    return asked or ("threads" if at_once else "processes")


def _resolved(spec: EngineSpec, workload: Workload, limits: Limits, processes: int) -> EngineSpec:
    """The engine with all its options; several processes share what memory there is."""
    memory_bytes = limits.memory_bytes
    if processes > 1:
        memory_bytes = (memory_bytes or available_memory_bytes()) // processes
    return registry.resolve(registry.reaching(spec, workload.tables), memory_bytes)


def keys_of(header: StreamsHeader) -> Iterator[PhaseKey]:
    """Every phase, in the order in which they are measured."""
    for number in range(1, header.rounds + 1):
        for engine in in_turn(header.engines, number):
            for phase in header.phases:
                yield PhaseKey(engine.name, phase, number)


def sets_of(plan: StreamsPlan, phase: str) -> tuple[int, ...]:
    """Numbers of the refresh sets of a phase."""
    count = streams_of(phase)
    return plan.sets[1 : 1 + count] if count else plan.sets[:1]


def phase_plan(plan: StreamsPlan, key: PhaseKey, sets: Mapping[int, RefreshSet]) -> PhasePlan:
    """What runs at once in a phase.

    Parameters
    ----------
    plan
        Of the run.
    key
        Which phase.
    sets
        The refresh sets by number.
    """
    count = streams_of(key.phase)
    numbers = sets_of(plan, key.phase)
    if not count:
        (only,) = numbers
        insertion, deletion = _refreshes(sets[only])
        tasks = (*insertion, *_queries(plan, 0), *deletion)
        return PhasePlan(key.phase, (SessionPlan("stream 0", tasks),), key.repetition)
    streams = [SessionPlan(f"stream {s}", _queries(plan, s)) for s in range(1, count + 1)]
    pairs = [task for number in numbers for own in _refreshes(sets[number]) for task in own]
    refreshes = SessionPlan(REFRESHES, tuple(pairs))
    return PhasePlan(key.phase, (*streams, refreshes), key.repetition)


def _queries(plan: StreamsPlan, stream: int) -> tuple[Task, ...]:
    by_name = {query.name: query for query in plan.workload.queries}
    tasks = []
    drawn = parameters(stream_seed(plan.seed, stream), stream, plan.scale_factor)
    for asked in drawn:
        query = by_name[asked.query]
        sql = query.sql(asked.values)
        reads = tuple(sorted(tables_read(sql, plan.workload.tables)))
        order_by = tuple(key.column for key in query.order_by)
        tasks.append(Task(query.name, RunQuery(sql, reads, order_by)))
    return tuple(tasks)


def _refreshes(refresh: RefreshSet) -> tuple[tuple[Task, ...], tuple[Task, ...]]:
    """RF1 and RF2 of a set: whoever reads an order finds it before its lineitems, and after."""
    insertion, deletion = f"RF1 of set {refresh.number}", f"RF2 of set {refresh.number}"
    return (
        (
            Task("RF1 orders", Append("orders", _rows(refresh.orders)), insertion),
            Task("RF1 lineitem", Append("lineitem", _rows(refresh.lineitem)), insertion),
        ),
        (
            Task(
                "RF2 lineitem",
                DeleteKeys("lineitem", _rows(refresh.deleted_lineitem), ("l_orderkey",)),
                deletion,
            ),
            Task(
                "RF2 orders",
                DeleteKeys("orders", _rows(refresh.deleted_orders), ("o_orderkey",)),
                deletion,
            ),
        ),
    )


def _rows(staged: StagedFile) -> Rows:
    return Rows((staged.path,), staged.schema, staged.rows)
