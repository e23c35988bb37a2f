"""Everything that can go wrong for a reason the user can act on.

Each message says what was wrong, the value, and what would be right, in one line. The command
line prints it and exits with :attr:`NeuralakeError.exit_status`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_ANSI = re.compile(r"\x1b\[[0-9;]*m")
_BACKTRACE = re.compile(r"\n\s*0: .*", re.DOTALL)
_LONGEST_REASON = 300


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


def reason_of(error: BaseException, secrets: Iterable[str] = ()) -> str:
    """A library's error as one short line without colours and backtrace, to go into one of ours.

    Parameters
    ----------
    error
        What the library raised; without a message it gives its type.
    secrets
        Replaced by ``***``, in this order.
    """
    text = _BACKTRACE.sub("", _ANSI.sub("", str(error)))
    words = "".join(c if c.isprintable() else " " for c in text).split()
    text = " ".join(words) or type(error).__name__
    for secret in secrets:
        text = text.replace(secret, "***")
    return text if len(text) <= _LONGEST_REASON else text[:_LONGEST_REASON] + "…"
