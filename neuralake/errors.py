"""Everything that can go wrong for a reason the user can act on.

Each message says what was wrong, the value, and what would be right, in one line. The command
line prints it and exits with :attr:`NeuralakeError.exit_status`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Literal, TypeAlias

_ANSI = re.compile(r"\x1b\[[0-9;]*m")
_BACKTRACE = re.compile(r"\n\s*0: .*", re.DOTALL)
_CAUSED_BY = re.compile(r"\ncaused by\n", re.IGNORECASE)
# What follows the first words: plans, excerpts of the SQL, the stack of expressions
_EXCERPT = re.compile(r"\n\s*(?:== |LINE \d+: |Candidate functions:|Driver stacktrace:)|;\n")
_JAVA_FRAME = re.compile(r"^\s+at [\w.$/<>]+\(", re.MULTILINE)
_JAVA_CAUSE = re.compile(
    r"^(?:Caused by: |: )?(?:[\w$]+\.)+(?P<kind>[\w$]+)(?:: (?P<message>.*?))?(?=^\s+at |\Z)",
    re.MULTILINE | re.DOTALL,
)
# Spark, "Error Conditions": a name such as [DIVIDE_BY_ZERO], one line, and an SQLSTATE
_SPARK_CONDITION = re.compile(r"\[[A-Z0-9]+_[A-Z0-9_]+(?:\.[A-Z0-9_]+)?\] .*")
_SQLSTATE = re.compile(r"\s*SQLSTATE: \w{5};?")
# An error of the system as Rust prints its fields: its words are the part that tells
_RUST_OS_ERROR = re.compile(
    r'(?:[:.]?\s*Error)?:?\s*Os \{ code: \d+, kind: \w+, message: "(?P<words>[^"]*)" \}'
)
_LONGEST_REASON = 300

Remedy: TypeAlias = Literal["none", "now", "later", "other rows"]


class NeuralakeError(Exception):
    """Base of all errors that are the caller's to mend.

    Attributes
    ----------
    remedy
        Whether the same may succeed when it is tried again: now that others have done their part,
        later, with other rows, or not at all.
    """

    exit_status = 2
    remedy: Remedy = "none"


class DeprecatedTableWarning(UserWarning):
    """A table is used whose owner asks to use another one."""


class ConfigError(NeuralakeError):
    """An environment variable is missing or has an impossible value."""


class CatalogError(NeuralakeError):
    """A table is unknown, cannot be read, or is declared wrongly."""


class NoSuchVersionError(CatalogError):
    """A table was never at a version, or no longer has it."""


class SchemaMismatchError(CatalogError):
    """A table's live schema differs from its declaration; the message names the column."""


class StorageError(NeuralakeError, OSError):
    """Object storage is away, refuses the key, lacks the bucket, or answers with an error.

    It is an ``OSError``, as what a disk says is. The message holds no credential.
    """


class StorageRefusedError(StorageError):
    """Object storage refuses what the key, or nobody without one, has a right to."""


class DatasetError(NeuralakeError):
    """A dataset is absent, half, foreign, of another version, or cannot be written."""


class ParameterError(NeuralakeError):
    """A seed, a stream or a refresh set is none that TPC-H has."""


class EngineError(NeuralakeError):
    """An engine is unknown, has no such option, or cannot be started."""


class EngineUnavailableError(EngineError):
    """An engine's package or runtime is missing; the message has the line that installs it."""


class EngineEndedError(EngineError):
    """What an engine runs on has ended under it: it answers again when it is started anew."""


class JavaError(NeuralakeError):
    """There is no Java that would do, or jars cannot be fetched or kept."""


class NoJavaError(JavaError):
    """There is no Java that would do; the message has the line that installs one."""


class WriteConflictError(EngineError):
    """Another writer was first; nothing of this change is in the table."""

    remedy = "now"


class UnsupportedWriteError(EngineError):
    """An engine has no way to change such a table; the message names what stands against it."""


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


class PlaceError(NeuralakeError):
    """Tables cannot be written where a run would have them, or not be removed."""


class IngestError(NeuralakeError):
    """A run of ingest asks for what cannot be: a contestant, or a load."""


class FreshnessError(NeuralakeError):
    """A run of freshness asks for what cannot be: a source, a reader, or a load."""


class LifecycleError(NeuralakeError):
    """A plan of a table's life cannot be read, or asks for what cannot be."""


