"""One S3 server for several processes, which are usually those of a test run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks import sharing
from benchmarks.s3.server import Server, ServerError, is_listening, serving


@contextmanager
def shared(directory: Path) -> Iterator[Server]:
    """The server of a directory, for the block; it is started if there is none.

    Raises
    ------
    ServerError
        If it does not start.
    """
    kind = sharing.Kind("benchmarks.s3", lambda facts: is_listening(Server(**facts)))
    try:
        with sharing.shared(directory, kind) as facts:
            yield Server(**facts)
    except sharing.SharingError as error:
        raise ServerError(str(error)) from error


def keep(directory: Path) -> int:
    """Run a server, in a process of its own, until nobody uses it any more."""
    return sharing.keep(directory, _serving)


@contextmanager
def _serving() -> Iterator[Mapping[str, Any]]:
    with serving() as server:
        yield asdict(server)
