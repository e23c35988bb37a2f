"""Spark behind a Spark Connect server: a client without a JVM.

What Spark is started with (Delta, memory, where it works) is the server's own and is only told
here; what a session may choose is chosen as for a Spark of our own. Source: Apache Spark, "Spark
Connect Overview", "Application Development with Spark Connect".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from importlib.metadata import version
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final, cast

from neuralake.engines.spark.conf import session_conf, shown
from neuralake.engines.spark.loggers import be_quiet
from neuralake.engines.spark.masters import Master
from neuralake.engines.spark.options import SparkOptions
from neuralake.errors import EngineError, EngineUnavailableError

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

# Half a minute of attempts, where PySpark's own take ten to tell that a server is gone
_MOST_RETRIES: Final = 9
_LONGEST_WAIT_MS: Final = 5_000
_DELTA = "io.delta.sql.DeltaSparkSessionExtension"
_GONE = re.compile(r"StatusCode\.UNAVAILABLE|RETRIES_EXCEEDED|SESSION_(?:CLOSED|NOT_FOUND|CHANGED)")


class ConnectClient:
    """A client of a Spark Connect server.

    Parameters
    ----------
    options
        What the caller chose.
    master
        Where the server is.

    Raises
    ------
    EngineUnavailableError
        If what a client needs is not installed.
    EngineError
        If the server does not answer, refuses a setting, or lacks Delta where that is asked for.
    """

    works_elsewhere = True

    def __init__(self, options: SparkOptions, master: Master) -> None:
        require_client()
        be_quiet()
        self._master = master
        self._lost = ""
        self._conf: dict[str, str] = {}
        self._first = self._connect()
        try:
            self._server_version = str(self._first.version)
            parallelism = options.shuffle_partitions or self._parallelism()
            self._conf = session_conf(options, parallelism)
            self._set(self._first)
            self.has_delta = self._has_delta(options)
        except Exception as error:
            self.stop()
            if isinstance(error, EngineError):
                raise
            raise EngineError(
                f"spark: the Spark Connect server at {master.shown} does not answer as one: "
                f"{_first_line(error)}"
            ) from error
        self.settings: Mapping[str, Any] = {
            "master": master.shown,
            "server_master": self._server_setting("spark.master"),
            "server_parallelism": self._parallelism(),
            "server_jars": [
                path.rpartition("/")[2]
                for path in self._server_setting("spark.jars").split(",")
                if path
            ],
            **shown(self._conf, options, reads_delta=self.has_delta),
        }

    @property
    def lost(self) -> str:
        """Why it will never answer again; empty while it may."""
        return self._lost

    def versions(self) -> dict[str, str]:
        """Of the client and of the server."""
        return {"pyspark": version("pyspark"), "spark-server": self._server_version}

    def new_session(self) -> SparkSession:
        """A session of its own on the server, with the chosen settings."""
        session = self._connect()
        self._set(session)
        return session

    def end_session(self, session: SparkSession) -> None:
        """Release a session, with its views, on the server."""
        if self._lost:
            session.client.close()  # or it would try for minutes, when Python ends, to tidy up
        else:
            session.stop()

    def note(self, error: Exception) -> None:
        """Take notice of an error that tells that the server is gone."""
        if _GONE.search(f"{error!r} {error}"):
            self._lost = f"the Spark Connect server at {self._master.shown} is gone"

    def reach(self, buckets: Mapping[str, Mapping[str, str]]) -> None:
        """Nothing can be told to a server's file systems; it reaches S3 by its own settings."""

    def stop(self) -> None:
        """Release the first session. May be called again."""
        with suppress(Exception):
            self.end_session(self._first)

    def _connect(self) -> SparkSession:
        from pyspark.sql.connect.client.retries import DefaultPolicy
        from pyspark.sql.connect.session import SparkSession as RemoteSession

        try:
            session = RemoteSession(connection=self._master.text)
            policy = DefaultPolicy(max_retries=_MOST_RETRIES, max_backoff=_LONGEST_WAIT_MS)
            session.client.set_retry_policies([policy])
        except Exception as error:
            raise EngineError(
                f"spark: no session at {self._master.shown}: {_first_line(error)}"
            ) from error
        return cast("SparkSession", session)

    def _set(self, session: SparkSession) -> None:
        for name, value in self._conf.items():
            try:
                session.conf.set(name, value)
            except Exception as error:
                raise EngineError(
                    f"spark: the server at {self._master.shown} does not take {name}: "
                    f"{_first_line(error)}"
                ) from error

    def _server_setting(self, name: str) -> str:
        return str(self._first.conf.get(name, "") or "")

    def _parallelism(self) -> int:
        """Tasks that the server runs at once: so many parts it makes of a range."""
        found = self._first.sql(
            "SELECT count(*) AS n FROM (SELECT DISTINCT spark_partition_id() FROM range(0, 100000))"
        )
        return int(found.toArrow()["n"][0].as_py())

    def _has_delta(self, options: SparkOptions) -> bool:
        if options.delta_reader == "snapshot-files":
            return False
        found = _DELTA in self._server_setting("spark.sql.extensions")
        if not found and options.delta_reader == "delta":
            raise EngineError(
                f"spark: the server at {self._master.shown} was started without Delta Lake "
                f"(spark.sql.extensions lacks {_DELTA}): start it with Delta's jars, or choose "
                "delta_reader=snapshot-files"
            )
        return found


def require_client() -> None:
    """Refuse to begin without what PySpark's client needs.

    Raises
    ------
    EngineUnavailableError
        If a package is missing.
    """
    for name in ("grpc", "grpc_status", "pandas", "zstandard"):
        if find_spec(name) is None:
            raise EngineUnavailableError(
                f"spark: Spark Connect needs {name}: pip install 'neuralake-bench[connect]'"
            )


def _first_line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0]
