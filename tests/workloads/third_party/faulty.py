"""An engine that answers rightly, but for one fault in one query."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import pyarrow as pa
import pyarrow.compute as pc

from tests.workloads.third_party.tiny import TinyEngine, TinyOptions

Fault = Literal[
    "wrong", "swapped", "renamed", "error", "abort", "exit", "later", "noise", "start", "open"
]


@dataclass(frozen=True)
class FaultyOptions:
    fault: Fault
    query: str = "sum_disc_price"  # a word of the text of the query at fault: Q1's


class FaultyEngine(TinyEngine):
    name = "faulty"
    Options: ClassVar[type] = FaultyOptions

    def __init__(self, options: FaultyOptions) -> None:
        super().__init__(TinyOptions())
        self.fault, self.query = options.fault, options.query
        self.calls = 0
        # what an engine starts (a JVM, say) must not outlive the run
        command = [sys.executable, "-c", "import time; time.sleep(600)"]
        self.companion = subprocess.Popen(command)
        self.settings["companion"] = self.companion.pid
        if self.fault == "start":
            raise RuntimeError("no licence")

    def open(self, tables: dict[str, Any]) -> TinyEngine:
        if self.fault == "open":
            raise RuntimeError("no tables today")
        return super().open(tables)

    def execute(self, sql: str) -> pa.Table:
        if self.fault == "noise":
            os.write(1, b"\xff\x00 rubbish \x1b[2J\n" * 1000)
            print("rubbish")
        result = super().execute(sql)
        if self.query not in sql:
            return result
        self.calls += 1
        return self.spoiled(result)

    def spoiled(self, result: pa.Table) -> pa.Table:
        match self.fault:
            case "error":
                raise RuntimeError("cannot \x1b[31mcompute\x1b[0m\nthis")
            case "abort":
                os.abort()
            case "exit":
                os._exit(3)
            case "swapped":
                return result.select(result.column_names[::-1])
            case "renamed":
                return result.rename_columns([f"c{i}" for i in range(result.num_columns)])
            case "wrong":
                return one_more(result)
            case "later" if self.calls > 1:
                return one_more(result)
        return result

    def close(self) -> None:
        """It forgets its companion."""


def one_more(result: pa.Table) -> pa.Table:
    """The last column, a count in Q1, is one too great."""
    last = result.num_columns - 1
    field = result.schema.field(last)
    return result.set_column(last, field.name, pc.add(result.column(last), 1).cast(field.type))
