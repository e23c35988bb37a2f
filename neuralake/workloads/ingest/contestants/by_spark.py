"""Spark's append: an Arrow batch becomes a data frame, which Delta Lake's own writer appends.

What that takes of Python and of the JVM is in the latency: a program in Python waits for all of it
until its rows are in the table.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from neuralake.config import is_remote
from neuralake.engines import registry
from neuralake.engines.registry import EngineSpec
from neuralake.workloads.ingest.batches import Batches
from neuralake.workloads.ingest.contestants.protocol import Appender, Receipt
from neuralake.workloads.places import Target

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_NOTHING = Receipt()


class BySpark:
    """The engine's own Spark, with the settings that it has for queries."""

    name = "spark"
    makes_tables = True

    def __init__(self, target: Target) -> None:
        from neuralake.engines.spark import SparkEngine

        engine = registry.start(registry.resolve(EngineSpec("spark"), None))
        if not isinstance(engine, SparkEngine):
            raise TypeError(f"the engine spark is a {type(engine).__name__}")
        self._engine, self._target = engine, target
        self.settings: Mapping[str, Any] = {"mode": "append", "from": "Arrow", **engine.settings}

    @classmethod
    def unavailable(cls, target: Target) -> str | None:
        """Why Spark cannot write there."""
        if is_remote(target.uri):
            return "Spark's log store for S3 is safe for one driver only, and is not set up here"
        return registry.engine_type("spark").unavailable()

    @classmethod
    def prepare(cls) -> None:
        """Fetch Delta's jars, unless they are in the cache."""
        registry.prepare(EngineSpec("spark"))

    def versions(self) -> dict[str, str]:
        """Of Spark, Delta and Java."""
        return self._engine.versions()

    def appender(self, batches: Batches) -> Appender:  # noqa: ARG002
        """One with a session of its own, in the one JVM."""
        return _Frames(self._engine.new_session(), self._target)

    def maintain(self) -> None:
        """Compact and vacuum with Delta's commands and its defaults."""
        session = self._engine.new_session()
        for command in ("OPTIMIZE", "VACUUM"):
            session.sql(f"{command} delta.`{self._target.uri}`").collect()

    def close(self) -> None:
        """End the JVM."""
        self._engine.close()


class _Frames:
    def __init__(self, session: SparkSession, target: Target) -> None:
        self._session, self._uri = session, target.uri

    def append(self, batch: pa.RecordBatch, number: int) -> Receipt:  # noqa: ARG002
        frame = self._session.createDataFrame(pa.Table.from_batches([batch]))
        frame.write.format("delta").mode("append").save(self._uri)
        return _NOTHING

    def close(self) -> None:
        """The session ends with the JVM."""
