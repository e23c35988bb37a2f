"""What goes wrong, as Flight says it: each kind has its gRPC status."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow as pa
from pyarrow import flight

from neuralake.errors import NeuralakeError, reason_of
from neuralake.serving.answers import (
    CancelledError,
    ForbiddenError,
    LimitError,
    OverloadedError,
    UnavailableError,
)
from neuralake.serving.flight_sql.wire import WireError

_LOG = logging.getLogger("neuralake.serve")
# In this order: some are kinds of others
_KINDS: dict[tuple[type[Exception], ...], type[flight.FlightError]] = {
    # A cancelled call would be a KeyboardInterrupt to a client of pyarrow
    (OverloadedError, UnavailableError, CancelledError): flight.FlightUnavailableError,
    (ForbiddenError,): flight.FlightUnauthorizedError,
    (NeuralakeError, NotImplementedError, WireError, pa.ArrowInvalid): flight.FlightServerError,
}


@contextmanager
def as_flight_errors() -> Iterator[None]:
    """Turn what goes wrong into errors of Flight, in one line.

    Of any other exception pyarrow sends the trace along, with the paths of this machine.
    """
    try:
        yield
    except (flight.FlightError, GeneratorExit):
        raise
    except Exception as error:  # noqa: BLE001 (whatever it is, the client is told)
        raise flight_error(error) from None


def flight_error(error: Exception) -> flight.FlightError:
    """The error of Flight that stands for one of ours."""
    reason = reason_of(error)
    if isinstance(error, LimitError) and error.limit == "time":
        return flight.FlightTimedOutError(reason)
    for kinds, made in _KINDS.items():
        if isinstance(error, kinds):
            return made(reason)
    _LOG.error("%s: %s", type(error).__name__, reason)
    return flight.FlightInternalError("a fault of the server's, which is in its log")
