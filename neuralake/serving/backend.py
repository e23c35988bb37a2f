"""What answers behind the routes: our own service, or ROAPI under ours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import pyarrow as pa

from neuralake.catalog.tables import Table
from neuralake.serving.answers import Answer, AsOf, Limits
from neuralake.serving.options import ServiceOptions
from neuralake.serving.service import TableState
from neuralake.serving.turns import Turns


class Backend(Protocol):
    """As of :class:`~neuralake.serving.service.Service`, where each call is told of."""

    @property
    def options(self) -> ServiceOptions:
        """How it runs."""

    @property
    def turns(self) -> Turns:
        """Whose turn it is."""

    def tables(self) -> Mapping[str, Table]:
        """The tables as they are declared."""

    def arrow_schema(self, table: str) -> pa.Schema:
        """Columns of a table as they are now."""

    def known_schema(self, table: str) -> pa.Schema | None:
        """Columns of a table, if they are known without a look at it."""

    def states(self) -> list[TableState]:
        """What is known of the tables without a look at them."""

    def loading(self) -> list[str]:
        """Tables that are still to be looked at for the first time."""

    def start(self) -> None:
        """Load what is to be loaded; requests need not wait for it."""

    def describe(
        self, sql: str, parameters: Sequence[pa.Scalar] | Mapping[str, pa.Scalar] = ()
    ) -> tuple[pa.Schema, ...]:
        """The columns of an answer; nothing is run."""

    def query(
        self,
        sql: str,
        parameters: Sequence[pa.Scalar] | Mapping[str, pa.Scalar] = (),
        *,
        as_of: AsOf | None = None,
        limits: Limits | None = None,
    ) -> Answer:
        """Answer a statement."""

    def close(self) -> None:
        """Forget the tables, and end what answers."""
