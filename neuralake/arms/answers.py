"""Whether the answers of both arms are right: an arm that is wrong is never faster."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from neuralake.queries.answers import require_columns
from neuralake.queries.query import Query
from neuralake.queries.workload import Workload
from neuralake.results.comparison import SIDES, Side
from neuralake.results.records import Verification
from neuralake.workloads import verification
from neuralake.workloads.answers import answer_file
from neuralake.workloads.executor import open_answer

AGREEMENT = "agreement of both arms and of the engines"


class Answers:
    """The first answer of each arm to each query, kept as files.

    Parameters
    ----------
    directory
        Where they are kept.
    workload
        Whose known answers are right; None if none are known.
    """

    def __init__(self, directory: Path, workload: Workload | None) -> None:
        self._directory = directory
        self._workload = workload
        self._official: set[str] = set()
        directory.mkdir(parents=True, exist_ok=True)

    @property
    def against(self) -> str:
        """What the answers were compared with."""
        return verification.OFFICIAL if self._official else AGREEMENT

    def path(self, engine: str, side: Side, query: str) -> Path:
        """File of the first answer."""
        return self._directory / side / answer_file(engine, query)

    def later_path(self, engine: str, side: Side, query: str) -> Path:
        """File of an answer that differs from the first."""
        return self.path(engine, side, query).with_suffix(".later.arrow")

    def fault(self, engine: str, query: Query) -> str | None:
        """Why the first answers of an engine to a query are not right, or None.

        They are compared with the known answer, and where none is known with one another.

        Raises
        ------
        QueryError
            If the query's header names a column that they have not.
        """
        for side in SIDES:
            require_columns(query, open_answer(self.path(engine, side, query.name)).columns)
        labels = {f"{engine} ({side})": self.path(engine, side, query.name) for side in SIDES}
        if self._workload is not None:
            known = [
                verification.against_reference(self._workload, query, label, path)
                for label, path in labels.items()
            ]
            judged = [verdict for verdict in known if verdict is not None]
            if judged:
                self._official.add(query.name)
                return _first_fault(judged)
        return _first_fault(verification.agreement(query, labels))

    def change(self, engine: str, side: Side, query: Query) -> str | None:
        """Why a later answer differs from the first one, or None if it does not matter."""
        later, first = (f(engine, side, query.name) for f in (self.later_path, self.path))
        mismatch = verification.same_answer(query, later, first)
        return None if mismatch is None else f"{side} changed its answer: {mismatch}"

    def disagreement(self, engines: Sequence[str], query: Query) -> dict[str, str]:
        """Engines whose answers differ from the others', with the reason.

        Parameters
        ----------
        engines
            Those whose arms agree with one another.
        query
            One without a known answer.
        """
        if query.name in self._official or len(engines) < 2:
            return {}
        answers = {engine: self.path(engine, "base", query.name) for engine in engines}
        return {
            verdict.engine: f"differs from {verdict.against}: {verdict.detail}"
            for verdict in verification.agreement(query, answers)
            if verdict.verdict == "wrong"
        }


def _first_fault(verdicts: list[Verification]) -> str | None:
    for verdict in verdicts:
        if verdict.verdict == "wrong":
            return f"{verdict.engine} differs from {verdict.against}: {verdict.detail}"
    return None
