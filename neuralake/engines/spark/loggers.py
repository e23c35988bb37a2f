"""What PySpark says besides answers and errors, and is not to."""

from __future__ import annotations

import warnings

# They print, with a stack trace, each error that PySpark raises besides.
_REPEATING_LOGGERS = ("SQLQueryContextLogger", "DataFrameQueryContextLogger")


def be_quiet() -> None:
    """Let PySpark say nothing that is no answer and no error."""
    from pyspark.logger import PySparkLogger

    # Of a package to which nothing here is handed; a line that is no answer and no error
    warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas")
    for name in _REPEATING_LOGGERS:
        PySparkLogger.getLogger(name).disabled = True
