"""Go on with a run that was interrupted, if nothing that matters has changed meanwhile."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from neuralake.engines.registry import EngineSpec
from neuralake.queries.query import Query
from neuralake.results.kinds import RUN_OF_QUERIES
from neuralake.results.records import (
    EngineRecord,
    EngineRequest,
    Header,
    Run,
    Sample,
    Verification,
)
from neuralake.workloads import recording
from neuralake.workloads.plan import Plan
from neuralake.workloads.recording import Facts


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
    """The run of queries in a directory, as far as it came."""
    return recording.interrupted_run(RUN_OF_QUERIES, directory)


def requested_engines(header: Header) -> tuple[EngineSpec, ...]:
    """The engines of a run, with the options that it was started with."""
    return tuple(EngineSpec(request.name, dict(request.options)) for request in header.engines)


def engine_requests(plan: Plan) -> tuple[EngineRequest, ...]:
    """The engines of a plan, as the header of its run names them."""
    return tuple(EngineRequest(spec.name, spec.options) for spec in plan.engines)


def query_digests(queries: tuple[Query, ...]) -> dict[str, str]:
    """Digest of each query's text with its parameters."""
    return {query.name: sha256(query.sql().encode()).hexdigest() for query in queries}


def facts(plan: Plan, run: Run) -> Facts:
    """What of dataset and queries must be the same when a run goes on.

    Settings in effect and runtimes are compared when each engine has started.
    """
    header = run.header
    before, after = _flat(header.dataset), _flat(plan.workload.dataset)
    for fact in sorted({*before, *after}):
        yield f"{fact} of the dataset", before.get(fact), after.get(fact)
    digests = query_digests(plan.queries)
    yield "the list of queries", list(header.queries), list(digests)
    for query, digest in digests.items():
        yield f"the text of {query} (sha256)", header.query_sha256.get(query), digest


def remove_unfinished_answers(directory: Path) -> None:
    """Remove what was in the making when a run was killed."""
    for left in (directory / "answers").glob(".*"):
        left.unlink(missing_ok=True)


def _flat(facts: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested facts by the path to each: ``tables.orders.version``."""
    flat: dict[str, Any] = {}
    for name, value in facts.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{prefix}{name}.")
        else:
            flat[f"{prefix}{name}"] = value
    return flat
