"""Where the answers of a run are kept."""

from __future__ import annotations

from pathlib import Path


def answer_path(directory: Path, engine: str, query: str) -> Path:
    """Where the first answer of an engine to a query is kept."""
    return directory / "answers" / f"{engine}-{query}.arrow"


def later_answer_path(directory: Path, engine: str, query: str, phase: str, round: int) -> Path:
    """Where an answer that differs from the first one is kept."""
    return answer_path(directory, engine, query).with_suffix(f".{phase}{round}.arrow")
