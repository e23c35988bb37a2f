"""By what a batch is remembered in its table: an application, and a number among its own.

What is no such name or number would stand in the log, and no reader would take the table any more.
Source: Delta Transaction Log Protocol, "Transaction Identifiers": a string and a long.
"""

from __future__ import annotations

import operator

from neuralake.errors import reason_of
from neuralake.writer.errors import WriterError

_LEAST, _GREATEST = -(2**63), 2**63 - 1


def checked(
    application: object, sequence: object, after: object
) -> tuple[str | None, int | None, int | None]:
    """An application and its numbers as a log has them, of whatever integers they were.

    Raises
    ------
    WriterError
        If one is none, or numbers belong to nobody.
    """
    if application is not None:
        _check_name(application)
    numbers = _number("sequence", sequence), _number("after", after)
    if application is None and numbers[0] is not None:
        raise WriterError(f"sequence {numbers[0]} belongs to no application: name one")
    return (None if application is None else str(application)), *numbers


def _check_name(application: object) -> None:
    if not isinstance(application, str) or not application:
        raise WriterError(f"application is {application!r}: expected a name such as 'rig-7'")
    try:
        application.encode()
    except UnicodeEncodeError as error:
        raise WriterError(f"application {application!r} is no text: {reason_of(error)}") from error


def _number(name: str, value: object) -> int | None:
    if value is None:
        return None
    if not isinstance(value, bool) and hasattr(value, "__index__"):
        number = operator.index(value)
        if _LEAST <= number <= _GREATEST:
            return number
    raise WriterError(f"{name} is {value!r:.60}: expected a whole number of 64 bits")
