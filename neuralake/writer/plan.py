"""What a table asks of whoever writes to it: columns, constraints, and how files are laid out.

It follows from metadata and protocol, and holds until an entry changes those.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace

import pyarrow as pa

from neuralake.delta.features import RefusedFeatureError, check_appendable
from neuralake.delta.state import TableState
from neuralake.writer.conform import conform
from neuralake.writer.constraints import Constraint, constraints_of
from neuralake.writer.encode import EncodedFile, encode
from neuralake.writer.errors import UnsupportedTableError, WriterError
from neuralake.writer.layout import Layout


@dataclass(frozen=True)
class Plan:
    """How rows become files of a table, at one version of it.

    Attributes
    ----------
    state
        The table.
    layout
        Of its files.
    constraints
        That each row is held against.
    """

    state: TableState
    layout: Layout
    constraints: tuple[Constraint, ...]

    @classmethod
    def of(cls, state: TableState) -> Plan:
        """The plan for a table.

        Raises
        ------
        UnsupportedTableError
            If it has a feature, a constraint or a type that the writer does not keep.
        """
        try:
            check_appendable(state)
        except RefusedFeatureError as error:
            raise UnsupportedTableError(str(error)) from error
        layout = Layout.of(state.metadata)
        return cls(state, layout, constraints_of(state.metadata, layout.schema))

    def at(self, state: TableState) -> Plan:
        """The plan at a later version; itself but for the state if nothing has changed.

        Raises
        ------
        WriterError
            If the table was replaced.
        UnsupportedTableError
            If it now has what is not kept.
        """
        if state.metadata.id != self.state.metadata.id:
            raise WriterError(
                f"the table was replaced at version {state.version} or before: open it anew"
            )
        return replace(self, state=state) if self.holds_in(state) else Plan.of(state)

    def holds_in(self, state: TableState) -> bool:
        """Whether files that were made by this plan are right in a state, too."""
        mine = self.state
        return (mine.metadata is state.metadata or mine.metadata == state.metadata) and (
            mine.protocol is state.protocol or mine.protocol == state.protocol
        )

    def conform(self, batch: pa.RecordBatch | pa.Table) -> pa.Table:
        """A batch in the table's columns, its constraints verified.

        Raises
        ------
        BatchError
            If it does not fit.
        """
        rows = conform(batch, self.layout.schema)
        for constraint in self.constraints:
            constraint.check(rows)
        return rows

    def check(self, batch: pa.RecordBatch | pa.Table) -> None:
        """Make sure that a batch could be written, without its files being made.

        Raises
        ------
        BatchError
            If it does not fit, or a partition value cannot be told in a log.
        """
        rows = self.conform(batch)
        if self.layout.partition_columns:
            deque(self.layout.parts(rows), maxlen=0)

    def encode(self, rows: pa.Table) -> list[EncodedFile]:
        """The files of some rows, one a partition; none of none.

        Raises
        ------
        BatchError
            If a partition value cannot be told in a log.
        """
        if not rows.num_rows:
            return []
        return [
            encode(part, directory, values, self.layout)
            for values, directory, part in self.layout.parts(rows)
        ]
