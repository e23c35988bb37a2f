"""A workload whose reference answers hold after whole pairs of RF1 and RF2.

A pair replaces orders by the same orders with other keys, so that only keys that an answer shows
change: those of Q3 and Q18. Neither orders by the key, so that ties and what a LIMIT leaves of
them are what they were.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import numpy as np
import pyarrow as pa

from neuralake.queries.answers import Answer
from neuralake.queries.query import Query
from neuralake.queries.workload import Workload
from neuralake.tpch.refresh.keys import KeyMapping

_KEY_COLUMNS = ("o_orderkey", "l_orderkey")


def mapped_workload(workload: Workload, mapping: KeyMapping) -> Workload:
    """The workload on the tables after the pairs.

    Parameters
    ----------
    workload
        TPC-H, on the fresh dataset.
    mapping
        Of the sets whose pairs have been applied.
    """
    return replace(workload, reference=partial(_reference, workload, mapping))


def mapped_answer(answer: Answer, mapping: KeyMapping) -> Answer:
    """An answer that was right on the fresh dataset, as it is after the pairs."""
    places = [i for i, name in enumerate(answer.columns) if name.lower() in _KEY_COLUMNS]
    if not places:
        return answer
    return replace(answer, batches=partial(_batches, answer, places, mapping))


def _reference(
    workload: Workload, mapping: KeyMapping, query: Query, result: pa.Table
) -> Answer | None:
    answer = workload.reference(query, result)
    return None if answer is None else mapped_answer(answer, mapping)


def _batches(answer: Answer, places: list[int], mapping: KeyMapping) -> Iterator[pa.RecordBatch]:
    for batch in answer.batches():
        columns = list(batch.columns)
        for place in places:
            keys = np.asarray(columns[place].cast(pa.int64()))
            columns[place] = pa.array(mapping(keys), pa.int64()).cast(columns[place].type)
        yield pa.RecordBatch.from_arrays(columns, schema=batch.schema)
