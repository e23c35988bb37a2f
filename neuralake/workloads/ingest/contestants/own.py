"""Neuralake's own writer: one in a process, which all its producers share."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

import pyarrow as pa

from neuralake.version import __version__
from neuralake.workloads.ingest.batches import Batches
from neuralake.workloads.ingest.contestants.protocol import Appender, Receipt
from neuralake.workloads.places import Target
from neuralake.writer.append import Writer
from neuralake.writer.beside import Beside
from neuralake.writer.compact import Compactor
from neuralake.writer.upkeep import UPKEEP_EVERY_S, Upkeep
from neuralake.writer.vacuum import Vacuum


class OwnWriter:
    """:class:`neuralake.writer.append.Writer`, with its defaults."""

    name = "neuralake"
    makes_tables = True

    def __init__(self, target: Target) -> None:
        self._target = target
        self._writer: Writer | None = None
        self._keepers: tuple[Compactor, Beside, Vacuum] | None = None
        self._at_work = ExitStack()
        self.settings: Mapping[str, Any] = {
            "syncs": "data file, directory, entry, directory",
            "writer": "one a process, group commit",
        }

    @classmethod
    def unavailable(cls, target: Target) -> str | None:  # noqa: ARG003
        """Nothing is missing: it is Neuralake's own."""
        return None

    def versions(self) -> dict[str, str]:
        """Of Neuralake, and of what encodes its files."""
        return {"neuralake": __version__, "pyarrow": pa.__version__}

    def appender(self, batches: Batches) -> Appender:  # noqa: ARG002
        """The writer, which many threads may use at once."""
        if self._writer is None:
            self._writer = Writer(self._target.uri, storage_options=self._target.options)
        return _Shared(self._writer)

    def maintain(self) -> None:
        """Pack small files until none is worth it, keep the log short, and vacuum.

        All three follow the log from where they have read it to. They are those that ``neuralake
        writer`` runs, with their defaults; as there, the log is kept short between two calls, too.
        """
        if self._keepers is None:
            uri, options = self._target.uri, self._target.options
            upkeep = Upkeep(uri, storage_options=options)
            self._keepers = (
                Compactor(uri, storage_options=options),
                self._at_work.enter_context(Beside(upkeep.run_once, UPKEEP_EVERY_S)),
                Vacuum(uri, storage_options=options),
            )
        compactor, keeping, vacuum = self._keepers
        while compactor.run_once() is not None:
            pass
        keeping.now()
        vacuum.keep_up()

    def close(self) -> None:
        """Close the writer, and end the maintenance."""
        self._at_work.close()
        if self._writer is not None:
            self._writer.close()


class _Shared:
    def __init__(self, writer: Writer) -> None:
        self._append = writer.append

    def append(self, batch: pa.RecordBatch, number: int) -> Receipt:  # noqa: ARG002
        commit = self._append(batch)
        steps = commit.steps
        return Receipt(
            commit.version,
            commit.size_bytes,
            commit.appends,
            commit.attempts,
            (steps.wait_ns, steps.conform_ns, steps.encode_ns, steps.write_ns, steps.commit_ns),
        )

    def close(self) -> None:
        """The writer is closed by its owner."""
