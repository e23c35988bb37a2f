"""Every pair of a comparison on disk, a round at a time."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Self

import msgspec

from neuralake.errors import ResultsError
from neuralake.results.comparison import Pair
from neuralake.results.plain import UNDECODABLE

PAIRS = "pairs.jsonl"


class PairJournal:
    """Appends pairs to a file, one JSON object a line.

    Parameters
    ----------
    path
        File to append to; made if absent.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = path.open("ab", buffering=0)

    def append(self, pairs: list[Pair]) -> None:
        """Write the pairs of a round and sync them to disk.

        Raises
        ------
        ResultsError
            If they cannot be written.
        """
        lines = b"".join(msgspec.json.encode(pair) + b"\n" for pair in pairs)
        try:
            while lines:
                lines = lines[self._file.write(lines) or 0 :]
            os.fsync(self._file.fileno())
        except OSError as error:
            raise ResultsError(f"{self._path} cannot be written: {error.strerror}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._file.close()


def read_pairs(path: Path) -> list[Pair]:
    """The pairs in a journal; a last line that was torn by a kill is none.

    Raises
    ------
    ResultsError
        If it is absent or damaged.
    """
    try:
        lines = path.read_bytes().split(b"\n")[:-1]
        decoder = msgspec.json.Decoder(Pair)
        return [decoder.decode(line) for line in lines]
    except OSError as error:
        raise ResultsError(f"no pairs at {path}: {error.strerror}") from error
    except UNDECODABLE as error:
        raise ResultsError(f"{path} is damaged: {error}") from error
