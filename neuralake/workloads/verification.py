"""Who is right: answers against the known ones, or engines against one another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from neuralake.queries.answers import Answer, Mismatch, compare, order_fault
from neuralake.queries.query import Query
from neuralake.queries.workload import Workload
from neuralake.results.records import Verdict, Verification
from neuralake.workloads.executor import open_answer

OFFICIAL = "official answer"
_AGREEMENT = "agreement with "
_PROMISE = "its own ORDER BY"


def against_reference(
    workload: Workload, query: Query, engine: str, answer: Path
) -> Verification | None:
    """Compare an engine's answer with the known one; None where none is known."""
    result = open_answer(answer)
    reference = workload.reference(query, result.schema.empty_table())
    if reference is None:
        return None
    mismatch = compare(result, reference, query)
    return _verification(engine, query.name, OFFICIAL, mismatch)


def agreement(query: Query, answers: Mapping[str, Path]) -> list[Verification]:
    """Compare the engines' answers with one another.

    The answer that more than half of the engines give is right, and whoever gives another is
    wrong. Without such a majority nobody is known to be right: all are wrong if they differ, and
    a single answer is unverified. An answer that breaks the query's ORDER BY is wrong by itself.

    Parameters
    ----------
    query
        Its ORDER BY and LIMIT decide what counts as the same.
    answers
        File of each engine's answer, by engine.
    """
    parsed = {engine: open_answer(path) for engine, path in answers.items()}
    verdicts = []
    for engine, answer in list(parsed.items()):
        fault = order_fault(answer, query, parsed.values())
        if fault is not None:
            verdicts.append(_verification(engine, query.name, _PROMISE, fault))
            del parsed[engine]
    return verdicts + _agreement_of(query, parsed)


def _agreement_of(query: Query, parsed: Mapping[str, Answer]) -> list[Verification]:
    """Compare answers that are in order with one another."""
    if len(parsed) == 1:
        return [Verification(next(iter(parsed)), query.name, "unverified", None, None)]
    camps = _camps(query, parsed)
    majority = next((camp for camp in camps if 2 * len(camp) > len(parsed)), None)
    verdicts = []
    for engine, answer in parsed.items():
        if majority is not None and engine in majority:
            others = [name for name in majority if name != engine]
            verdicts.append(_verification(engine, query.name, _agreement(others), None))
            continue
        opponent = next(name for name in (majority or parsed) if name != engine)
        if majority is None:
            opponent = next(n for camp in camps if engine not in camp for n in camp)
        mismatch = compare(answer, parsed[opponent], query)
        verdicts.append(_verification(engine, query.name, _agreement([opponent]), mismatch))
    return verdicts


def is_agreement(judged: Verification) -> bool:
    """Whether a verdict came from comparing engines with one another."""
    against = judged.against or ""
    return judged.verdict == "unverified" or against == _PROMISE or against.startswith(_AGREEMENT)


def same_answer(query: Query, answer: Path, first: Path) -> Mismatch | None:
    """Compare a later answer of an engine with its first one."""
    return compare(open_answer(answer), open_answer(first), query)


def _camps(query: Query, answers: Mapping[str, Answer]) -> list[list[str]]:
    """Engines that agree, the largest camp first."""
    camps: list[list[str]] = []
    for engine, answer in answers.items():
        for camp in camps:
            if compare(answer, answers[camp[0]], query) is None:
                camp.append(engine)
                break
        else:
            camps.append([engine])
    return sorted(camps, key=len, reverse=True)


def _agreement(engines: Sequence[str]) -> str:
    return f"{_AGREEMENT}{', '.join(engines)}"


def _verification(engine: str, query: str, against: str, mismatch: Mismatch | None) -> Verification:
    verdict: Verdict = "verified" if mismatch is None else "wrong"
    return Verification(engine, query, verdict, against, str(mismatch) if mismatch else None)
