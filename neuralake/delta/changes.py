"""What following the log of a table brings: files that came and went, and rows that only moved."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import msgspec

from neuralake.delta.actions import Action
from neuralake.delta.live_file import Key, LiveFile

# In a commit's information: what a compaction did, so that readers need not read it again
BINS = "neuralake.bins"


@dataclass(frozen=True)
class Moved:
    """Rows that are in other files now, and are the same rows (``dataChange: false``).

    Attributes
    ----------
    sources
        The files that had them.
    file
        The one that has all of them.
    """

    sources: tuple[Key, ...]
    file: LiveFile


@dataclass(frozen=True)
class Changes:
    """What following a table brought.

    Attributes
    ----------
    added, removed
        Files that are live now and were not before, and the other way round. One that came and
        went in between is in neither.
    is_reloaded
        Whether the table was read anew: the entries in between were cleaned up, or the table was
        replaced by another.
    moved
        Which of the rows were only packed into other files, in the order in which it was done; also
        from files, and to files, that came and went in between.
    """

    added: tuple[LiveFile, ...] = ()
    removed: tuple[LiveFile, ...] = ()
    is_reloaded: bool = False
    moved: tuple[Moved, ...] = ()


def moved_by(
    actions: Sequence[Action], removed: Sequence[Key], added: Sequence[LiveFile]
) -> Iterator[Moved]:
    """Which rows an entry only moved, where it is certain whereto.

    Of an entry without a change of data the files that it adds have the rows of those that it
    removes; which of them, where there are several, a compaction of Neuralake's own says.
    """
    files = (action.add or action.remove for action in actions)
    if not added or not removed or any(f.data_change is not False for f in files if f is not None):
        return
    if len(added) == 1:
        yield Moved(tuple(removed), added[0])
        return
    info = next((a.commitInfo for a in actions if a.commitInfo is not None), {})
    bins = _read_bins(info)
    if (sum(b[0] for b in bins), sum(b[1] for b in bins)) != (len(removed), len(added)):
        return
    sources, files_after = iter(removed), iter(added)
    for many, one in bins:
        keys = tuple(islice(sources, many))
        for file in islice(files_after, one):
            yield Moved(keys, file)


def _read_bins(info: Mapping[str, Any]) -> list[tuple[int, int]]:
    """Of each bin of a compaction, in their order: how many files it removed, and added.

    Empty if the entry does not tell. An added file has the rows of all that were removed, and no
    bin has more than one.
    """
    try:
        found = msgspec.convert(info.get(BINS, []), list[tuple[int, int]])
    except msgspec.ValidationError:
        return []
    return found if all(many >= 0 and one in (0, 1) for many, one in found) else []


def changes_since(
    before: Mapping[Key, LiveFile | None], now: Mapping[Key, LiveFile], moved: Sequence[Moved]
) -> Changes:
    """What has changed at the keys that were touched.

    Parameters
    ----------
    before
        What was at them; None where nothing was.
    now
        All files.
    moved
        What was only moved.
    """
    added = tuple(now[key] for key, file in before.items() if key in now and now[key] != file)
    removed = tuple(f for key, f in before.items() if f is not None and now.get(key) != f)
    return Changes(added, removed, moved=tuple(moved))
