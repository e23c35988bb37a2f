"""How a command ends where it did not go well: an exit status, and one line that says why."""

from __future__ import annotations

import errno
import os
import select
import signal
import sys
import traceback
from contextlib import suppress
from dataclasses import dataclass
from typing import TextIO

import click

from neuralake.errors import NeuralakeError, reason_of
from neuralake.report.text import one_line

BAD_INPUT = 2
FAULT = 70  # EX_SOFTWARE of sysexits.h
INTERRUPTED = 128 + signal.SIGINT
BROKEN_PIPE = 128 + signal.SIGPIPE
_STDOUT = 1


@dataclass(frozen=True)
class Ending:
    """How a command ends.

    Attributes
    ----------
    status
        Exit status.
    line
        What is said of it, if anything.
    """

    status: int
    line: str = ""


def end(error: BaseException, *, debug: bool) -> int:
    """Say on standard error why a command did not end well, and return its exit status.

    Parameters
    ----------
    error
        What left the command.
    debug
        Whether its trace is shown too.
    """
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # whoever presses Ctrl-C again means it
    ending = _ending(error)
    if isinstance(error, OSError):
        _leave(sys.stdout)
    try:
        if debug and not isinstance(error, click.ClickException):
            traceback.print_exception(error)
        if isinstance(error, click.exceptions.NoArgsIsHelpError):
            click.echo(error.format_message(), err=True)
        elif ending.line:
            click.echo(f"neuralake: {one_line(ending.line)}", err=True)
    except OSError:  # nobody listens on standard error
        _leave(sys.stderr)
    return ending.status


def _ending(error: BaseException) -> Ending:
    match error:
        case click.Abort() | KeyboardInterrupt():
            return Ending(INTERRUPTED, f"interrupted: {error}" if str(error) else "interrupted")
        case click.UsageError():
            return Ending(BAD_INPUT, _usage(error))
        case click.ClickException():
            return Ending(BAD_INPUT, error.format_message())
        case NeuralakeError():
            return Ending(error.exit_status, str(error))
        case OSError(errno=errno.EPIPE) if _is_unread(_STDOUT):
            return Ending(BROKEN_PIPE)  # as if the signal had ended it: head has what it wants
        case OSError(strerror=str(reason)):
            what = error.filename if error.filename is not None else "reading or writing failed"
            return Ending(BAD_INPUT, f"{os.fsdecode(str(what))}: {reason}")
        case MemoryError():
            return Ending(BAD_INPUT, "there is not enough memory for it on this machine")
    return Ending(
        FAULT,
        f"this is a fault of Neuralake's, not yours: {type(error).__name__}: {reason_of(error)}; "
        "please report it with the trace that neuralake --debug prints",
    )


def _usage(error: click.UsageError) -> str:
    """What click found wrong with what was typed, and where to read what would be right."""
    message = error.format_message()
    says_it_all = isinstance(error, click.BadParameter) and not isinstance(
        error, click.MissingParameter
    )
    if says_it_all or error.ctx is None:
        return message
    if message.startswith("Got unexpected extra argument"):
        message = f"{message.rstrip('.')}: lists are written a,b and texts in quotes"
    return f"{message.rstrip('.')} (see {error.ctx.command_path} --help)"


def _is_unread(descriptor: int) -> bool:
    """Whether a pipe has lost its reader."""
    poll = select.poll()
    poll.register(descriptor, 0)
    return any(event & select.POLLERR for _, event in poll.poll(0))


def _leave(stream: TextIO) -> None:
    """Write nowhere from now on: Python would try again at its exit, and end with status 120."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
