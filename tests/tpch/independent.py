"""Parts of TPC-H answers worked out without SQL and without any engine under test.

The answer files' addresses and comments, and Q13, depend on the texts that the generator draws.
Here they are looked up in the tables by key, or counted in plain Python.
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq

# query: table, column of the answer that identifies a row of it, columns that hold drawn text
TEXT_COLUMNS = {
    "q02": ("supplier", "s_name", ("s_address", "s_comment")),
    "q10": ("customer", "c_custkey", ("c_address", "c_comment")),
    "q15": ("supplier", "s_suppkey", ("s_address",)),
    "q20": ("supplier", "s_name", ("s_address",)),
}


def text_columns(dataset: Path, query: str, keys: list[str]) -> dict[str, list[str]]:
    """The drawn texts of an answer's rows, by the keys of those rows."""
    table, key, columns = TEXT_COLUMNS[query]
    rows = pq.read_table(dataset / table, columns=[key, *columns]).to_pylist()
    by_key = {str(row[key]): row for row in rows}
    return {column: [by_key[k][column] for k in keys] for column in columns}


def customer_distribution(dataset: Path) -> list[tuple[int, int]]:
    """Q13: how many customers have how many orders without 'special … requests'."""
    orders = pq.read_table(dataset / "orders", columns=["o_custkey", "o_comment"]).to_pydict()
    unwanted = re.compile("special.*requests", re.DOTALL)
    counts = Counter(
        customer
        for customer, comment in zip(orders["o_custkey"], orders["o_comment"], strict=True)
        if not unwanted.search(comment)
    )
    customers = pq.read_table(dataset / "customer", columns=["c_custkey"])["c_custkey"].to_pylist()
    distribution = Counter(counts.get(customer, 0) for customer in customers)
    return sorted(distribution.items(), key=lambda item: (item[1], item[0]), reverse=True)
