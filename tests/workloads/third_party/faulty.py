"""An engine that answers rightly, but for one fault in one query."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import pyarrow as pa
import pyarrow.compute as pc

from tests.workloads.third_party.tiny import TinyEngine, TinyOptions

MIB = 2**20
# Started in a session of its own by a process that ends when it has said so: nobody's child
LEAK = """
import os, sys, time
said, saying = os.pipe()
is_leaked = os.fork() == 0
if is_leaked:
    os.setsid()
    print("leaked", os.getpid(), flush=True)
os.close(saying)
if is_leaked:
    time.sleep(600)
os.read(said, 1)
"""


@dataclass(frozen=True)
class FaultyOptions:
    fault: str
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
        if self.fault == "open one" and self.query in tables:
            raise RuntimeError("not this table")
        if self.fault == "fewer rows":
            super().open(tables)
            rows = self.connection.execute(f"SELECT * FROM {self.query} LIMIT 7").to_arrow_table()
            self.connection.from_arrow(rows).create_view(self.query)
            return self
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
        if self.fault in DEEDS:
            DEEDS[self.fault](self)
        match self.fault:
            case "swapped":
                return result.select(result.column_names[::-1])
            case "renamed":
                return result.rename_columns([f"c{i}" for i in range(result.num_columns)])
            case "wrong":
                return one_more(result)
            case "later" if self.calls > 1:
                return one_more(result)
        return result

    def explain(self, sql: str) -> str:
        if self.query in sql and self.fault == "plan":
            raise RuntimeError("no plan today")
        if self.query in sql and self.fault == "plan exits":
            os._exit(4)
        return super().explain(sql)

    def close(self) -> None:
        """It forgets its companion."""


def fail(engine: FaultyEngine) -> None:
    raise RuntimeError("cannot \x1b[31mcompute\x1b[0m\nthis")


def abort_later(engine: FaultyEngine) -> None:
    if engine.calls > 1:
        os.abort()


def allocate(engine: FaultyEngine) -> None:
    blocks = []
    while True:
        blocks.append(b"x" * MIB)


def lose_companion(engine: FaultyEngine) -> None:
    engine.companion.kill()
    engine.companion.wait()
    raise RuntimeError("connection refused")


def fill_disk(engine: FaultyEngine) -> None:
    with open("/dev/full", "wb", buffering=0) as spill:  # noqa: PTH123
        spill.write(b"x" * MIB)


def tell_secret(engine: FaultyEngine) -> None:
    raise RuntimeError(f"denied to {os.environ['AWS_SECRET_ACCESS_KEY']}")


DEEDS: dict[str, Callable[[FaultyEngine], object]] = {
    "error": fail,
    "abort": lambda _: os.abort(),
    "abort later": abort_later,
    "exit": lambda _: os._exit(3),
    "segfault": lambda _: ctypes.string_at(0),
    "hang": lambda _: time.sleep(600),
    "allocate": allocate,
    "leak": lambda _: subprocess.run([sys.executable, "-c", LEAK], check=True),
    "lose": lose_companion,
    "full": fill_disk,
    "secret": tell_secret,
}


def one_more(result: pa.Table) -> pa.Table:
    """The last column, a count in Q1, is one too great."""
    last = result.num_columns - 1
    field = result.schema.field(last)
    return result.set_column(last, field.name, pc.add(result.column(last), 1).cast(field.type))
