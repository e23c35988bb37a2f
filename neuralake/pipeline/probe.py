"""Asks the API, at even distances, how old what it answers is."""

from __future__ import annotations

import http.client
import threading
import time
from collections import deque
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import msgspec
import pyarrow as pa

from neuralake.errors import PipelineError, reason_of
from neuralake.identifiers import quoted
from neuralake.pipeline.figures import Reading

_KEPT = 200
_TIMEOUT_S = 30.0
_ARROW = "application/vnd.apache.arrow.stream"


@dataclass(frozen=True)
class Question:
    """What is asked.

    Attributes
    ----------
    table
        Name in SQL.
    moment
        Column with the moment of an event, a timestamp, by which the age of an answer is told; None
        asks for the number of rows alone.
    """

    table: str
    moment: str | None = None

    @property
    def sql(self) -> str:
        """How many rows there are, and which moment is the newest: one row."""
        newest = f", max({quoted(self.moment)}) AS newest" if self.moment else ""
        return f'SELECT count(*) AS "rows"{newest} FROM {quoted(self.table)}'  # noqa: S608


class Api:
    """The API as a client sees it; for one thread.

    Parameters
    ----------
    url
        Of the server, on this machine.
    token
        That it asks for, or None.
    """

    def __init__(self, url: str, token: str | None = None) -> None:
        parts = urlsplit(url)
        self._url = url
        self._connection = http.client.HTTPConnection(
            parts.hostname or "", parts.port, timeout=_TIMEOUT_S
        )
        self._headers = {"Content-Type": "application/json", "Accept": _ARROW}
        if token:
            self._headers["Authorization"] = f"Bearer {token}"

    def ask(self, sql: str) -> pa.Table:
        """The rows of an answer.

        Raises
        ------
        PipelineError
            If there is none.
        """
        try:
            body = msgspec.json.encode({"sql": sql})
            self._connection.request("POST", "/api/sql", body, self._headers)
            response = self._connection.getresponse()
            content = response.read()
            if response.status != 200:
                raise PipelineError(f"{self._url} answers {response.status}: {_detail(content)}")
            return pa.ipc.open_stream(content).read_all()
        except (OSError, http.client.HTTPException, pa.ArrowException) as error:
            self._connection.close()  # the next request opens it anew
            raise PipelineError(f"{self._url} does not answer: {reason_of(error)}") from error

    def read(self, question: Question) -> Reading:
        """How many rows there are, and how old the newest is."""
        asked_s = time.monotonic()
        row = self.ask(question.sql).to_pylist()[0]
        answered_s, now_s = time.monotonic(), time.time()
        newest: datetime | None = row.get("newest")
        age_s = None if newest is None else now_s - newest.timestamp()
        return Reading(asked_s, answered_s, row["rows"], age_s)

    def close(self) -> None:
        """End the connection."""
        self._connection.close()


class Probe:
    """Asks again and again, in a thread.

    Parameters
    ----------
    url, token
        Of the API.
    question
        What is asked.
    every_s
        From one question to the next, in seconds; one that is due while another waits is left out.
    """

    def __init__(
        self, url: str, question: Question, *, every_s: float, token: str | None = None
    ) -> None:
        self._api = Api(url, token)
        self._question = question
        self._every_s = every_s
        self._readings: deque[Reading] = deque(maxlen=_KEPT)
        self._trouble = ""
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    @property
    def readings(self) -> list[Reading]:
        """What the last questions found."""
        return list(self._readings)

    @property
    def trouble(self) -> str:
        """Why the last question had no answer; empty if it had."""
        return self._trouble

    def start(self) -> None:
        """Begin to ask."""
        self._thread.start()

    def stop(self) -> None:
        """Ask no more."""
        self._is_over.set()
        self._thread.join()
        self._api.close()

    def _run(self) -> None:
        due_s = time.monotonic()
        while not self._is_over.wait(max(0.0, due_s - time.monotonic())):
            try:
                self._readings.append(self._api.read(self._question))
                self._trouble = ""
            except PipelineError as error:
                self._trouble = str(error)
            missed = int((time.monotonic() - due_s) / self._every_s)
            due_s += (1 + missed) * self._every_s


def _detail(content: bytes) -> str:
    """What a problem document says."""
    try:
        found: Any = msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return content[:200].decode(errors="replace")
    return str(found.get("detail", found)) if isinstance(found, dict) else str(found)
