"""What is right: answers on which two engines agree, kept beside the dataset.

An answer is made once, by the first environment that needs it, from DataFusion and Polars; at a
scale factor that has official answers it must agree with those too. Its file is named after
dataset and SQL text, so that a commit that asks another question gets an answer of its own. The
rule of comparison is Neuralake's own: equal values up to its tolerance, ORDER BY included.

    python -P -m asv.answers DATASET DIRECTORY
"""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import pyarrow as pa

    from neuralake.queries.query import Query
    from neuralake.queries.workload import Workload

AUTHORITIES: Final = ("datafusion", "polars")


class WrongAnswerError(Exception):
    """An answer differs from the reference: it has no time."""


class Judge:
    """Compares answers with those in a directory."""

    def __init__(self, directory: Path, workload: Workload) -> None:
        self._directory = directory
        self._dataset = str(workload.dataset["sha256"])
        self._known: dict[str, pa.Table] = {}

    def path(self, query: Query) -> Path:
        """File of the right answer to a query."""
        key = hashlib.sha256(f"{self._dataset}\n{query.sql()}".encode()).hexdigest()
        return self._directory / f"{query.name}-{key[:16]}.arrow"

    def check(self, query: Query, table: pa.Table) -> None:
        """Raise ``WrongAnswerError``, saying the first difference, if the answer is not right."""
        from pyarrow import ipc

        if query.name not in self._known:
            with ipc.open_file(self.path(query)) as reader:
                self._known[query.name] = reader.read_all()
        _compare(query, table, self._known[query.name])

    def keep(self, query: Query, table: pa.Table) -> None:
        """Write a right answer: whole, or not at all."""
        from pyarrow import ipc

        path = self.path(query)
        unfinished = path.with_suffix(f".{os.getpid()}")
        with ipc.new_file(unfinished, table.schema) as writer:
            writer.write_table(table)
        unfinished.replace(path)


def make_answers(dataset: str, directory: Path) -> None:
    """Make the answers that are missing.

    Parameters
    ----------
    dataset
        Path of the dataset.
    directory
        Where answers are kept.

    Raises
    ------
    WrongAnswerError
        If the two engines disagree, or both contradict the official answer.
    """
    from neuralake.config import Settings
    from neuralake.engines.registry import EngineSpec, start
    from neuralake.tpch.dataset import open_workload

    workload = open_workload(dataset, Settings.from_environ(os.environ))
    judge = Judge(directory, workload)
    missing = [query for query in workload.queries if not judge.path(query).exists()]
    if not missing:
        return
    engines = [start(EngineSpec(name)) for name in AUTHORITIES]
    first, second = (engine.open(workload.tables) for engine in engines)
    for query in missing:
        table = first.execute(query.sql())
        _compare(query, second.execute(query.sql()), table)
        _compare_with_official(workload, query, table)
        judge.keep(query, table)


def _compare(query: Query, table: pa.Table, expected: pa.Table) -> None:
    from neuralake.queries.answers import Answer, compare

    mismatch = compare(Answer.of(table), Answer.of(expected), query)
    if mismatch is not None:
        raise WrongAnswerError(f"{query.name}: {mismatch}")


def _compare_with_official(workload: Workload, query: Query, table: pa.Table) -> None:
    from neuralake.queries.answers import Answer, compare

    official = workload.reference(query, table)
    mismatch = official and compare(Answer.of(table), official, query)
    if mismatch:
        raise WrongAnswerError(f"{query.name} is not the official answer: {mismatch}")


if __name__ == "__main__":
    make_answers(sys.argv[1], Path(sys.argv[2]))
