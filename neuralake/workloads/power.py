"""The power workload: each engine alone, every query once and then N times more.

Engines run one after another, each in a worker of its own, so that the one being measured has the
machine to itself. Round 0 is the first run of every query, in order; rounds 1 … N are hot runs,
again all queries in order, so that a disturbance of seconds meets one run of several queries and
not all runs of one. Cold runs come last, each in a new process.
"""

from __future__ import annotations

from pathlib import Path

from neuralake.queries.query import Query
from neuralake.results.journal import JournalWriter, read_journal
from neuralake.results.records import EngineRecord, Run
from neuralake.results.store import JOURNAL
from neuralake.workloads import verification
from neuralake.workloads.answers import answer_path
from neuralake.workloads.engine_run import EngineRun
from neuralake.workloads.plan import Observer, Plan
from neuralake.workloads.recording import Roster
from neuralake.workloads.resume import Past


def run_power(
    plan: Plan,
    directory: Path,
    journal: JournalWriter,
    observer: Observer,
    past: Run | None = None,
) -> None:
    """Measure everything in a plan; each record is in the journal before the next is made.

    Parameters
    ----------
    plan
        What to measure.
    directory
        Of the run: answers are kept there, and logs in its own directory.
    journal
        Whose header is already written.
    observer
        Is told of each step.
    past
        The run so far, where it is resumed: what it holds is not measured again.
    """
    roster = Roster(journal, past.engines if past else ())
    for spec, reason in plan.unavailable:
        roster.enter(EngineRecord(spec.name, spec.options, unavailable=reason))
    (directory / "answers").mkdir(exist_ok=True)
    for spec in plan.engines:
        known_before = Past() if past is None else Past.of(past, spec.name)
        EngineRun(plan, spec, directory, journal, observer, known_before).run()
    _verify_agreement(plan, directory, journal, observer)


def _verify_agreement(
    plan: Plan, directory: Path, journal: JournalWriter, observer: Observer
) -> None:
    """Judge the answers for which nothing is known but what the engines gave."""
    run = read_journal(directory / JOURNAL)
    verdicts = {(v.engine, v.query): v for v in run.verifications}

    def takes_part(engine: str, query: Query) -> bool:
        verdict = verdicts.get((engine, query.name))
        return verdict is None or verification.is_agreement(verdict)

    for query in plan.queries:
        answers = {
            spec.name: answer_path(directory, spec.name, query.name)
            for spec in plan.engines
            if takes_part(spec.name, query)
        }
        if all((engine, query.name) in verdicts for engine in answers):
            continue  # all of them were judged before the run was resumed
        for result in verification.agreement(query, answers):
            if (result.engine, query.name) not in verdicts:
                journal.append(result)
                observer.verified(result)
