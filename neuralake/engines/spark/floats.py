"""Floats that Spark takes from a file as they are, and not from its statistics.

Spark 4.2 passes over row groups, and Delta Lake over files, whose greatest value is below what is
looked for, and answers MAX from the log. NaN, which is greater, is lost where the statistics leave
it out. The settings against it hold for all tables of a session; an expression has no statistics.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as f
from pyspark.sql.types import DataType, DoubleType, FloatType, StructType

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame


def without_statistics(frame: DataFrame) -> DataFrame:
    """The same rows, of whose floats, those within structs included, Spark knows no bounds."""
    columns = [
        _without(f.col(_quoted(field.name)), field.dataType).alias(field.name)
        for field in frame.schema
    ]
    return frame.select(*columns)


def _without(column: Column, kind: DataType) -> Column:
    if isinstance(kind, DoubleType | FloatType):
        return f.nanvl(column, column)
    if isinstance(kind, StructType) and _has_floats(kind):
        fields = [_without(column.getField(x.name), x.dataType).alias(x.name) for x in kind]
        return f.when(column.isNotNull(), f.struct(*fields))
    return column


def _has_floats(kind: DataType) -> bool:
    if isinstance(kind, StructType):
        return any(_has_floats(field.dataType) for field in kind)
    return isinstance(kind, DoubleType | FloatType)


def _quoted(name: str) -> str:
    return f"`{name.replace('`', '``')}`"
