"""What an append reports."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Steps:
    """Where the time of an append went, each in nanoseconds.

    Attributes
    ----------
    conform_ns
        Bringing the batch into the table's columns and types, and verifying its constraints.
    wait_ns
        For the commit under way to end, and for the others of the group.
    encode_ns
        Parquet and statistics.
    write_ns
        Data files, durable. On a disk the log's entry is written and synced beside them.
    commit_ns
        The log's entry, under its name and durable; lost races included.
    """

    conform_ns: int
    wait_ns: int
    encode_ns: int
    write_ns: int
    commit_ns: int

    @property
    def total_ns(self) -> int:
        """From the call to its return, but for what lies between the steps."""
        return self.conform_ns + self.wait_ns + self.encode_ns + self.write_ns + self.commit_ns


@dataclass(frozen=True)
class Commit:
    """An append that is durable.

    Attributes
    ----------
    version
        Of the table, from which on the rows are in it. Of a batch that was written before, the
        newest known.
    rows
        Of the batch.
    size_bytes
        Of the data files of the commit.
    is_repeated
        Whether the batch's sequence had been written before, so that nothing was.
    appends
        Batches that share the commit.
    attempts
        Entries that were tried: one if no race was lost.
    steps
        Where the time went.
    """

    version: int
    rows: int
    size_bytes: int
    is_repeated: bool
    appends: int
    attempts: int
    steps: Steps
