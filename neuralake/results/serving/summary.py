"""A run of serving in numbers: a line for each contestant and rate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from neuralake.results.parts import read_part
from neuralake.results.plain import without_infinity
from neuralake.results.serving.records import NULL, Key, Round, ServingRun
from neuralake.stats.percentiles import LEVELS, percentiles

Array = npt.NDArray[np.float64]
_LATE_NS = 1_000_000  # the kernel wakes up a sleeper some tens of microseconds late


@dataclass(frozen=True)
class Line:
    """One contestant at one rate, all its rounds together.

    Attributes
    ----------
    contestant, rate
        What was measured.
    status
        ``ok``; ``wrong`` where an answer was not right; or why a round did not come to its end.
        Any round that is not ``ok`` decides, and there are no latencies then.
    offered
        Requests a second that were due, on average over the rounds.
    rounds, requests, answered, refused, failed, timeouts
        As of :class:`neuralake.results.serving.records.Round`, summed up.
    late
        Requests that were sent more than a millisecond after they were due, or never.
    per_second
        Requests a second that were answered.
    percentiles_ms
        Latency of all requests by level, those that there are samples enough for; infinite where
        it lies among those that were not answered.
    by_round_ms
        The same of each round alone, by level.
    answered_ms
        Latency of those that were answered alone.
    by_kind_ms
        Latency of all requests by kind and level, where a mix has several.
    refused_ms
        Latency of refusals: how soon it is said that there is no answer.
    slowest_ms
        The longest latency of a request that was answered.
    sent_late_ms
        How long after they were due requests were sent, by level.
    cpu_us
        Processor time of the server by request that came to an end, in microseconds.
    cores
        Processor time of the server by elapsed time.
    driver_cpu_us
        Processor time of the driver by request, in microseconds.
    peak_rss_bytes
        Of the server, the greatest of any round.
    recovery_s
        From the load's end until requests were answered as before, the longest of the rounds;
        infinite if one never came; None if it was not looked for.
    to_null
        p50 ÷ that of the null server at the same rate, where both are known.
    """

    contestant: str
    rate: str
    status: str
    offered: float | None = None
    rounds: int = 0
    requests: int = 0
    answered: int = 0
    refused: int = 0
    failed: int = 0
    timeouts: int = 0
    late: int = 0
    per_second: float | None = None
    percentiles_ms: Mapping[str, float] = field(default_factory=dict)
    by_round_ms: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    answered_ms: Mapping[str, float] = field(default_factory=dict)
    by_kind_ms: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    refused_ms: Mapping[str, float] = field(default_factory=dict)
    slowest_ms: float | None = None
    sent_late_ms: Mapping[str, float] = field(default_factory=dict)
    cpu_us: float | None = None
    cores: float | None = None
    driver_cpu_us: float | None = None
    peak_rss_bytes: int | None = None
    recovery_s: float | None = None
    to_null: float | None = None

    @property
    def lags(self) -> bool:
        """Whether less was answered than was offered."""
        return self.answered < 0.98 * self.requests or "50" not in self.percentiles_ms


@dataclass(frozen=True)
class RoundSamples:
    """The samples of a round.

    Attributes
    ----------
    found
        The round.
    requests
        All of them but those of the warm-up, in the order in which they were due.
    """

    found: Round
    requests: pa.Table

    @property
    def of_load(self) -> pa.Table:
        """Those that were due while the load lasted."""
        return self.requests.filter(pc.equal(self.requests["phase"], "load"))

    def latency_ms(self, status: str = "ok") -> Array:
        """Latency of the load's requests with a status, in the order in which they were due."""
        return _ms(self.of_load, status)

    @property
    def unended(self) -> int:
        """Requests of the load that have no latency, and are slower than any that has."""
        return self.found.requests - self.found.answered


@dataclass(frozen=True)
class ServingSummary:
    """A run in numbers.

    Attributes
    ----------
    lines
        By rate, and then in the order of the contestants.
    samples
        Of each round that came to its end.
    """

    lines: tuple[Line, ...]
    samples: Mapping[Key, RoundSamples]

    def document(self, run: ServingRun) -> dict[str, object]:
        """Run and numbers, for ``--json``: what is infinite is ``"never"``, since JSON has none."""
        lines = without_infinity([asdict(line) for line in self.lines])
        return {"run": asdict(run), "lines": lines}

    def samples_of(self, line: Line) -> list[RoundSamples]:
        """Samples of a line's rounds, in their order."""
        return [
            samples
            for key, samples in self.samples.items()
            if (key.contestant, key.rate) == (line.contestant, line.rate)
        ]


def summarise_serving(run: ServingRun, directory: Path) -> ServingSummary:
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
    samples = {
        found.key: _read_round(found, directory) for found in run.rounds if found.status == "ok"
    }
    lines: list[Line] = []
    for rate in run.header.load.rates:
        of_rate: list[Line] = []
        for contestant in run.header.contestants:
            of = (contestant, rate.text)
            rounds = [r for r in run.rounds if (r.key.contestant, r.key.rate) == of]
            if rounds:
                of_rate.append(_line(contestant, rate.text, rounds, samples))
        lines += _beside_null(of_rate) if rate.per_second is not None else of_rate
    return ServingSummary(tuple(lines), samples)


