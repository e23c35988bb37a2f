"""What a table is at a version, but for its files: all that a blind append must know.

It is loaded once and then follows the log, entry by entry, so that a commit costs the same however
many versions and files the table has.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from neuralake.delta.actions import (
    Action,
    CommitInfo,
    DomainMetadata,
    Metadata,
    Protocol,
    Transaction,
)
from neuralake.delta.checkpoint import TABLE, read_checkpoint
from neuralake.delta.log import NotATableError, find_segment, read_entry
from neuralake.delta.store import Store
from neuralake.delta.times import in_commit_ms


@dataclass(frozen=True)
class TableState:
    """One version of a table.

    Attributes
    ----------
    version
        Its number.
    protocol, metadata
        As they hold at this version.
    transactions
        The last of each application, by its name.
    domains
        Metadata of features, by domain.
    in_commit_timestamp_ms
        That of this version's entry; None where it has none, or it was not read.
    said
        What this version's entry says of its commit (``commitInfo``), by which it is told from that
        of another table at the same place; None where it says nothing, or was not read.
    """

    version: int
    protocol: Protocol
    metadata: Metadata
    transactions: Mapping[str, Transaction] = field(default_factory=dict)
    domains: Mapping[str, DomainMetadata] = field(default_factory=dict)
    in_commit_timestamp_ms: int | None = None
    said: CommitInfo | None = None

    @property
    def configuration(self) -> Mapping[str, str]:
        """Properties of the table."""
        return self.metadata.configuration

    @property
    def features(self) -> frozenset[str]:
        """Features that the protocol lists by name, of readers and writers."""
        protocol = self.protocol
        return frozenset([*(protocol.reader_features or ()), *(protocol.writer_features or ())])

    @property
    def mapping(self) -> str:
        """How columns are found in files: ``none``, ``name`` or ``id``."""
        return self.configuration.get("delta.columnMapping.mode", "none")

    def is_set(self, name: str, *, default: bool = False) -> bool:
        """Whether a property of the table is ``true``."""
        return self.configuration.get(name, str(default)).lower() == "true"

    def after(self, version: int, actions: Sequence[Action]) -> TableState:
        """The state with the actions of the next entry."""
        protocol, metadata = self.protocol, self.metadata
        transactions: dict[str, Transaction] = {}
        domains: dict[str, DomainMetadata] = {}
        for action in actions:
            if action.txn is not None:
                transactions[action.txn.app_id] = action.txn
            elif action.protocol is not None:
                protocol = action.protocol
            elif action.metaData is not None:
                metadata = action.metaData
            elif action.domainMetadata is not None:
                domains[action.domainMetadata.domain] = action.domainMetadata
        return replace(
            self,
            version=version,
            protocol=protocol,
            metadata=metadata,
            transactions={**self.transactions, **transactions}
            if transactions
            else self.transactions,
            domains={**self.domains, **domains} if domains else self.domains,
            in_commit_timestamp_ms=in_commit_ms(actions),
            said=said_in(actions),
        )


def load_state(store: Store, version: int | None = None) -> TableState:
    """The newest state of a table, or that of a version.

    Raises
    ------
    NotATableError
        If there is no Delta log, or not all of it.
    OSError, ValueError
        If it cannot be read.
    """
    segment = find_segment(store, version)
    state = None
    if segment.checkpoint_version is not None:
        state = begin(
            segment.checkpoint_version, tuple(read_checkpoint(store, segment, TABLE)), store
        )
        if not segment.entries and (actions := read_entry(store, state.version)) is not None:
            # A checkpoint does not have its own version's time
            state = state.after(state.version, [a for a in actions if a.commitInfo is not None])
    for number in segment.entries:
        actions = _required(store, number)
        state = begin(number, actions, store) if state is None else state.after(number, actions)
    assert state is not None  # noqa: S101 - a segment has a checkpoint or an entry
    return state


def follow(store: Store, state: TableState) -> TableState:
    """The newest state, from an earlier one: only entries that were made since are read.

    Raises
    ------
    NotATableError
        If they were cleaned up meanwhile, and the table begins anew after them.
    """
    while (actions := read_entry(store, state.version + 1)) is not None:
        state = state.after(state.version + 1, actions)
    return state


def is_newest_there(store: Store, state: TableState) -> bool:
    """Whether the entry of a state's version is there still, and is the one that it was.

    It is not in a table that was removed and made anew, however many entries that has by now.

    Raises
    ------
    OSError, ValueError
        If it cannot be read.
    """
    actions = read_entry(store, state.version)
    return actions is not None and (state.said is None or said_in(actions) == state.said)


def said_in(actions: Sequence[Action]) -> CommitInfo | None:
    """What an entry says of its commit."""
    return next((a.commitInfo for a in actions if a.commitInfo is not None), None)


def begin(version: int, actions: tuple[Action, ...], store: Store) -> TableState:
    """The state that a log begins with: by a checkpoint, or by its first entry.

    Raises
    ------
    NotATableError
        If protocol or metadata is missing.
    """
    protocol = next((a.protocol for a in actions if a.protocol is not None), None)
    metadata = next((a.metaData for a in actions if a.metaData is not None), None)
    if protocol is None or metadata is None:
        missing = "protocol" if protocol is None else "metaData"
        raise NotATableError(f"the log of {store.uri} begins without {missing} at {version}")
    return TableState(version, protocol, metadata).after(version, actions)


def _required(store: Store, version: int) -> tuple[Action, ...]:
    actions = read_entry(store, version)
    if actions is None:
        raise NotATableError(f"the entry of version {version} of {store.uri} was removed meanwhile")
    return actions
