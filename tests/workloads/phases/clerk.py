"""An engine of somebody else's that writes: what a query's comment says happens to it."""

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import deltalake
import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from neuralake.engines.writing import Rows, Written
from neuralake.errors import WriteConflictError


@dataclass(frozen=True)
class ClerkOptions:
    conflicts: int = 0  # appends that lose a race before one is made


class ClerkEngine:
    name, packages = "clerk", ("duckdb",)
    Options: ClassVar[type] = ClerkOptions
    unavailable = staticmethod(lambda: None)
    sessions_at_once = True
    write_paths: ClassVar[Mapping[str, str]] = {"append": "clerk's own hand"}

    def __init__(self, options: ClerkOptions) -> None:
        self.settings: Mapping[str, Any] = {"conflicts": options.conflicts}
        # what an engine starts (a JVM, say) must not outlive a phase
        command = [sys.executable, "-c", "import time; time.sleep(600)"]
        self.companion = subprocess.Popen(command)
        self.settings = {**self.settings, "companion": self.companion.pid}
        self.writes = ClerkWrites(options.conflicts)

    def versions(self) -> dict[str, str]:
        return {"duckdb": duckdb.__version__}

    def open(self, tables: Mapping[str, Any]) -> "ClerkSession":
        return ClerkSession(self, tables)

    def close(self) -> None:
        self.companion.kill()
        self.companion.wait()


class ClerkSession:
    def __init__(self, engine: ClerkEngine, tables: Mapping[str, Any]) -> None:
        self.engine = engine
        self.connection = duckdb.connect(config={"threads": 1})
        for name, table in tables.items():
            self.connection.read_parquet(table.files()).create_view(name)

    def execute(self, sql: str) -> pa.Table:
        if "/* fail */" in sql:
            raise RuntimeError("cannot compute this")
        if "/* abort */" in sql:
            os.abort()
        if "/* hang */" in sql:
            time.sleep(600)
        if "/* no memory */" in sql:
            raise MemoryError
        if "/* lose */" in sql:
            self.engine.companion.kill()
            self.engine.companion.wait()
            raise RuntimeError("connection refused")
        return self.connection.execute(sql).to_arrow_table()

    def explain(self, sql: str) -> str:
        return sql

    def close(self) -> None:
        self.connection.close()


class ClerkWrites:
    name = "clerk"

    def __init__(self, conflicts: int) -> None:
        self.settings: Mapping[str, Any] = {"hand": "left"}
        self.conflicts = conflicts

    def append(self, table: Any, rows: Rows) -> Written:
        if self.conflicts:
            self.conflicts -= 1
            raise WriteConflictError("another was first")
        target = deltalake.DeltaTable(table.uri)
        deltalake.write_deltalake(
            target, pa.concat_tables(map(pq.read_table, rows.files)), mode="append"
        )
        return Written(target.version(), rows.rows, "clerk's own hand")
