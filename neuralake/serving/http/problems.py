"""What is answered when nothing can be: problem documents. Source: RFC 9457."""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec

from neuralake.errors import NeuralakeError
from neuralake.serving.answers import (
    CancelledError,
    FailedError,
    ForbiddenError,
    LimitError,
    OverloadedError,
    RefusedError,
    UnavailableError,
)

MEDIA_TYPE = "application/problem+json"
TITLES = {
    400: "The request cannot be understood",
    401: "A token is missing, or another one",
    403: "Only questions about the tables are answered",
    404: "There is no such thing here",
    405: "This is not done here",
    408: "The request did not come in time",
    413: "The request or its answer is too large",
    415: "This kind of content is not understood",
    406: "There is no such format",
    421: "The request is for another host",
    422: "The statement failed",
    429: "Too many requests",
    500: "A fault of the server's",
    503: "A table cannot be read just now",
    504: "The request took too long",
    507: "The request needs too much memory",
}
# The first that fits
_STATUSES: dict[type[Exception], int] = {
    ForbiddenError: 403,
    RefusedError: 400,
    FailedError: 422,
    UnavailableError: 503,
    CancelledError: 503,
    NeuralakeError: 400,
}
_LATER = {"retry-after": "1"}
_OF_LIMITS = {"rows": 413, "bytes": 413, "text": 413, "time": 504, "memory": 507}


@dataclass(frozen=True)
class ProblemError(Exception):
    """A request that is answered by a problem document.

    Attributes
    ----------
    status
        Of HTTP.
    detail
        What is wrong, and what would be right.
    headers
        Beyond those that every answer has.
    limit
        Which limit was reached, if one was.
    """

    status: int
    detail: str
    headers: dict[str, str] = field(default_factory=dict)
    limit: str | None = None

    def body(self) -> bytes:
        """The document."""
        document: dict[str, object] = {
            "type": "about:blank",
            "title": TITLES.get(self.status, "The request failed"),
            "status": self.status,
            "detail": self.detail,
        }
        if self.limit is not None:
            document["limit"] = self.limit
        return msgspec.json.encode(document)


def problem_of(error: Exception) -> ProblemError:
    """The problem that an error is to whoever asked; one that is ours tells nothing of itself."""
    if isinstance(error, ProblemError):
        return error
    if isinstance(error, OverloadedError):
        return ProblemError(429, str(error), {"retry-after": str(error.retry_after_s)})
    if isinstance(error, LimitError):
        return ProblemError(_OF_LIMITS[error.limit], str(error), limit=error.limit)
    for kind, status in _STATUSES.items():
        if isinstance(error, kind):
            return ProblemError(status, str(error), _LATER if status == 503 else {})
    return ProblemError(500, "the request met a fault of the server's, which its log tells of")
