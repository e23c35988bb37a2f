"""Everything that can go wrong for a reason the user can act on.

Each message says what was wrong, the value, and what would be right, in one line. The command
line prints it and exits with :attr:`NeuralakeError.exit_status`.
"""

from __future__ import annotations


class NeuralakeError(Exception):
    """Base of all errors that are the caller's to mend."""

    exit_status = 2


class ConfigError(NeuralakeError):
    """An environment variable is missing or has an impossible value."""


class CatalogError(NeuralakeError):
    """A table is unknown, cannot be read, or is declared wrongly."""


class SchemaMismatchError(CatalogError):
    """A table's live schema differs from its declaration; the message names the column."""


class DatasetError(NeuralakeError):
    """A dataset is absent, half, foreign, of another version, or cannot be written."""


class EngineError(NeuralakeError):
    """An engine is unknown, has no such option, or cannot be started."""


class EngineUnavailableError(EngineError):
    """An engine's package or runtime is missing; the message has the line that installs it."""


class QueryError(NeuralakeError):
    """A query is not SQL, or names what does not exist."""


class ResultsError(NeuralakeError):
    """A run is absent, corrupt, of another schema version, or cannot be written."""


class ArmError(NeuralakeError):
    """An arm is not written as arms are, does not exist, or cannot be built."""


class BusyError(NeuralakeError):
    """Another process holds the lock; the message names the holder."""


class CompareError(NeuralakeError):
    """Two arms cannot be compared: one cannot run, or they do not read the same data."""


class HistoryError(NeuralakeError):
    """Results over commits are absent, corrupt or of another version, or git cannot order them."""
