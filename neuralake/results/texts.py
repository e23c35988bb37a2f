"""The SQL of each query of a run, and each engine's plan for it: files beside the journal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from neuralake.errors import ResultsError
from neuralake.results.names import file_stem, query_stem
from neuralake.results.records import Run

SQL, PLANS = "queries", "plans"


@dataclass(frozen=True)
class Texts:
    """What explains the times of a run.

    Attributes
    ----------
    sql
        By query, with its parameters filled in.
    plans
        By query and engine: the engine's own words, taken when all its times had been.
    """

    sql: Mapping[str, str] = field(default_factory=dict)
    plans: Mapping[tuple[str, str], str] = field(default_factory=dict)


NO_TEXTS = Texts()


def sql_path(directory: Path, query: str) -> Path:
    """Where the SQL of a query is kept in a run's directory."""
    return directory / SQL / f"{query_stem(query)}.sql"


def plan_path(directory: Path, engine: str, query: str) -> Path:
    """Where an engine's plan for a query is kept in a run's directory."""
    return directory / PLANS / f"{file_stem(engine, query)}.txt"


def write_sql(directory: Path, sql: Mapping[str, str]) -> None:
    """Keep the SQL of the queries of a run.

    Raises
    ------
    ResultsError
        If it cannot be written.
    """
    try:
        (directory / SQL).mkdir(exist_ok=True)
        for query, text in sql.items():
            sql_path(directory, query).write_text(text, encoding="utf-8", errors="replace")
    except OSError as error:
        raise ResultsError(f"{directory / SQL} cannot be written: {error.strerror}") from error


def read_texts(run: Run, directory: Path) -> Texts:
    """SQL and plans of a run; those that are not there, as in older runs, are left out."""
    queries = run.header.queries
    engines = [engine.name for engine in run.engines]
    sql = {query: _read(sql_path(directory, query)) for query in queries}
    plans = {(q, e): _read(plan_path(directory, e, q)) for q in queries for e in engines}
    return Texts(
        {query: text for query, text in sql.items() if text is not None},
        {key: text for key, text in plans.items() if text is not None},
    )


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
