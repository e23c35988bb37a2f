"""One request over HTTP, and what its answer says whatever its status is."""

from __future__ import annotations

import http.client
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from neuralake.verify.check import CheckFailedError

_MOST_BYTES = 16 * 2**20


@dataclass(frozen=True)
class Answer:
    """What a server answered.

    Attributes
    ----------
    status
        Of HTTP.
    date
        When it says that was; None if it does not.
    body
        Its content, up to 16 MiB.
    """

    status: int
    date: datetime | None
    body: bytes


def request(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
    timeout_s: float,
) -> Answer:
    """Ask a server once; certificates are checked as OpenSSL is told (``SSL_CERT_FILE``).

    Raises
    ------
    CheckFailedError
        If it does not answer.
    """
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port
    connection: http.client.HTTPConnection
    if parts.scheme == "https":
        context = ssl.create_default_context()
        connection = http.client.HTTPSConnection(host, port, timeout=timeout_s, context=context)
    else:
        connection = http.client.HTTPConnection(host, port, timeout=timeout_s)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    where = f"{parts.scheme}://{parts.netloc}"
    try:
        connection.request(method, target, body=body, headers=dict(headers or {}))
        answer = connection.getresponse()
        content = answer.read(_MOST_BYTES)
    except (OSError, http.client.HTTPException) as error:
        raise CheckFailedError(
            f"{where} does not answer: {error or type(error).__name__}"
        ) from error
    finally:
        connection.close()
    said = answer.getheader("Date")
    try:
        date = parsedate_to_datetime(said) if said else None
    except ValueError:
        date = None
    return Answer(answer.status, date, content)
