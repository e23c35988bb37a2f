"""Random simple queries, of which all engines must give the same answer."""

from __future__ import annotations

from random import Random

import pyarrow as pa

from benchmarks.agreement.tables import NAME, Made
from benchmarks.agreement.values import value


def random_queries(made: Made, random: Random) -> list[str]:
    """The whole table, its count, and a few questions about its columns."""
    found = [f"SELECT * FROM {NAME}", f"SELECT COUNT(*) AS n FROM {NAME}"]
    for _ in range(4):
        name, kind = random.choice(list(made.columns.items()))
        column = f'"{name}"'
        shapes = [f"SELECT COUNT({column}) AS n FROM {NAME}"]
        shapes.append(f"SELECT {column} AS c FROM {NAME} WHERE {column} IS NULL")
        shapes.append(f'SELECT "id" AS i, {column} AS c FROM {NAME} WHERE {column} IS NOT NULL')
        if kind.groups:
            shapes.append(f"SELECT {column} AS c, COUNT(*) AS n FROM {NAME} GROUP BY {column}")
            shapes.append(f"SELECT DISTINCT {column} AS c FROM {NAME}")
        if kind.groups and not pa.types.is_boolean(kind.type):
            shapes.append(f"SELECT MIN({column}) AS a, MAX({column}) AS b FROM {NAME}")
        if kind.literal is not None:
            drawn = value(kind, random)
            if drawn is not None:
                sign = random.choice(["=", "<>"] if pa.types.is_boolean(kind.type) else _SIGNS)
                literal = kind.literal(drawn)
                condition = f"FROM {NAME} WHERE {column} {sign} {literal}"
                if kind.groups:
                    grouped = f"SELECT {column} AS c, COUNT(*) AS n {condition} GROUP BY {column}"
                    shapes.append(grouped)
                shapes.append(f"SELECT COUNT(*) AS n {condition}")
                shapes.append(f'SELECT "id" AS i, {column} AS c {condition}')
        found.append(random.choice(shapes))
    return found


_SIGNS = ["=", "<>", "<", "<=", ">", ">="]
