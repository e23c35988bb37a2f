"""Where the tables of a run lay, in words."""

from __future__ import annotations

from collections.abc import Iterator

from neuralake.report.facts import Fact
from neuralake.report.numbers import NONE, milliseconds
from neuralake.results.records import StorageFacts


def storage_in_words(storage: StorageFacts) -> str:
    """Where the tables lay, and what a sync cost there."""
    if storage.filesystem is None:
        return storage.endpoint or storage.uri
    sync = "" if storage.sync_ns is None else f", fsync of 4 KiB {milliseconds(storage.sync_ns)} ms"
    return f"{storage.filesystem} on {storage.device}{sync}"


def storage_facts(storage: StorageFacts) -> Iterator[Fact]:
    """The same as labelled facts."""
    yield Fact("location", storage.uri)
    if storage.endpoint is not None:
        yield Fact("endpoint", storage.endpoint)
    if storage.filesystem is None:
        return
    yield Fact("file system", storage.filesystem)
    yield Fact("device", storage.device or NONE)
    yield Fact("mount options", storage.mount_options or NONE)
    turns = {True: "yes", False: "no", None: NONE}[storage.is_rotational]
    yield Fact("rotational, as the kernel believes", turns)
    if storage.sync_ns is not None:
        cost = f"{milliseconds(storage.sync_ns)} ms"
        yield Fact("write and fsync of 4 KiB, median of 64", cost, compared=False)
