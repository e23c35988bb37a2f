"""What a table is at a version, but for its files: all that a blind append must know.

It is loaded once and then follows the log, entry by entry, so that a commit costs the same however
many versions and files the table has.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from neuralake.delta.actions import (
    Action,
    DomainMetadata,
    Metadata,
    Protocol,
    Transaction,
)
from neuralake.delta.checkpoint import TABLE, read_checkpoint
from neuralake.delta.columns import mapping_mode
from neuralake.delta.log import (
    Entry,
    NotATableError,
    find_entry,
    find_segment,
    mark_of,
    required_entry,
)
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
    mark
        That of this version's entry, by which it is told from that of another table at the same
        place; None where it was not read.
    """

    version: int
    protocol: Protocol
    metadata: Metadata
    transactions: Mapping[str, Transaction] = field(default_factory=dict)
    domains: Mapping[str, DomainMetadata] = field(default_factory=dict)
    in_commit_timestamp_ms: int | None = None
    mark: bytes | None = None

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
        return mapping_mode(self.configuration)

    def is_set(self, name: str, *, default: bool = False) -> bool:
        """Whether a property of the table is ``true``."""
        return self.configuration.get(name, str(default)).lower() == "true"

    def after(self, entry: Entry) -> TableState:
        """The state with the actions of the next entry."""
        return replace(self.holding(entry.actions).told_by(entry), version=entry.version)

    def told_by(self, entry: Entry) -> TableState:
        """The state with what its own entry says of its commit, which no checkpoint has."""
        return replace(self, in_commit_timestamp_ms=in_commit_ms(entry.actions), mark=entry.mark)

    def holding(self, actions: Sequence[Action]) -> TableState:
        """The state with what some actions say of the table."""
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
            protocol=protocol,
            metadata=metadata,
            transactions={**self.transactions, **transactions}
            if transactions
            else self.transactions,
            domains={**self.domains, **domains} if domains else self.domains,
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
        if not segment.entries and (entry := find_entry(store, state.version)) is not None:
            state = state.told_by(entry)
    for number in segment.entries:
        entry = required_entry(store, number)
        if state is None:
            state = begin(number, entry.actions, store).told_by(entry)
        else:
            state = state.after(entry)
    assert state is not None  # noqa: S101 - a segment has a checkpoint or an entry
    return state


def follow(store: Store, state: TableState) -> TableState:
    """The newest state, from an earlier one: only entries that were made since are read.

    Raises
    ------
    NotATableError
        If they were cleaned up meanwhile, and the table begins anew after them.
    """
    while (entry := find_entry(store, state.version + 1)) is not None:
        state = state.after(entry)
    return state


def is_newest_there(store: Store, state: TableState) -> bool:
    """Whether the entry of a state's version is there still, and is the one that it was.

    It is not in a table that was removed and made anew, however many entries that has by now.

    Raises
    ------
    OSError
        If it cannot be read.
    """
    found = mark_of(store, state.version)
    return found is not None and state.mark in (None, found)


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
    return TableState(version, protocol, metadata).holding(actions)
