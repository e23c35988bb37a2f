"""Floats that DuckDB takes from a file as they are, and not from its statistics.

DuckDB 2.0 passes over row groups whose greatest value is below what is looked for, and holds a
filter for true where all between the least and the greatest pass it; a NaN that the two leave out
is lost, or found. Its reader has no setting against it, but a CASE over a column has no statistics.
"""

from __future__ import annotations

import pyarrow as pa

from neuralake.delta.nans import has_floats


def quoted(name: str) -> str:
    """A name as it is, in SQL."""
    return '"' + name.replace('"', '""') + '"'


def without_statistics(column: str, kind: pa.DataType) -> str:
    """An expression of a column's values of which DuckDB knows no bounds.

    Parameters
    ----------
    column
        The column, or a field of it, in SQL.
    kind
        Its type: of a struct every float in it is treated so, of another than a float nothing.
    """
    if not has_floats(kind):
        return column
    if pa.types.is_struct(kind):
        fields = []
        for field in kind:
            name = field.name.replace("'", "''")
            value = without_statistics(f"struct_extract({column}, '{name}')", field.type)
            fields.append(f"{quoted(field.name)} := {value}")
        return f"CASE WHEN {column} IS NULL THEN NULL ELSE struct_pack({', '.join(fields)}) END"
    name = "DOUBLE" if pa.types.is_float64(kind) else "FLOAT"
    return f"CASE WHEN isnan({column}) THEN CAST('nan' AS {name}) ELSE {column} END"
