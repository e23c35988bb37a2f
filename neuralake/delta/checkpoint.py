"""The actions of a checkpoint, of the kinds that are asked for, without reading the others.

A checkpoint is Parquet with a column for each kind of action, or, of version 2, JSON; what it says
of files may be in sidecars. Source: Delta Transaction Log Protocol, "Checkpoints".
"""

from __future__ import annotations

import io
from collections.abc import Collection, Iterable, Iterator
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from neuralake.delta.actions import Action, Sidecar, decode
from neuralake.delta.log import LOG, LogSegment
from neuralake.delta.store import Store

# What a commit must know without the files
TABLE = frozenset({"protocol", "metaData", "txn", "domainMetadata"})
FILES = frozenset({"add", "remove"})
_ROWS_AT_ONCE = 8192


def read_checkpoint(
    store: Store, segment: LogSegment, kinds: Collection[str] = TABLE | FILES
) -> Iterator[Action]:
    """Actions of the segment's checkpoint, in no order; none if it has no checkpoint.

    Parameters
    ----------
    store
        Of the table.
    segment
        Names the checkpoint's files.
    kinds
        Which actions: any of ``TABLE`` and ``FILES``.

    Raises
    ------
    OSError, ValueError
        If a file is not there, or is no checkpoint.
    """
    wanted = set(kinds) | ({"sidecar"} if FILES & set(kinds) else set())
    for path in segment.checkpoint:
        for action in _actions(store, path, wanted):
            if action.sidecar is None:
                yield action
                continue
            yield from _actions(store, _beside(action.sidecar), set(kinds) & FILES)


def sidecar_paths(store: Store, checkpoint: Iterable[str]) -> Iterator[str]:
    """Paths of the sidecars to which the files of checkpoints refer.

    Raises
    ------
    OSError, ValueError
        As :func:`read_checkpoint`.
    """
    for path in checkpoint:
        for action in _actions(store, path, {"sidecar"}):
            if action.sidecar is not None:
                yield _beside(action.sidecar)


def _beside(sidecar: Sidecar) -> str:
    name = sidecar.path
    return name if "/" in name else f"{LOG}_sidecars/{name}"


def _actions(store: Store, path: str, kinds: set[str]) -> Iterator[Action]:
    content = store.read(path)
    if path.endswith(".json"):
        yield from (
            a for a in decode(content) if any(getattr(a, kind) is not None for kind in kinds)
        )
        return
    try:
        file = pq.ParquetFile(io.BytesIO(content))
        present = [name for name in file.schema_arrow.names if name in kinds]
        for batch in file.iter_batches(_ROWS_AT_ONCE, columns=present, use_threads=False):
            for kind in present:
                yield from _of_kind(kind, batch.column(kind))
    except (pa.ArrowException, msgspec.ValidationError) as error:
        raise ValueError(f"{path} is not a checkpoint: {error}") from error


def _of_kind(kind: str, values: pa.StructArray) -> Iterator[Action]:
    for row in values.filter(values.is_valid()).to_pylist(maps_as_pydicts="strict"):
        yield msgspec.convert({kind: _said(row)}, Action)


def _said(row: dict[str, Any]) -> dict[str, Any]:
    """What is not null, at the top and in structs; a map keeps its nulls."""
    kept = {}
    for name, value in row.items():
        if value is None or name.endswith("_parsed"):
            continue
        is_struct = name in {"deletionVector", "format"}
        kept[name] = _said(value) if is_struct else value
    return kept
