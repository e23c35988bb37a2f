"""What became of an execution that gave no answer: a status, and the reason in words."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from neuralake.errors import EngineEndedError, telling_part
from neuralake.measure.process import living
from neuralake.measure.worker import (
    RemoteError,
    WorkerDiedError,
    WorkerMemoryError,
    WorkerTimeoutError,
)
from neuralake.results.records import Status

Failure = RemoteError | WorkerDiedError | WorkerMemoryError | WorkerTimeoutError
FAILURES = (RemoteError, WorkerDiedError, WorkerMemoryError, WorkerTimeoutError)

# Without an answer for so long an engine has hung while it started or opened its tables.
SETUP_TIMEOUT_S = 1800.0
_MESSAGE_CHARACTERS = 2000
_LOG_TAIL_BYTES = 16_384
# What allocators and engines say when there is no more memory: Python, Java, Rust, DataFusion
_OUT_OF_MEMORY = re.compile(
    r"MemoryError|OutOfMemoryError|out of memory|insufficient memory"
    r"|memory allocation of \d+ bytes failed|Resources ?[Ee]xhausted",
    re.IGNORECASE,
)
_SECRET = re.compile(r"SECRET|TOKEN|PASSWORD|PASSWD|CREDENTIAL|ACCESS_KEY|API_KEY")
_SHORTEST_SECRET = 6
# After an error a process of the engine that dies of it is seen to have ended within this time.
_LOSS_SHOWS_S = 0.5


@dataclass(frozen=True)
class Verdict:
    """Status and reason of an execution that failed.

    Attributes
    ----------
    status
        ``error``, ``timeout``, ``oom`` or ``crashed``.
    message
        Why, at most 2,000 characters, without secrets of the environment.
    replace
        Whether the process is gone, or cannot be trusted any more.
    """

    status: Status
    message: str
    replace: bool


def judge(failure: Failure, said: str, *, limit_bytes: int | None) -> Verdict:
    """Say what a failure was.

    Parameters
    ----------
    failure
        What the call raised.
    said
        What the process printed during the call.
    limit_bytes
        Memory limit in force, or None.
    """
    words = str(failure)
    match failure:
        case WorkerTimeoutError():
            return _verdict("timeout", words, replace=True)
        case WorkerMemoryError():
            return _verdict("oom", words, replace=True)
        case RemoteError():
            return _judge_error(failure, words, said, limit_bytes)
        case WorkerDiedError():
            last = said.strip().rpartition("\n")[2].strip()
            if failure.out_of_memory:
                text = f"{words} for want of memory{_limit(limit_bytes)}"
                return _verdict("oom", text, replace=True)
            memory = _OUT_OF_MEMORY.search(said)
            reason = f"{words} ({memory[0]})" if memory and memory[0] not in last else words
            text = f"{reason}; its last words: {last}" if last else reason
            return _verdict("oom" if memory else "crashed", text, replace=True)


def _judge_error(failure: RemoteError, words: str, said: str, limit_bytes: int | None) -> Verdict:
    text = f"{failure.kind}: {telling_part(words) or words}"
    if failure.out_of_memory:
        text = f"a process was killed for want of memory{_limit(limit_bytes)}; {text}"
        return _verdict("oom", text, replace=True)
    if _OUT_OF_MEMORY.search(text):
        return _verdict("oom", text, replace=True)
    # A JVM tells its log and not the caller, or the caller below what tells the fault
    if memory := _OUT_OF_MEMORY.search(words) or _OUT_OF_MEMORY.search(said):
        return _verdict("oom", f"{memory[0]}: {text}", replace=True)
    if failure.kind == EngineEndedError.__name__:
        return _verdict("crashed", words, replace=True)
    return _verdict("error", text, replace=False)


def engine_lost(verdict: Verdict) -> Verdict:
    """An error after which a process of the engine is gone, so that it answers no more."""
    return _verdict("crashed", f"a process of the engine ended: {verdict.message}", replace=True)


def has_lost_a_process(pid: int, tree: Collection[int]) -> bool:
    """Whether a process of an engine, a JVM for one, has ended or ends just now.

    Parameters
    ----------
    pid
        The process that the engine was started in.
    tree
        It and its descendants when all was well.
    """
    if len(tree) < 2:
        return False
    deadline = time.monotonic() + _LOSS_SHOWS_S
    while not set(tree) - set(living(pid)):
        if time.monotonic() > deadline:
            return False
        time.sleep(_LOSS_SHOWS_S / 10)
    return True


def log_tail(log: Path, start: int) -> str:
    """What was appended to a log after a position, at most its last 16 KiB."""
    try:
        with log.open("rb") as file:
            end = file.seek(0, os.SEEK_END)
            file.seek(max(start, end - _LOG_TAIL_BYTES))
            return file.read().decode(errors="replace")
    except OSError:
        return ""


def without_secrets(text: str, environ: Mapping[str, str]) -> str:
    """The text without the values of variables whose names say that they are secrets."""
    for name, value in environ.items():
        if _SECRET.search(name.upper()) and len(value) >= _SHORTEST_SECRET:
            text = text.replace(value, "***")
    return text


def _verdict(status: Status, message: str, *, replace: bool) -> Verdict:
    return Verdict(status, without_secrets(message, os.environ)[:_MESSAGE_CHARACTERS], replace)


def _limit(limit_bytes: int | None) -> str:
    return "" if limit_bytes is None else f" (limit {limit_bytes / 2**20:.0f} MiB)"
