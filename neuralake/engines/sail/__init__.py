"""Sail: a server of Spark Connect in Rust, in this process, and PySpark's client to it; an extra.

:mod:`.options` says what can be chosen, :mod:`.server` starts and stops it, :mod:`.rows` gives it
the rows of tables that its own readers do not read rightly, and :mod:`.engine` registers tables and
runs queries.
"""

from neuralake.engines.sail.engine import SailEngine, SailSession
from neuralake.engines.sail.options import SailOptions

__all__ = ["SailEngine", "SailOptions", "SailSession"]
