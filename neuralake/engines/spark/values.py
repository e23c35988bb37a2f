"""Columns that Spark takes from the files as they are, and not from their statistics; or from us.

Spark 4.2 passes over row groups, and Delta Lake over files, whose greatest value is below what is
looked for, and Delta answers MAX from the log. A NaN that is greater, or a decimal of which the log
tells less, is lost. The settings against it hold for all tables of a session; an expression has no
statistics.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType
from typing import TYPE_CHECKING

import pyarrow as pa
from pyspark.sql.pandas.types import from_arrow_schema
from pyspark.sql.types import DataType, DecimalType, DoubleType, FloatType, StructType

from neuralake.identifiers import backticked

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame


def without_statistics(frame: DataFrame, *, floats: bool, decimals: bool) -> DataFrame:
    """The same rows, of whose values, those within structs included, Spark knows no bounds.

    Parameters
    ----------
    frame
        The rows.
    floats, decimals
        Which values.
    """
    kinds: tuple[type[DataType], ...] = ()
    kinds += (DoubleType, FloatType) if floats else ()
    kinds += (DecimalType,) if decimals else ()
    f = _functions(frame)
    columns = [
        _without(f, f.col(backticked(field.name)), field.dataType, kinds).alias(field.name)
        for field in frame.schema
    ]
    return frame.select(*columns)


def with_values(frame: DataFrame, fields: pa.Schema, values: Sequence[pa.Scalar]) -> DataFrame:
    """The same rows with one value of each of further columns.

    Parameters
    ----------
    frame
        The rows.
    fields
        The columns, in types that Spark has.
    values
        Theirs, in the same order.
    """
    types = from_arrow_schema(fields, prefer_timestamp_ntz=True)
    f = _functions(frame)
    columns = [f.col(backticked(field.name)) for field in frame.schema]
    for field, value in zip(types, values, strict=True):
        # As a text, which Spark reads in the type: a time of Python's is one of the local zone
        text = None if not value.is_valid else str(value.as_py())
        columns.append(f.lit(text).cast(field.dataType).alias(field.name))
    return frame.select(*columns)


def _functions(frame: DataFrame) -> ModuleType:
    """Those that make columns of the frame's own kind."""
    from pyspark.sql import functions
    from pyspark.sql.classic.dataframe import DataFrame as ClassicFrame

    if isinstance(frame, ClassicFrame):
        return functions
    from pyspark.sql.connect import functions as remote

    return remote


def _without(
    f: ModuleType, column: Column, kind: DataType, kinds: tuple[type[DataType], ...]
) -> Column:
    if isinstance(kind, kinds):
        greatest: Column = f.greatest(column, column)
        return greatest
    if isinstance(kind, StructType) and _has(kind, kinds):
        fields = [
            _without(f, column.getField(x.name), x.dataType, kinds).alias(x.name) for x in kind
        ]
        whole: Column = f.when(column.isNotNull(), f.struct(*fields))
        return whole
    return column


def _has(kind: DataType, kinds: tuple[type[DataType], ...]) -> bool:
    if isinstance(kind, StructType):
        return any(_has(field.dataType, kinds) for field in kind)
    return isinstance(kind, kinds)
