"""The official TPC-H answers, at the scale factors that have them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal, InvalidOperation
from importlib.resources import files
from typing import Any

import pyarrow as pa

from neuralake.queries.answers import Answer
from neuralake.queries.query import Query

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
    file = files("neuralake.tpch") / "answers" / f"sf{scale_factor:g}" / f"{query.name}.csv"
    header, *lines = file.read_text("utf-8").splitlines()
    types = result.schema.types
    columns = tuple(header.split("|"))
    rows = tuple(
        tuple(
            _value(text, types[i] if i < len(types) else pa.string())
            for i, text in enumerate(line.split("|"))
        )
        for line in lines
    )
    return Answer(columns, rows, (None,) * len(columns))


def _value(text: str, dtype: pa.DataType) -> Any:
    """A field as the result's type has it, or as text where the result has the wrong type."""
    if text == "":
        return None
    try:
        if pa.types.is_date(dtype):
            return date.fromisoformat(text)
        if pa.types.is_integer(dtype) and "." not in text:
            return int(text)
        if pa.types.is_decimal(dtype) or pa.types.is_floating(dtype) or pa.types.is_integer(dtype):
            return Decimal(text)
    except (ValueError, InvalidOperation):
        return text
    return text
