"""The versions of a table after a round: when each was to be seen, and whose records it brought.

An entry of the log is written without a name, synced, and then given its name (linkat(2)): from
then on every reader sees it. The kernel changes the status of the file then, so that its ``ctime``
is the moment, told in ticks of the kernel's clock, and at no cost while the round runs; where the
writer says when the name was durable, it was there by then. Up to where
a version has the records of a producer is in the ``txn`` of its entry, which the writer trusts too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from neuralake.delta.actions import Action
from neuralake.delta.live import LiveFiles
from neuralake.delta.live_file import rows_of
from neuralake.delta.log import decode_entry, entry_path
from neuralake.delta.place import open_store
from neuralake.workloads.places import Target

EndOf = Callable[[str, int], tuple[int, int] | None]


@dataclass(frozen=True)
class CommitSeen:
    """A version of the table.

    Attributes
    ----------
    version
        Its number.
    named_ns
        When its entry got its name, from the start of the round, or up to a tick later.
    is_compaction
        Whether it rearranges what was there.
    added_files, removed_files
        How many.
    records
        That it adds.
    ends
        Up to where it has the records of each producer of whom it has new ones.
    durable_ns
        When its writer knew that it is durable, from the start of the round; None where nobody
        says.
    """

    version: int
    named_ns: int
    is_compaction: bool
    added_files: int
    removed_files: int
    records: int
    ends: tuple[tuple[int, int], ...]
    durable_ns: int | None = None

    @property
    def row(self) -> tuple[object, ...]:
        """Values in the order of ``COMMITS``."""
        return (
            *(self.version, self.named_ns, self.is_compaction),
            *(self.added_files, self.removed_files, self.records, list(self.ends)),
            self.durable_ns,
        )


def commits_of(
    target: Target, zero_ns: int, end_of: EndOf, durable_ns: Mapping[int, int]
) -> list[CommitSeen]:
    """All versions of a table on a local file system.

    Parameters
    ----------
    target
        The table.
    zero_ns
        The wall clock at the start of the round, in nanoseconds since 1970.
    end_of
        Producer of an application and version in ``txn``, and up to where the table has its
        records; None of one that is none of the round's.
    durable_ns
        By version when its writer knew that it is durable, of those of which that is known.

    Raises
    ------
    OSError, ValueError
        If an entry is absent or cannot be read.
    """
    directory = Path(target.uri)
    newest = LiveFiles(open_store(target.uri, target.options)).state.version
    found = []
    for version in range(newest + 1):
        path = directory / entry_path(version)
        actions = decode_entry(version, path.read_bytes())
        named_ns = path.stat().st_ctime_ns - zero_ns
        commit = _commit(version, named_ns, actions, end_of)
        found.append(replace(commit, durable_ns=durable_ns.get(version)))
    return found


def _commit(version: int, named_ns: int, actions: Sequence[Action], end_of: EndOf) -> CommitSeen:
    added = [action.add for action in actions if action.add is not None]
    removed = [action.remove for action in actions if action.remove is not None]
    new = [add for add in added if add.data_change]
    told = (end_of(a.txn.app_id, a.txn.version) for a in actions if a.txn is not None)
    ends = [end for end in told if end is not None]
    return CommitSeen(
        version=version,
        named_ns=named_ns,
        is_compaction=bool(removed) and not new,
        added_files=len(added),
        removed_files=len(removed),
        records=sum(rows_of(add.stats) or 0 for add in new),
        ends=tuple(ends),
    )