def _read_round(found: Round, directory: Path) -> RoundSamples:
    every = pa.concat_tables([read_part(directory, part) for part in found.parts])
    return RoundSamples(found, every.filter(pc.not_equal(every["phase"], "warm-up")))


def _line(
    contestant: str, rate: str, rounds: Sequence[Round], samples: Mapping[Key, RoundSamples]
) -> Line:
    offered = [r.offered for r in rounds if r.offered is not None]
    mean = sum(offered) / len(offered) if offered else None
    bad = ["wrong" for r in rounds if r.wrong]
    bad += [r.status for r in rounds if r.status != "ok"]
    if bad:
        return Line(contestant, rate, bad[0], mean, rounds=sum(r.status == "ok" for r in rounds))
    own = [samples[r.key] for r in rounds]
    latencies = [s.latency_ms() for s in own]
    answered = np.concatenate(latencies)
    by_round = [percentiles(v, unended=s.unended) for v, s in zip(latencies, own, strict=True)]
    load = pa.concat_tables([s.of_load for s in own])
    late_ns = pc.subtract(load["started_ns"], load["intended_ns"]).drop_null()
    late_ms = late_ns.to_numpy().astype(float) / 1e6
    requests = sum(r.requests for r in rounds)
    ended = sum(r.answered + r.refused + r.failed for r in rounds)
    elapsed_s = sum(max(r.elapsed_ns or 0, 1) for r in rounds) / 1e9
    cpu_ns = [r.cpu_ns for r in rounds if r.cpu_ns is not None]
    driver_ns = [r.driver_cpu_ns for r in rounds if r.driver_cpu_ns is not None]
    load_s = _load_seconds(rounds)
    return Line(
        contestant=contestant,
        rate=rate,
        status="ok",
        offered=mean,
        rounds=len(rounds),
        requests=requests,
        answered=sum(r.answered for r in rounds),
        refused=sum(r.refused for r in rounds),
        failed=sum(r.failed for r in rounds),
        timeouts=sum(r.timeouts for r in rounds),
        late=int((late_ms > _LATE_NS / 1e6).sum()) + requests - late_ms.size,
        per_second=sum(r.answered for r in rounds) / elapsed_s,
        percentiles_ms=percentiles(answered, unended=sum(s.unended for s in own)),
        by_round_ms={
            level: tuple(p[level] for p in by_round)
            for level in LEVELS
            if all(level in p for p in by_round)
        },
        answered_ms=percentiles(answered),
        by_kind_ms=_by_kind(load),
        refused_ms=percentiles(np.concatenate([s.latency_ms("refused") for s in own])),
        slowest_ms=float(answered.max()) if answered.size else None,
        sent_late_ms=percentiles(late_ms),
        cpu_us=sum(cpu_ns) / 1e3 / ended if cpu_ns and ended else None,
        cores=sum(cpu_ns) / 1e9 / load_s if cpu_ns and load_s else None,
        driver_cpu_us=sum(driver_ns) / 1e3 / requests if driver_ns and requests else None,
        peak_rss_bytes=max((r.peak_rss_bytes or 0 for r in rounds), default=0) or None,
        recovery_s=_recovery(rounds),
    )


def _by_kind(requests: pa.Table) -> Mapping[str, Mapping[str, float]]:
    kinds = pc.unique(requests["kind"]).to_pylist()
    if len(kinds) < 2:
        return {}
    found = {}
    for kind in sorted(kinds):
        own = requests.filter(pc.equal(requests["kind"], kind))
        latency_ms = _ms(own, "ok")
        found[kind] = percentiles(latency_ms, unended=own.num_rows - latency_ms.size)
    return found


def _load_seconds(rounds: Sequence[Round]) -> float:
    """How long loads lasted, by what was due and how often."""
    return sum(r.requests / r.offered for r in rounds if r.offered)


def _recovery(rounds: Sequence[Round]) -> float | None:
    looked_for = [r for r in rounds if r.recovers is not None]
    if not looked_for:
        return None
    return max(float("inf") if r.recovery_ns is None else r.recovery_ns / 1e9 for r in looked_for)


def _beside_null(lines: Sequence[Line]) -> list[Line]:
    """Lines of one rate in requests a second, with their ratio to the null server."""
    floor = next((v.percentiles_ms.get("50") for v in lines if v.contestant == NULL), None)
    return [
        replace(line, to_null=line.percentiles_ms["50"] / floor)
        if floor and np.isfinite(floor) and np.isfinite(line.percentiles_ms.get("50", np.inf))
        else line
        for line in lines
    ]


def _ms(requests: pa.Table, status: str) -> Array:
    kept = requests.filter(pc.equal(requests["status"], status))
    done, intended = (kept[name].to_numpy().astype(float) for name in ("done_ns", "intended_ns"))
    found: Array = (done - intended) / 1e6
    return found
