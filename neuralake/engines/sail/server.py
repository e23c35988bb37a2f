"""Sail's server in this process: on a free port of the loopback interface, and gone with it."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING

from neuralake.engines.sail.options import as_variables
from neuralake.errors import EngineError, reason_of

if TYPE_CHECKING:
    from pyspark.sql.connect.session import SparkSession

_LOOPBACK = "127.0.0.1"
# A user's Sail or Spark is configured through these; a measurement must not depend on them
_FOREIGN_PREFIXES = ("SAIL_", "SPARK_", "PYSPARK_")


class SailServer:
    """A running server.

    Parameters
    ----------
    config
        Sail's settings.
    threads
        Worker threads.

    Raises
    ------
    EngineError
        If it does not start; Sail knows no such setting, for one.
    """

    def __init__(self, config: Mapping[str, str], threads: int) -> None:
        from pysail.spark import SparkConnectServer

        # Of a package that nothing here hands to Spark; it is said when the client is imported
        warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas")
        from pyspark.sql.connect.session import SparkSession

        os.environ.setdefault("RUST_LOG", "error")
        variables = {**as_variables(config), "TOKIO_WORKER_THREADS": str(threads)}
        with environment(variables):
            try:
                self._server = SparkConnectServer(_LOOPBACK, 0)
                self._server.start(background=True)
            except BaseException as error:  # a Rust panic is not an Exception
                if isinstance(error, KeyboardInterrupt):
                    raise
                raise EngineError(f"sail: {reason_of(error)}") from error
        address = self._server.listening_address
        if address is None:
            raise EngineError("sail: its server listens nowhere")
        self._connect = partial(SparkSession, f"sc://{_LOOPBACK}:{address[1]}")

    def connect(self) -> SparkSession:
        """A session of its own: views that are made in it are seen by no other."""
        with environment({}):
            session = self._connect()
        # The server is in this process: one that does not answer will not come back
        session.client.set_retry_policies([])
        session.conf.set("spark.sql.session.timeZone", "UTC")
        return session

    def stop(self) -> None:
        """Stop it. May be called again."""
        if self._server.running:
            with suppress(RuntimeError):
                self._server.stop()


@contextmanager
def environment(variables: Mapping[str, str]) -> Iterator[None]:
    """The process's environment with these variables, and none that is another Sail's."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name.startswith(_FOREIGN_PREFIXES) or name in variables
    }
    for name in kept:
        del os.environ[name]
    os.environ.update(variables)
    try:
        yield
    finally:
        for name in variables:
            os.environ.pop(name, None)
        os.environ.update(kept)
