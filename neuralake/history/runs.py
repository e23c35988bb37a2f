"""Neuralake's own runs as measurements at commits."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator

from neuralake.errors import ResultsError
from neuralake.history.records import Key, Measurement, Omission
from neuralake.results.fingerprint import NO_COMMIT_YET
from neuralake.results.kinds import RUN_OF_QUERIES
from neuralake.results.records import EngineRecord, Fingerprint, Run
from neuralake.results.store import RunStore
from neuralake.results.summary import summarise
from neuralake.stats.summary import median_interval

UNIT = "seconds"


def read_runs(store: RunStore) -> tuple[list[Measurement], list[Omission]]:
    """Median hot latency of each query, engine and commit; runs at one commit are pooled.

    A run that is corrupt, or of another schema version, is left out, and told.

    Parameters
    ----------
    store
        The runs.
    """
    unread: list[Omission] = []

    def readable() -> Iterator[Run]:
        for _, run in store.each_of(RUN_OF_QUERIES):
            if isinstance(run, ResultsError):
                unread.append(Omission(f"run: {run}", 1))
            else:
                yield run

    measurements, omissions = measure(readable())
    return measurements, [*omissions, *unread]


def measure(runs: Iterable[Run]) -> tuple[list[Measurement], list[Omission]]:
    """The measurements of some runs, in the order of the runs."""
    pooled: defaultdict[tuple[Key, str], list[float]] = defaultdict(list)
    omitted: Counter[str] = Counter()
    for run in runs:
        commit, dirty = run.header.fingerprint.commit, run.header.fingerprint.dirty
        if commit is None:
            omitted[_why_without_commit(run.header.fingerprint)] += 1
            continue
        if dirty:
            omitted["runs with uncommitted changes"] += 1
            continue
        summary = summarise(run)
        engines = {engine.name: engine for engine in run.engines}
        for (query, name), cell in summary.cells.items():
            if cell.latency_s is None:
                omitted["queries without a valid latency in a run"] += 1
            else:
                pooled[_key(run, query, engines[name]), commit] += cell.hot_runs_s
    measurements = []
    for (key, commit), samples in pooled.items():
        interval = median_interval(samples)
        if interval.median > 0:
            measurements.append(
                Measurement(key, commit, interval.median, interval, tuple(samples), UNIT)
            )
    return measurements, [Omission(reason, count) for reason, count in omitted.items()]


def _why_without_commit(machine: Fingerprint) -> str:
    """Why a run has no commit: a repository may have none yet, or git may not have told it."""
    # older runs do not hold the reason, but that a work tree was looked at shows its repository
    if machine.dirty is not None or machine.commit_unknown == NO_COMMIT_YET:
        return "runs from before the first commit of their repository"
    if machine.commit_unknown is not None:
        return f"runs in a repository whose commit git did not tell ({machine.commit_unknown})"
    return "runs that were started in no git repository"


def _key(run: Run, query: str, engine: EngineRecord) -> Key:
    machine = run.header.fingerprint
    timed = f"{run.header.dataset_uri}\n{run.header.query_sha256.get(query)}"
    versions = [f"{name} {number}" for name, number in sorted(engine.versions.items())]
    options = [f"{name}={value}" for name, value in sorted(engine.options.items())]
    factor = run.header.scale_factor
    size = "" if factor is None else f", scale factor {factor:g}"
    return Key(
        benchmark=run.header.workload + size,
        engine=engine.name,
        query=query,
        machine=", ".join(
            (
                machine.cpu or "unknown processor",
                f"{machine.cores} core{'' if machine.cores == 1 else 's'}",
                f"{machine.memory_bytes / 2**30:,.1f} GiB",
            )
        ),
        environment=", ".join((machine.python, *versions, *options)),
        definition=hashlib.sha256(timed.encode()).hexdigest()[:8],
    )