class LoadError(NeuralakeError):
    """A load cannot be offered: a contestant, a rate or a mix that cannot be, or no server."""


class SourceError(NeuralakeError):
    """Rows that cannot be read: what comes is not what was said, or fits no column of the table."""


class ServingError(NeuralakeError):
    """A request that is not answered, or a server that cannot be started."""


class PipelineError(NeuralakeError):
    """A part of a pipeline that cannot be started, or that answers no more."""


class HistoryError(NeuralakeError):
    """Results over commits are absent, corrupt or of another version, or git cannot order them."""


def did_you_mean(given: str, known: Iterable[str]) -> str:
    """The end of a message about a name that is not known: what is spelled much like it, if any.

    Parameters
    ----------
    given
        What was typed.
    known
        What there is.
    """
    by_folded = {name.casefold(): name for name in known}
    close = get_close_matches(given.casefold(), by_folded, n=1)
    return f"; did you mean {by_folded[close[0]]}?" if close else ""


def shortened(text: str, characters: int) -> str:
    """The text, or as many characters of it with what shows that there are more."""
    return text if len(text) <= characters else f"{text[:characters]}…"


def reason_of(error: BaseException, secrets: Iterable[str] = ()) -> str:
    """The part of a library's error that tells what is wrong, as one short line for one of ours.

    Parameters
    ----------
    error
        What the library raised. One without a message gives its type, and its cause.
    secrets
        Replaced by ``***``, in this order.
    """
    text = telling_part(_message(error))
    if not text:
        kind, cause = type(error).__name__, error.__cause__
        text = kind if cause is None else f"{kind}: {telling_part(_message(cause))}"
    for secret in secrets:
        text = text.replace(secret, "***")
    return shortened(text, _LONGEST_REASON)


def named_reason(error: BaseException) -> str:
    """As :func:`reason_of`, with the exception's type: for those of the user's own code."""
    name, reason = type(error).__name__, reason_of(error)
    return reason if reason.startswith(name) else f"{name}: {reason}"


def telling_part(text: str) -> str:
    """What tells the fault in a library's message, in one line; empty if nothing does.

    Colours, backtraces, query plans and excerpts of the SQL are left out. Of a chain of causes the
    innermost that says something is taken: DataFusion sets them apart by ``caused by``, a Java
    trace by ``Caused by:``. Of Spark's error conditions, ``[DIVIDE_BY_ZERO] …``, it is the
    innermost too, with its own cause in brackets.

    Parameters
    ----------
    text
        The message of an exception, of any length.
    """
    text = _BACKTRACE.sub("", _ANSI.sub("", text)).strip()
    text = _RUST_OS_ERROR.sub(r": \g<words>", text).removeprefix(": ")
    causes = _java_causes(text) if _JAVA_FRAME.search(text) else []
    conditions = _SPARK_CONDITION.findall(text) if causes or text.startswith("[") else []
    if conditions:
        words = _SQLSTATE.sub("", conditions[-1]).strip(" ;")
        if causes and conditions[-1] not in causes[-1]:
            words = f"{words} (caused by {causes[-1]})"
    elif causes:
        words = causes[-1]
    else:
        words = _first_paragraph(_CAUSED_BY.split(text)[-1])
    return " ".join("".join(c if c.isprintable() else " " for c in words).split())


def _java_causes(text: str) -> list[str]:
    """The exceptions of a Java trace that have a message, outermost first; or the innermost."""
    found = [(m["kind"], _first_paragraph(m["message"] or "")) for m in _JAVA_CAUSE.finditer(text)]
    told = [f"{kind}: {message}" for kind, message in found if message]
    return told or [kind for kind, _ in found[-1:]]


def _first_paragraph(text: str) -> str:
    """Up to a blank line or an excerpt, but beyond a line that only announces."""
    paragraphs = [p.strip() for p in re.split(r"\n\s*\n", _EXCERPT.split(text.strip())[0])]
    first = paragraphs[0]
    return " ".join(paragraphs[:2]) if first.endswith(":") else first


def _message(error: BaseException) -> str:
    """What an exception says; a library's may itself fail to say it (a JVM that is gone)."""
    try:
        text = str(error)
    except Exception:  # noqa: BLE001 (whatever its text may raise)
        return ""
    # The message of a KeyError is the key alone
    return f"{type(error).__name__}: {text}" if isinstance(error, KeyError) and text else text
