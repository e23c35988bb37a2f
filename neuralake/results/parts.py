"""Part files: what was measured of each commit, poll or request, in Arrow's streaming format.

A part grows while a round runs, under a name that ends in ``.part``; it gets its own name when it
is whole and on the disk. So a round that is in the journal has whole parts, and what an
interrupted round has left counts for nothing.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from neuralake.errors import ResultsError

SAMPLES = "samples"
UNFINISHED = ".part"


@dataclass(frozen=True)
class Part:
    """A file of samples: ``samples/<name>`` in the run's directory."""

    name: str
    samples: int


class PartWriter:
    """Streams samples to a part file.

    Parameters
    ----------
    directory
        ``samples`` in the run's directory; made if absent.
    name
        Of the part, without a suffix.
    schema
        Of a sample.
    """

    def __init__(self, directory: Path, name: str, schema: pa.Schema) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._path = directory / f"{name}.arrow"
        self._unfinished = directory / f"{name}.arrow{UNFINISHED}"
        self._schema = schema
        self._file = self._unfinished.open("wb")
        self._stream = pa.ipc.new_stream(self._file, schema)
        self._samples = 0

    def write(self, rows: Iterable[tuple[Any, ...]]) -> None:
        """Append samples, each with its values in the order of the schema."""
        rows = list(rows)
        if not rows:
            return
        columns = [
            pa.array(values, field.type)
            for values, field in zip(zip(*rows, strict=True), self._schema, strict=True)
        ]
        self._stream.write_batch(pa.RecordBatch.from_arrays(columns, schema=self._schema))
        self._file.flush()
        self._samples += len(rows)

    def write_table(self, samples: pa.Table) -> None:
        """Append samples that are in columns already, in the order of the schema."""
        if samples.num_rows:
            self._stream.write_table(samples.cast(self._schema))
            self._file.flush()
            self._samples += samples.num_rows

    def finish(self) -> Part:
        """Make the part whole, lasting, and known by its own name."""
        self._stream.close()
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        self._unfinished.replace(self._path)
        return Part(self._path.name, self._samples)


def read_part(directory: Path, part: Part) -> pa.Table:
    """The samples of a part.

    Parameters
    ----------
    directory
        Of the run.
    part
        As the journal names it.

    Raises
    ------
    ResultsError
        If it is absent, or not what the journal says of it.
    """
    path = directory / SAMPLES / part.name
    try:
        with pa.OSFile(str(path)) as file, pa.ipc.open_stream(file) as stream:
            table = stream.read_all()
    except (OSError, pa.ArrowInvalid) as error:
        raise ResultsError(f"samples {path} cannot be read: {error}") from error
    if table.num_rows != part.samples:
        raise ResultsError(
            f"samples {path} are damaged: {table.num_rows} rows, the journal says {part.samples}"
        )
    return table


def require_parts(directory: Path, parts: Iterable[Part]) -> None:
    """Make sure that the files of parts are there; what is in them is known when they are read.

    A round that is measured again replaces the file of the one before, which the journal may still
    tell of.

    Raises
    ------
    ResultsError
        If one is lost.
    """
    for part in parts:
        path = directory / SAMPLES / part.name
        if not path.is_file():
            raise ResultsError(f"samples {path} are lost: start a new run")


def read_unfinished(directory: Path, name: str, schema: pa.Schema) -> pa.Table:
    """The samples that a part had when its process ended; none if there is no such part.

    Parameters
    ----------
    directory
        ``samples`` in the run's directory.
    name
        Of the part, without a suffix.
    schema
        Of a sample.
    """
    batches: list[pa.RecordBatch] = []
    path = directory / f"{name}.arrow"
    unfinished = directory / f"{name}.arrow{UNFINISHED}"
    try:
        with (
            pa.OSFile(str(unfinished if unfinished.exists() else path)) as file,
            pa.ipc.open_stream(file) as stream,
        ):
            for batch in stream:
                batches.append(batch)  # noqa: PERF402 (what came before a torn one is kept)
    except (OSError, pa.ArrowInvalid):
        pass
    return pa.Table.from_batches(batches, schema=schema)


def remove_unfinished(directory: Path, known: Mapping[str, object]) -> None:
    """Remove what interrupted rounds have left in a run's directory.

    Parameters
    ----------
    directory
        Of the run.
    known
        Names of the parts that its journal tells of.
    """
    for path in (directory / SAMPLES).glob("*"):
        if path.name not in known:
            path.unlink(missing_ok=True)
