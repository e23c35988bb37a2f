"""Who is right: answers against the known ones, or engines against one another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from neuralake.errors import QueryError
from neuralake.queries.answers import Answer, Mismatch, compare
from neuralake.queries.query import Query
from neuralake.queries.workload import Workload
from neuralake.results.records import Verdict, Verification
from neuralake.workloads.executor import read_answer

OFFICIAL = "official answer"
_AGREEMENT = "agreement with "


def against_reference(
    workload: Workload, query: Query, engine: str, answer: Path
) -> Verification | None:
    """Compare an engine's answer with the known one; None where none is known."""
    result = read_answer(answer)
    reference = workload.reference(query, result)
    if reference is None:
        return None
    mismatch = _compare(Answer.of(result), reference, query)
    return _verification(engine, query.name, OFFICIAL, mismatch)


def agreement(query: Query, answers: Mapping[str, Path]) -> list[Verification]:
    """Compare the engines' answers with one another.

    The answer that more than half of the engines give is right, and whoever gives another is
    wrong. Without such a majority nobody is known to be right: all are wrong if they differ, and
    a single answer is unverified.

    Parameters
    ----------
    query
        Its ORDER BY and LIMIT decide what counts as the same.
    answers
        File of each engine's answer, by engine.
    """
    parsed = {engine: Answer.of(read_answer(path)) for engine, path in answers.items()}
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
        mismatch = _compare(answer, parsed[opponent], query)
        verdicts.append(_verification(engine, query.name, _agreement([opponent]), mismatch))
    return verdicts


def is_agreement(judged: Verification) -> bool:
    """Whether a verdict came from comparing engines with one another."""
    return judged.verdict == "unverified" or (judged.against or "").startswith(_AGREEMENT)


def same_answer(query: Query, answer: Path, first: Path) -> Mismatch | None:
    """Compare a later answer of an engine with its first one."""
    return _compare(Answer.of(read_answer(answer)), Answer.of(read_answer(first)), query)


def _camps(query: Query, answers: Mapping[str, Answer]) -> list[list[str]]:
    """Engines that agree, the largest camp first."""
    camps: list[list[str]] = []
    for engine, answer in answers.items():
        for camp in camps:
            if _compare(answer, answers[camp[0]], query) is None:
                camp.append(engine)
                break
        else:
            camps.append([engine])
    return sorted(camps, key=len, reverse=True)


def _compare(answer: Answer, expected: Answer, query: Query) -> Mismatch | None:
    """Compare; an answer that cannot be checked is no right answer, and no end of the run."""
    try:
        return compare(answer, expected, query)
    except QueryError as error:
        return Mismatch(str(error))


def _agreement(engines: Sequence[str]) -> str:
    return f"{_AGREEMENT}{', '.join(engines)}"


def _verification(engine: str, query: str, against: str, mismatch: Mismatch | None) -> Verification:
    verdict: Verdict = "verified" if mismatch is None else "wrong"
    return Verification(engine, query, verdict, against, str(mismatch) if mismatch else None)
