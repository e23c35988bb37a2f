"""A run of streams in numbers: TPC-H's metrics, where everything that they need went right.

Source: TPC-H specification 3.0.1, clauses 5.4.1 (power), 5.4.2 (throughput), 5.4.3 (composite).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from neuralake.results.phases.records import PhaseKey, PhaseRecord
from neuralake.results.phases.samples import TaskSample, judged_samples
from neuralake.results.streams.records import POWER, StreamsRun, streams_of

QUERIES_A_STREAM = 22
_MOST_RATIO = 1000.0  # clause 5.4.1.4


@dataclass(frozen=True)
class Measured:
    """One phase of one engine.

    Attributes
    ----------
    phase
        As the journal has it.
    streams
        How many at once; 0 in the power run.
    samples
        Of its queries and refreshes.
    times_s
        Elapsed seconds: of each query and refresh function of the power run by its name; empty
        where one of them failed.
    elapsed_s
        From the beginning of all sessions until the end of the last.
    metric
        TPC-H Power or TPC-H Throughput at the scale factor; None where ``fault`` says why.
    fault
        Why there is no metric, or None.
    conflicts
        How often a refresh was tried again since another writer was first.
    cores
        Processor time of the engine by elapsed time.
    """

    phase: PhaseRecord
    streams: int
    samples: tuple[TaskSample, ...]
    times_s: Mapping[str, float]
    elapsed_s: float | None
    metric: float | None
    fault: str | None
    conflicts: int
    cores: float | None


@dataclass(frozen=True)
class Line:
    """One engine and one number of streams, over all rounds.

    Attributes
    ----------
    engine
        Its name.
    streams
        How many at once.
    power, throughput, composite
        Medians over the rounds; None where a round has none, and ``fault`` says why.
    elapsed_s
        Of the throughput run, the median.
    by_round
        Power and throughput of each round.
    fault
        The first reason for which there is no number, or None.
    """

    engine: str
    streams: int
    power: float | None
    throughput: float | None
    composite: float | None
    elapsed_s: float | None
    by_round: tuple[tuple[float | None, float | None], ...]
    fault: str | None


@dataclass(frozen=True)
class Latency:
    """A query or a refresh function of an engine, alone and beside others.

    Attributes
    ----------
    engine, name
        Whose and which.
    alone_s
        Elapsed seconds in the power run, the median over rounds; None where it failed.
    beside_s
        By number of streams the median over streams and rounds, of those that went right.
    """

    engine: str
    name: str
    alone_s: float | None
    beside_s: Mapping[int, float]


@dataclass(frozen=True)
class StreamsSummary:
    """A run in numbers.

    Attributes
    ----------
    lines
        By engine, and then by number of streams.
    measured
        Every phase, by its key.
    latencies
        By engine, and then by query.
    """

    lines: tuple[Line, ...]
    measured: Mapping[PhaseKey, Measured]
    latencies: tuple[Latency, ...]

    @property
    def is_right(self) -> bool:
        """Whether every engine has every metric."""
        return all(line.composite is not None for line in self.lines)

    def document(self, run: StreamsRun) -> dict[str, object]:
        """Run and numbers, for ``--json``."""
        return {
            "run": asdict(run),
            "derived": "derived from TPC-H; not comparable with published TPC-H results",
            "lines": [asdict(line) for line in self.lines],
            "latencies": [asdict(latency) for latency in self.latencies],
        }


def summarise_streams(run: StreamsRun, directory: Path) -> StreamsSummary:
    """The numbers of a run.

    Parameters
    ----------
    run
        Finished or interrupted.
    directory
        Of the run, where its part files lie.

    Raises
    ------
    ResultsError
        If a part file is absent or damaged.
    """
    scale_factor = run.header.scale_factor
    measured = {
        phase.key: measure_phase(phase, judged_samples(phase, directory), scale_factor)
        for phase in run.phases
    }
    engines = [request.name for request in run.header.engines]
    lines = [
        _line(run, measured, engine, streams)
        for engine in engines
        for streams in run.header.streams
    ]
    latencies = [found for engine in engines for found in _latencies(measured, engine)]
    return StreamsSummary(tuple(lines), measured, tuple(latencies))


def measure_phase(
    phase: PhaseRecord, samples: Sequence[TaskSample], scale_factor: float
) -> Measured:
    """The numbers of a phase.

    Parameters
    ----------
    phase
        As the journal has it.
    samples
        Of its parts, wrong answers marked.
    scale_factor
        Of the dataset.
    """
    streams = streams_of(phase.key.phase)
    fault = _fault(phase, samples)
    elapsed_s = None if phase.elapsed_ns is None else phase.elapsed_ns / 1e9
    times_s = dict(_times(samples)) if streams == 0 and fault is None else {}
    metric = None
    if fault is None and elapsed_s:
        metric = (
            throughput(streams, elapsed_s, scale_factor)
            if streams
            else power(times_s.values(), scale_factor)
        )
    return Measured(
        phase=phase,
        streams=streams,
        samples=tuple(samples),
        times_s=times_s,
        elapsed_s=elapsed_s,
        metric=metric,
        fault=fault,
        conflicts=sum(sample.conflicts for sample in samples),
        cores=phase.cpu_ns / 1e9 / elapsed_s if phase.cpu_ns and elapsed_s else None,
    )


def power(times_s: Iterable[float], scale_factor: float) -> float:
    """TPC-H Power at a scale factor: 3600 · SF ÷ the geometric mean of 24 times.

    Parameters
    ----------
    times_s
        Elapsed seconds of the 22 queries and the two refresh functions; one that is less than a
        thousandth of the longest counts as that (5.4.1.4).
    scale_factor
        Of the dataset.
    """
    known = list(times_s)
    least = max(known) / _MOST_RATIO
    logs = [math.log(max(value, least)) for value in known]
    return 3600.0 * scale_factor / math.exp(sum(logs) / len(logs))


def throughput(streams: int, elapsed_s: float, scale_factor: float) -> float:
    """TPC-H Throughput at a scale factor: streams · 22 · 3600 · SF ÷ elapsed seconds."""
    return streams * QUERIES_A_STREAM * 3600.0 * scale_factor / elapsed_s


def _fault(phase: PhaseRecord, samples: Sequence[TaskSample]) -> str | None:
    """Why there is no metric of a phase: whatever was not done, or not done right."""
    if phase.status != "ok":
        return f"{phase.status}: {phase.message}"
    for sample in samples:
        if sample.status == "wrong":
            detail = next(
                c.detail
                for c in phase.answers
                if (c.session, c.position) == (sample.session, sample.position)
            )
            return f"{sample.task} of {sample.session} has a wrong answer: {detail}"
        if sample.status != "ok":
            return f"{sample.task} of {sample.session}: {sample.status}: {sample.message}"
    for check in phase.end:
        if not check.is_right:
            found = "wrong" if check.is_right is False else "not known"
            return f"{check.name}: {found}: {check.detail}"
    queries = sum(sample.kind == "query" for sample in samples)
    expected = QUERIES_A_STREAM * max(streams_of(phase.key.phase), 1)
    if queries != expected:
        return f"{queries} queries ran: expected {expected}"
    return None


def _times(samples: Sequence[TaskSample]) -> Iterator[tuple[str, float]]:
    """Elapsed seconds of each query and refresh function, in the order in which they ran."""
    for _, name, own in _functions(samples):
        ends = [sample.end_ns for sample in own if sample.end_ns is not None]
        if len(ends) == len(own):
            yield name, (max(ends) - min(sample.begin_ns for sample in own)) / 1e9


def _functions(
    samples: Sequence[TaskSample],
) -> Iterator[tuple[str, str, list[TaskSample]]]:
    """Session, name and samples of each query, and of each refresh function with its writes."""
    found: dict[tuple[str, str | int], list[TaskSample]] = {}
    for sample in samples:
        found.setdefault((sample.session, sample.group or sample.position), []).append(sample)
    for (session, _), own in found.items():
        yield session, own[0].task.partition(" ")[0], own


def _line(
    run: StreamsRun, measured: Mapping[PhaseKey, Measured], engine: str, streams: int
) -> Line:
    rounds: list[tuple[Measured | None, Measured | None]] = []
    for number in range(1, run.header.rounds + 1):
        alone = measured.get(PhaseKey(engine, POWER, number))
        name = next(p for p in run.header.phases if streams_of(p) == streams)
        rounds.append((alone, measured.get(PhaseKey(engine, name, number))))
    powers = [None if alone is None else alone.metric for alone, _ in rounds]
    throughputs = [None if beside is None else beside.metric for _, beside in rounds]
    power_, throughput_ = _median(powers), _median(throughputs)
    faults = [found.fault for pair in rounds for found in pair if found is not None and found.fault]
    missing = "it was not measured" if any(None in pair for pair in rounds) else None
    elapsed = [None if beside is None or beside.fault else beside.elapsed_s for _, beside in rounds]
    return Line(
        engine=engine,
        streams=streams,
        power=power_,
        throughput=throughput_,
        composite=math.sqrt(power_ * throughput_) if power_ and throughput_ else None,
        elapsed_s=_median(elapsed),
        by_round=tuple(zip(powers, throughputs, strict=True)),
        fault=faults[0] if faults else missing,
    )


def _median(values: Sequence[float | None]) -> float | None:
    """The median; None where a value is missing."""
    known = [value for value in values if value is not None]
    return median(known) if known and len(known) == len(values) else None


def _latencies(measured: Mapping[PhaseKey, Measured], engine: str) -> Iterator[Latency]:
    alone: dict[str, list[float]] = {}
    beside: dict[str, dict[int, list[float]]] = {}
    names: list[str] = []
    for key, found in measured.items():
        if key.engine != engine:
            continue
        for _, name, own in _functions(found.samples):
            if name not in names:
                names.append(name)
            if any(sample.status != "ok" or sample.end_ns is None for sample in own):
                continue
            ends = [sample.end_ns for sample in own if sample.end_ns is not None]
            seconds = (max(ends) - min(sample.begin_ns for sample in own)) / 1e9
            if found.streams:
                beside.setdefault(name, {}).setdefault(found.streams, []).append(seconds)
            else:
                alone.setdefault(name, []).append(seconds)
    for name in sorted(names, key=lambda name: (name.startswith("RF"), name)):
        yield Latency(
            engine=engine,
            name=name,
            alone_s=median(alone[name]) if name in alone else None,
            beside_s={n: median(values) for n, values in sorted(beside.get(name, {}).items())},
        )
