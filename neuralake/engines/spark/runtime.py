"""What the adapter needs of a Spark, wherever that runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


class Runtime(Protocol):
    """A running Spark: a JVM of our own, perhaps with a cluster, or a Spark Connect server.

    Attributes
    ----------
    settings
        In effect, as recorded with every result.
    works_elsewhere
        Whether other processes than our descendants do the work.
    has_delta
        Whether it reads tables through Delta Lake.
    """

    settings: Mapping[str, Any]
    works_elsewhere: bool
    has_delta: bool

    @property
    def lost(self) -> str:
        """Why it will never answer again; empty while it may."""

    def versions(self) -> dict[str, str]:
        """Of Spark, and of what it runs on."""

    def new_session(self) -> SparkSession:
        """A session that shares nothing with others but what is loaded."""

    def end_session(self, session: SparkSession) -> None:
        """Let go of a session."""

    def note(self, error: Exception) -> None:
        """Take notice of what a query raised: it may tell that :attr:`lost` is to be said."""

    def reach(self, buckets: Mapping[str, Mapping[str, str]]) -> None:
        """Take up what reaches S3, by bucket, under object_store's names.

        Raises
        ------
        EngineError
            If it cannot.
        """

    def stop(self) -> None:
        """Let go of it, and end what we have started. May be called again."""
