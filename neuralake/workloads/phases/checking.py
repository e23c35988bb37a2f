"""Every answer of a phase, against another engine's at the very versions that it was read at.

This is done when nothing is measured any more. A query of a stream sees whatever has been committed
when it begins; Delta's versions tell what that was, and can be read again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from neuralake.catalog.tables import DeltaTable
from neuralake.engines.registry import EngineSpec
from neuralake.measure.worker import Worker
from neuralake.queries.answers import Mismatch, compare
from neuralake.queries.query import Query
from neuralake.results.phases.records import AnswerCheck
from neuralake.results.phases.samples import TaskSample
from neuralake.workloads.executor import open_answer
from neuralake.workloads.failures import FAILURES, SETUP_TIMEOUT_S
from neuralake.workloads.phases.executor import ANSWERS
from neuralake.workloads.phases.model import PhasePlan, RunQuery
from neuralake.workloads.phases.reference import TARGET
from neuralake.workloads.rounds import round_worker

_LONGEST_ANSWER_S = 3600.0


@dataclass(frozen=True)
class Reference:
    """An engine that answers again.

    Attributes
    ----------
    name
        Its name.
    worker
        Its process, in which it is started.
    scratch
        Directory of its answers, which are gone once they have been compared.
    """

    name: str
    worker: Worker
    scratch: Path

    def answer(self, tables: Mapping[str, DeltaTable], sql: str) -> Path:
        """The file of its answer over tables at their versions.

        Raises
        ------
        RemoteError, WorkerDiedError, WorkerTimeoutError
            If it gives none.
        """
        path = self.scratch / "reference.arrow"
        self.worker.call("answer", tables, sql, path, timeout_s=_LONGEST_ANSWER_S)
        return path


@contextmanager
def reference(spec: EngineSpec, log: Path, scratch: Path) -> Iterator[Reference]:
    """A started engine for the block.

    Parameters
    ----------
    spec
        The engine.
    log
        What it prints.
    scratch
        Directory for its answers; made if absent.
    """
    scratch.mkdir(parents=True, exist_ok=True)
    with round_worker(TARGET, log) as worker:
        worker.call("start", spec, timeout_s=SETUP_TIMEOUT_S)
        yield Reference(spec.name, worker, scratch)


def check_answers(
    samples: Iterable[TaskSample],
    plan: PhasePlan,
    tables: Mapping[str, DeltaTable],
    queries: Mapping[str, Query],
    by: Reference,
    directory: Path,
) -> Iterator[AnswerCheck]:
    """Judge the answers that a phase has kept, each as soon as the last one is judged.

    Parameters
    ----------
    samples
        Of the phase; those without an answer are passed over.
    plan
        The phase.
    tables
        As they were given to it, so that they can be read at the versions that were read.
    queries
        By the name of the task: their ORDER BY, LIMIT and tolerances say what is the same.
    by
        The other engine.
    directory
        Of the run.
    """
    sessions = {session.name: session for session in plan.sessions}
    for sample in samples:
        if sample.answer is None:
            continue
        action = sessions[sample.session].tasks[sample.position].action
        if not isinstance(action, RunQuery):
            continue
        at = {
            name: replace(tables[name], version=v, at=None) for name, v in sample.versions.items()
        }
        check = AnswerCheck(sample.session, sample.position, sample.task, "verified")
        check = replace(check, against=f"{by.name} at the same versions")
        try:
            expected = by.answer(at, action.sql)
        except FAILURES as failure:
            detail = f"{by.name} gives no answer: {failure}"
            yield replace(check, verdict="unverified", against=None, detail=detail)
            continue
        mismatch = same(directory / ANSWERS / sample.answer, expected, queries[sample.task])
        if mismatch is not None:
            check = replace(check, verdict="wrong", detail=str(mismatch))
        yield check


def same(answer: Path, expected: Path, query: Query) -> Mismatch | None:
    """Compare two kept answers."""
    return compare(open_answer(answer), open_answer(expected), query)
