"""Where tables and files lie, as Hadoop is told it."""

from __future__ import annotations

from neuralake.config import is_remote


def hadoop_uri(path: str) -> str:
    """A URI as it is, or a path that no Hadoop configuration moves to another file system."""
    return path if path.startswith("file:") or is_remote(path) else f"file://{path}"


def escape_glob(uri: str) -> str:
    """A name as it is, where Hadoop would see a pattern."""
    return "".join(f"\\{c}" if c in "{}[]*?\\" else c for c in uri)
