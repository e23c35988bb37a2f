"""A whole engine adapter, as a package of somebody else's would have it."""

from dataclasses import dataclass
from typing import Any, ClassVar

import duckdb
import pyarrow as pa


@dataclass(frozen=True)
class TinyOptions:
    threads: int = 1


class TinyEngine:
    name, packages = "tiny", ("duckdb",)
    Options: ClassVar[type] = TinyOptions
    unavailable = staticmethod(lambda: None)

    def __init__(self, options: TinyOptions) -> None:
        self.settings = {"threads": options.threads}
        self.connection = duckdb.connect(config={"threads": options.threads})

    def versions(self) -> dict[str, str]:
        return {"duckdb": duckdb.__version__}

    def open(self, tables: dict[str, Any]) -> "TinyEngine":
        for name, table in tables.items():
            self.connection.read_parquet(table.files()).create_view(name)
        return self

    def execute(self, sql: str) -> pa.Table:
        return self.connection.execute(sql).to_arrow_table()

    def explain(self, sql: str) -> str:
        return str(self.connection.execute(f"EXPLAIN {sql}").fetchall()[0][1])

    def close(self) -> None:
        self.connection.close()
