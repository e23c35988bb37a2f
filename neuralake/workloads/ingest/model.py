"""What a commit of each batch looks like on the disk: the bytes of its two files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from neuralake.workloads.ingest.batches import SCHEMA, Batches
from neuralake.writer.append import Writer


@dataclass(frozen=True)
class Commit:
    """The files of one commit.

    Attributes
    ----------
    data, entry
        Contents of the data file and of the log entry.
    """

    data: bytes
    entry: bytes


def commits_like_ours(batches: Batches, scratch: Path) -> tuple[Commit, ...]:
    """One commit of each template, as Neuralake's writer makes it in a table of its own.

    Parameters
    ----------
    batches
        What is written.
    scratch
        An empty directory; the table stays in it.
    """
    from deltalake import DeltaTable

    table = scratch / "table"
    DeltaTable.create(str(table), SCHEMA)
    commits = []
    known: set[Path] = set()
    with Writer(str(table)) as writer:
        for number in range(len(batches.templates)):
            commit = writer.append(batches.batch(number))
            (data,) = set(table.glob("*.parquet")) - known
            known.add(data)
            entry = table / "_delta_log" / f"{commit.version:020d}.json"
            commits.append(Commit(data.read_bytes(), entry.read_bytes()))
    return tuple(commits)
