"""An engine that answers Q1 wrongly, for what the suite makes of that."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import pyarrow as pa

from tests.workloads.third_party.faulty import one_more
from tests.workloads.third_party.tiny import TinyEngine, TinyOptions


@dataclass(frozen=True)
class SlippingOptions:
    fault: Literal["wrong", "later", "error"] = "wrong"


class SlippingEngine(TinyEngine):
    name = "slipping"
    Options: ClassVar[type] = SlippingOptions

    def __init__(self, options: SlippingOptions) -> None:
        super().__init__(TinyOptions())
        self.fault = options.fault
        self.calls = 0

    def execute(self, sql: str) -> pa.Table:
        result = self.connection.sql(sql).to_arrow_table()
        if "sum_disc_price" not in sql:
            return result
        self.calls += 1
        if self.fault == "error":
            raise RuntimeError("cannot compute this")
        return one_more(result) if self.fault == "wrong" or self.calls > 1 else result
