"""Lines of JSON on standard input, each a row of the table.

What does not fit is never passed over: it ends the source with its line's number, or is put aside
into a dead-letter file where one is asked for.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from neuralake.errors import SourceError
from neuralake.sources.json_line import RowError
from neuralake.sources.json_rows import BLANK, RowDecoder
from neuralake.sources.pipe import Pipe
from neuralake.sources.source import Delivery

_READ_BYTES = 1 << 20
LONGEST_LINE_BYTES = 64 << 20


class JsonLines:
    """Rows of newline-delimited JSON.

    Parameters
    ----------
    pipe
        Where it comes from.
    schema
        Of the table.
    dead_letters
        File to which lines that are no rows are appended, as JSON lines with ``line`` (its
        number), ``error``, and ``text``, or ``base64`` where it is not UTF-8. None ends the source
        at the first.
    name
        What it is called in messages.
    """

    address: str | None = None
    is_repeatable = False

    def __init__(
        self,
        pipe: Pipe,
        schema: pa.Schema,
        dead_letters: Path | None = None,
        name: str = "standard input",
    ) -> None:
        self._pipe = pipe
        self._decoder = RowDecoder(schema)
        self._dead_letters = dead_letters
        self._name = name
        self.rejected = 0

    def batches(self) -> Iterator[Delivery]:
        """Rows as they come: what one reading gives, up to its last newline.

        Raises
        ------
        SourceError
            If a line is no row, and lines are not put aside; those before it were delivered.
        """
        first = 1
        for lines in self._blocks():
            batch = self._decoder.decode(lines)
            if batch is not None:
                if batch.num_rows:
                    yield Delivery(batch)
            else:
                yield from self._line_by_line(lines, first)
            first += lines.count(b"\n")

    def close(self) -> None:
        """Read nothing more."""
        self._pipe.stop()

    def _blocks(self) -> Iterator[bytes]:
        """Whole lines, each with its newline; the last one may lack it."""
        begun: list[bytes] = []  # parts of a line of which the end is still to come
        length = lines = 0
        while chunk := self._pipe.read(_READ_BYTES):
            head, newline, tail = chunk.rpartition(b"\n")
            if newline:
                block = b"".join([*begun, head, newline])
                lines += block.count(b"\n")
                begun, length = [], 0
                yield block
            begun.append(tail)
            length += len(tail)
            if length > LONGEST_LINE_BYTES:
                raise SourceError(
                    f"{self._name}, line {lines + 1}: it is longer than "
                    f"{LONGEST_LINE_BYTES >> 20} MiB"
                )
        if length and not self._pipe.is_stopped:
            yield b"".join([*begun, b"\n"])

    def _line_by_line(self, lines: bytes, first: int) -> Iterator[Delivery]:
        rows: list[dict[str, Any]] = []
        fault: SourceError | None = None
        refused: list[bytes] = []
        for number, line in enumerate(lines.split(b"\n"), first):
            if not line.strip(BLANK):
                continue
            try:
                rows.append(self._decoder.decode_line(line))
            except RowError as error:
                if self._dead_letters is None:
                    fault = SourceError(f"{self._name}, line {number}: {error}")
                    break
                refused.append(_letter(number, line, error))
        if refused:
            self._put_aside(refused)
        if rows:
            yield Delivery(self._decoder.batch(rows))
        if fault is not None:
            raise fault

    def _put_aside(self, letters: list[bytes]) -> None:
        assert self._dead_letters is not None  # noqa: S101 - nothing is refused without
        with self._dead_letters.open("ab") as file:
            file.writelines(letters)
            file.flush()
            os.fsync(file.fileno())
        self.rejected += len(letters)


def _letter(number: int, line: bytes, error: RowError) -> bytes:
    letter: dict[str, Any] = {"line": number, "error": str(error)}
    try:
        letter["text"] = line.decode()
    except UnicodeDecodeError:
        letter["base64"] = base64.b64encode(line).decode()
    return json.dumps(letter, ensure_ascii=False).encode() + b"\n"
