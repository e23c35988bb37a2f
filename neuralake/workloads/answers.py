"""Where the answers of a run are kept, whatever engine and query are called.

A query is named after its file, and that may be called anything: names of files are safe and
unambiguous.
"""

from __future__ import annotations

from pathlib import Path

from neuralake.results.names import file_stem


def answer_path(directory: Path, engine: str, query: str) -> Path:
    """Where the first answer of an engine to a query is kept."""
    return directory / "answers" / answer_file(engine, query)


def later_answer_path(directory: Path, engine: str, query: str, phase: str, round: int) -> Path:
    """Where an answer that differs from the first one is kept."""
    return answer_path(directory, engine, query).with_suffix(f".{phase}{round}.arrow")


def answer_file(engine: str, query: str) -> str:
    """Name of the file of an engine's answer to a query, such as ``polars-q01.arrow``."""
    return f"{file_stem(engine, query)}.arrow"
