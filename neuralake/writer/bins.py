"""Which small files are worth packing into one, and which are better left alone.

A table that is written fast gets many small files. Packing them pays for readers, and costs the
rewriting of every row; files of one order of magnitude are packed together, so that a row is
rewritten once an order, and not whenever another file comes.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from neuralake.delta.live_file import LiveFile

# The part of the target from which on a file is large enough
_LARGE = 0.75
_FEWEST = 2


@dataclass(frozen=True)
class Packing:
    """When files are packed, and how much at once.

    Attributes
    ----------
    target_bytes
        Size of a packed file, about; smaller ones are packed.
    min_files
        As many files of one order of magnitude are packed; orders are powers of this number.
    settled_s
        Where nothing was added to a partition for that long, its files are packed however few.
    deleted_share
        A file of which at least this share of the rows is deleted is rewritten alone, too.
    run_bytes, run_files
        What one commit packs at most, about: a long entry loses more races.
    """

    target_bytes: int = 100 << 20
    min_files: int = 8
    settled_s: float = 60.0
    deleted_share: float = 0.1
    run_bytes: int = 256 << 20
    run_files: int = 400

    def __post_init__(self) -> None:
        allowed = {
            "target_bytes": self.target_bytes >= 1,
            "min_files": self.min_files >= _FEWEST,
            "settled_s": self.settled_s >= 0,
            "deleted_share": 0 <= self.deleted_share <= 1,
            "run_bytes": self.run_bytes >= 1,
            "run_files": self.run_files >= _FEWEST,
        }
        wrong = [name for name, holds in allowed.items() if not holds]
        if wrong:
            raise ValueError(f"no packing has {wrong[0]}={getattr(self, wrong[0])}")


@dataclass(frozen=True)
class Bin:
    """Files of one partition that become one.

    Attributes
    ----------
    files
        In the order of their rows.
    """

    files: tuple[LiveFile, ...]

    @property
    def size_bytes(self) -> int:
        """Their size together."""
        return sum(file.add.size for file in self.files)


def is_candidate(file: LiveFile, packing: Packing) -> bool:
    """Whether a file may be packed or rewritten at all."""
    return file.add.size < _LARGE * packing.target_bytes or _is_spoilt(file, packing)


def plan(files: Iterable[LiveFile], packing: Packing, now_ms: int) -> list[Bin]:
    """The bins of one commit, those with most files first.

    Parameters
    ----------
    files
        Candidates, in the order of their commits.
    packing
        What is worth it.
    now_ms
        Milliseconds since 1970.
    """
    partitions: defaultdict[tuple[tuple[str, str | None], ...], list[LiveFile]] = defaultdict(list)
    for file in files:
        partitions[tuple(sorted(file.partition_values.items()))].append(file)
    found = [b for part in partitions.values() for b in _bins(part, packing, now_ms)]
    found.sort(key=lambda b: len(b.files), reverse=True)
    chosen: list[Bin] = []
    size = count = 0
    for each in found:
        size += each.size_bytes
        count += len(each.files)
        if chosen and (size > packing.run_bytes or count > packing.run_files):
            break
        chosen.append(each)
    return chosen


def _bins(files: Sequence[LiveFile], packing: Packing, now_ms: int) -> Iterator[Bin]:
    newest_ms = max(file.add.modification_time for file in files)
    is_settled = now_ms - newest_ms >= packing.settled_s * 1000
    orders: defaultdict[int, list[LiveFile]] = defaultdict(list)
    rest: list[LiveFile] = []
    for file in files:
        orders[int(math.log(max(file.add.size, 1), packing.min_files))].append(file)
    for order in sorted(orders):
        for each in _chunks(orders[order], packing):
            is_full = each.size_bytes >= _LARGE * packing.target_bytes and len(each.files) > 1
            if is_full or len(each.files) >= packing.min_files:
                yield each
            else:
                rest.extend(each.files)
    if is_settled:
        positions = {id(file): i for i, file in enumerate(files)}
        for group in _settled(rest, packing):
            group.sort(key=lambda file: positions[id(file)])
            yield from (b for b in _chunks(group, packing) if _is_worth_it(b, packing))
    else:
        yield from (Bin((file,)) for file in rest if _is_spoilt(file, packing))


def _settled(files: list[LiveFile], packing: Packing) -> Iterator[list[LiveFile]]:
    """Files, smallest first, but for those that are of another order than all before together."""
    group: list[LiveFile] = []
    size = 0
    for file in sorted(files, key=lambda file: file.add.size):
        if group and file.add.size > packing.min_files * size:
            yield group
            group, size = [], 0
        group.append(file)
        size += file.add.size
    yield group


def _chunks(files: Sequence[LiveFile], packing: Packing) -> Iterator[Bin]:
    """Files in their order, until a bin is as large as it may be."""
    chunk: list[LiveFile] = []
    size = 0
    for file in files:
        if chunk and (
            size + file.add.size > packing.target_bytes or len(chunk) >= packing.run_files
        ):
            yield Bin(tuple(chunk))
            chunk, size = [], 0
        chunk.append(file)
        size += file.add.size
    if chunk:
        yield Bin(tuple(chunk))


def _is_worth_it(each: Bin, packing: Packing) -> bool:
    return len(each.files) > 1 or _is_spoilt(each.files[0], packing)


def _is_spoilt(file: LiveFile, packing: Packing) -> bool:
    """Whether so many of its rows are deleted that it is better rewritten."""
    if not file.deleted:
        return False
    return file.rows is None or file.deleted >= packing.deleted_share * file.rows
