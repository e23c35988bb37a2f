"""The broker that several processes share, and what keeps it."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks import sharing
from neuralake.broker.server import QUICK_OPTIONS, Broker


@contextmanager
def shared_broker(directory: Path) -> Iterator[str]:
    """Address of the broker of a directory, for the block; it is started if there is none.

    Raises
    ------
    SharingError
        If it does not start.
    """
    with sharing.shared(directory, sharing.Kind("benchmarks.kafka", _is_listening)) as facts:
        yield facts["address"]


def keep(directory: Path) -> int:
    """Run a broker, in a process of its own, until nobody uses it any more."""
    return sharing.keep(directory, _serving)


@contextmanager
def _serving() -> Iterator[Mapping[str, Any]]:
    with Broker(java_options=QUICK_OPTIONS) as broker:
        yield {"address": broker.address}


def _is_listening(facts: Mapping[str, Any]) -> bool:
    host, _, port = facts["address"].rpartition(":")
    try:
        with socket.create_connection((host, int(port)), 1):
            return True
    except OSError:
        return False
