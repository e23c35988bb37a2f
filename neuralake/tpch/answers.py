"""The official TPC-H answers, at the scale factors that have them."""

from __future__ import annotations

from datetime import date
from importlib.resources import files
from typing import TYPE_CHECKING

import pyarrow as pa

from neuralake.queries.query import Query

if TYPE_CHECKING:
    from neuralake.queries.answers import Answer

OFFICIAL_SCALE_FACTORS = (0.01, 1.0)


def official_answer(query: Query, result: pa.Table, scale_factor: float) -> Answer | None:
    """The official answer to a query with the validation parameters.

    Parameters
    ----------
    query
        One of q01 … q22.
    result
        The answer to be checked: its types say how the fields of the file are read.
    scale_factor
        Of the dataset.

    Returns
    -------
    Answer or None
        None where no official answer exists.
    """
    if scale_factor not in OFFICIAL_SCALE_FACTORS:
        return None
    from neuralake.queries.answers import Answer  # NumPy, and Arrow's functions

    file = files("neuralake.tpch") / "answers" / f"sf{scale_factor:g}" / f"{query.name}.csv"
    header, *lines = file.read_text("utf-8").splitlines()
    types = result.schema.types
    names = header.split("|")
    fields = [line.split("|") for line in lines]
    columns = [
        _column([row[i] for row in fields], types[i] if i < len(types) else pa.string())
        for i in range(len(names))
    ]
    return Answer.of(pa.table(columns, names=names))


def _column(texts: list[str], dtype: pa.DataType) -> pa.Array:
    """A column as the result's type has it, or as text where the result has the wrong type."""
    fields = [None if text == "" else text for text in texts]
    try:
        if pa.types.is_date(dtype) or pa.types.is_timestamp(dtype):
            return pa.array(
                [None if f is None else date.fromisoformat(f) for f in fields], pa.date32()
            )
        whole = not any("." in text for text in texts)
        if pa.types.is_integer(dtype) or pa.types.is_decimal(dtype):
            # one unit in the last digit is one of the result's scale, which a float leaves alone
            if whole and (pa.types.is_integer(dtype) or dtype.scale == 0):
                return pa.array([None if f is None else int(f) for f in fields], pa.int64())
            return pa.array([None if f is None else float(f) for f in fields], pa.float64())
        if pa.types.is_floating(dtype):
            return pa.array([None if f is None else float(f) for f in fields], pa.float64())
    except ValueError:
        pass
    return pa.array(fields, pa.string())
