"""Go on with a run that was interrupted, if nothing that matters has changed meanwhile."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from neuralake.engines.registry import EngineSpec
from neuralake.errors import ResultsError
from neuralake.queries.query import Query
from neuralake.results.journal import read_journal, remove_torn_line
from neuralake.results.records import (
    EngineRecord,
    EngineRequest,
    Fingerprint,
    Header,
    Run,
    Sample,
    Verification,
)
from neuralake.results.store import DOCUMENT, JOURNAL
from neuralake.workloads.plan import Plan


@dataclass(frozen=True)
class Past:
    """What a journal tells of an engine from before the run was resumed.

    Attributes
    ----------
    samples
        Of this engine, in order.
    verifications
        Of its answers.
    record
        The engine as it ran, or None if it never did.
    """

    samples: Sequence[Sample] = ()
    verifications: Sequence[Verification] = ()
    record: EngineRecord | None = None

    @classmethod
    def of(cls, run: Run, engine: str) -> Past:
        """The past of an engine in a run."""
        return cls(
            samples=[sample for sample in run.samples if sample.engine == engine],
            verifications=[v for v in run.verifications if v.engine == engine],
            record=next((e for e in run.engines if e.name == engine), None),
        )


def interrupted_run(directory: Path) -> Run:
    """The run in a directory, as far as it came.

    Raises
    ------
    ResultsError
        If it came to its end, or there is none.
    """
    run = read_journal(directory / JOURNAL)
    if run.finished_at is not None:
        raise ResultsError(f"run {run.header.id} is finished: there is nothing to resume")
    return run


def requested_engines(header: Header) -> tuple[EngineSpec, ...]:
    """The engines of a run, with the options that it was started with."""
    return tuple(EngineSpec(request.name, dict(request.options)) for request in header.engines)


def engine_requests(plan: Plan) -> tuple[EngineRequest, ...]:
    """The engines of a plan, as the header of its run names them."""
    return tuple(EngineRequest(spec.name, spec.options) for spec in plan.engines)


def query_digests(queries: tuple[Query, ...]) -> dict[str, str]:
    """Digest of each query's text with its parameters."""
    return {query.name: sha256(query.sql().encode()).hexdigest() for query in queries}


def require_unchanged(header: Header, plan: Plan, now: Fingerprint) -> None:
    """Refuse to mix samples of different things into one run.

    Settings in effect and runtimes are compared again when each engine has started.

    Raises
    ------
    ResultsError
        If the dataset, a query, an engine, the machine or the software is not what it was; the
        message names the first difference.
    """
    for what, before, after in _facts(header, plan, now):
        if before != after:
            raise ResultsError(
                f"run {header.id} cannot be resumed: {what} was {before}, and is {after}: "
                "start a new run"
            )


def reopen(directory: Path) -> None:
    """Make a run's directory ready to be appended to."""
    remove_torn_line(directory / JOURNAL)
    (directory / DOCUMENT).unlink(missing_ok=True)  # of the run as it was interrupted
    for left in (directory / "answers").glob(".*"):
        left.unlink(missing_ok=True)  # in the making when the run was killed


def _flat(facts: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested facts by the path to each: ``tables.orders.version``."""
    flat: dict[str, Any] = {}
    for name, value in facts.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{prefix}{name}.")
        else:
            flat[f"{prefix}{name}"] = value
    return flat


def _facts(header: Header, plan: Plan, now: Fingerprint) -> Iterator[tuple[str, object, object]]:
    """What must be the same: its name, what it was, and what it is."""
    then, dataset = header.fingerprint, plan.workload.dataset
    before, after = _flat(header.dataset), _flat(dataset)
    for fact in sorted({*before, *after}):
        yield f"{fact} of the dataset", before.get(fact), after.get(fact)
    digests = query_digests(plan.queries)
    yield "the list of queries", list(header.queries), list(digests)
    for query, digest in digests.items():
        yield f"the text of {query} (sha256)", header.query_sha256.get(query), digest
    for package in sorted({*then.packages, *now.packages}):
        yield f"package {package}", then.packages.get(package), now.packages.get(package)
    yield "Neuralake", then.neuralake, now.neuralake
    yield "Python", then.python, now.python
    yield "the processor", then.cpu, now.cpu
    yield "the number of cores", then.cores, now.cores
    yield "the quota of CPU time", then.cpu_quota, now.cpu_quota
    yield "the limit on memory", then.memory_limit_bytes, now.memory_limit_bytes
    if then.environment is not None:  # a run from before they were recorded
        variables = now.environment or {}
        for name in sorted({*then.environment, *variables}):
            yield f"the variable {name}", then.environment.get(name), variables.get(name)
