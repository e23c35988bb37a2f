"""Lines of JSON on standard input, each a row of the table.

What does not fit is never passed over: it ends the source with its line's number, or is put aside
into a dead-letter file where one is asked for.
"""

from __future__ import annotations

import base64
import errno
import json
import os
import stat
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

    Raises
    ------
    SourceError
        If there is no place for dead letters where they are to lie.
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
        self._dead_letters = None if dead_letters is None else _place_for_letters(dead_letters)
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
        try:
            _append(self._dead_letters, b"".join(letters))
        except OSError as error:
            raise _no_place(self._dead_letters, error) from error
        self.rejected += len(letters)


def _place_for_letters(place: Path) -> Path:
    """The place, if letters can lie there: nobody wants to be told with the first of them."""
    try:
        if stat.S_ISDIR(place.stat().st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    except FileNotFoundError as error:
        if not place.parent.is_dir():
            raise _no_place(place, error) from error
    except OSError as error:
        raise _no_place(place, error) from error
    return place


def _no_place(place: Path, error: OSError) -> SourceError:
    return SourceError(f"dead letters cannot be kept in {place}: {error.strerror}")


def _append(place: Path, content: bytes) -> None:
    """Append to a file, all or nothing, and durably; to a device or a pipe, as it takes it."""
    with place.open("ab", buffering=0) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            file.write(content)
            return
        before = os.fstat(file.fileno()).st_size
        try:
            left = memoryview(content)
            while left:
                left = left[file.write(left) :]
            os.fsync(file.fileno())
        except OSError:
            file.truncate(before)
            raise


def _letter(number: int, line: bytes, error: RowError) -> bytes:
    letter: dict[str, Any] = {"line": number, "error": str(error)}
    try:
        letter["text"] = line.decode()
    except UnicodeDecodeError:
        letter["base64"] = base64.b64encode(line).decode()
    return json.dumps(letter, ensure_ascii=False).encode() + b"\n"
