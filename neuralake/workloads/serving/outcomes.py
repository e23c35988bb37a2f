"""What became of each request, in columns: a few bytes each, so that millions of them fit."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping

import numpy as np
import numpy.typing as npt
import xxhash

from neuralake.results.serving.samples import ERROR, OK, REFUSED, TIMEOUT, WRONG
from neuralake.workloads.serving.requests import Request

Ints = npt.NDArray[np.int64]
NEVER = -(2**63)  # no moment: those before a load are negative
TOO_MANY = 429  # RFC 6585, 4


class Outcomes:
    """Requests, when they were due, sent and answered, and what came back.

    A body is kept once for each request and digest, so that every answer can be checked when
    nothing is measured any more: equal bytes are equally right.

    Parameters
    ----------
    timeout_ns
        From the moment at which a request is due.
    """

    def __init__(self, timeout_ns: int) -> None:
        self.timeout_ns = timeout_ns
        self.requests: list[Request] = []
        self.intended = array("q")
        self.started = array("q")
        self.done = array("q")
        self.status = array("b")
        self.http_status = array("h")
        self.size = array("q")
        self.digest = array("Q")
        self.bodies: dict[tuple[Request, int], bytes] = {}
        self.messages: dict[int, str] = {}

    def __len__(self) -> int:
        return len(self.requests)

    def due(self, request: Request, intended_ns: int) -> int:
        """A request is due; returns its number. Until something comes of it, it has timed out."""
        self.requests.append(request)
        self.intended.append(intended_ns)
        self.started.append(NEVER)
        self.done.append(NEVER)
        self.status.append(TIMEOUT)
        self.http_status.append(0)
        self.size.append(0)
        self.digest.append(0)
        return len(self.requests) - 1

    def begun(self, number: int, started_ns: int) -> None:
        """It is sent."""
        self.started[number] = started_ns

    def answered(self, number: int, done_ns: int, http_status: int, body: bytes) -> None:
        """It has an answer: its latency ended before this is called."""
        self.done[number] = done_ns
        self.http_status[number] = http_status
        self.size[number] = len(body)
        if not 200 <= http_status < 300:
            self.status[number] = REFUSED if http_status == TOO_MANY else ERROR
            if http_status != TOO_MANY:
                self.messages[number] = f"{http_status}: {body[:300].decode(errors='replace')}"
            return
        digest = xxhash.xxh3_64_intdigest(body)
        self.digest[number] = digest
        self.status[number] = OK
        self.bodies.setdefault((self.requests[number], digest), body)

    def failed(self, number: int, done_ns: int, message: str) -> None:
        """It came to nothing, at a moment."""
        self.done[number] = done_ns
        self.status[number] = ERROR
        self.messages[number] = message

    def overdue(self, number: int) -> None:
        """It was not answered in time."""
        self.status[number] = TIMEOUT

    def judge(self, faults: Mapping[tuple[Request, int], str]) -> None:
        """Some answers are wrong: by request and digest, with what is wrong."""
        if not faults:
            return
        for number, key in enumerate(zip(self.requests, self.digest, strict=True)):
            if key in faults:
                self.status[number] = WRONG
                self.messages[number] = faults[key]

    def column(self, name: str) -> Ints:
        """A column as numbers; a moment that never came is :data:`NEVER`."""
        kept = getattr(self, name)
        return np.array(kept, dtype=np.uint64 if name == "digest" else np.int64).astype(np.int64)

    def count(self, status: int, of: Iterable[int] | None = None) -> int:
        """How many have a status."""
        return sum(self.status[n] == status for n in (of if of is not None else range(len(self))))
