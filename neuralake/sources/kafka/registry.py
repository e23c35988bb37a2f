"""A schema registry with Confluent's REST interface: the schema of a number, which is for ever.

While it does not answer nothing is decided about a message: it is asked until it does.
"""

from __future__ import annotations

import base64
import threading
import urllib.error
import urllib.request
from collections.abc import Callable

import msgspec

from neuralake.errors import SourceError, reason_of
from neuralake.sources.json_line import RowError
from neuralake.sources.kafka.avro import framed

_ACCEPT = "application/vnd.schemaregistry.v1+json"
_TIMEOUT_S = 10.0
_RETRY_S = 0.5
_NOT_FOUND = 404


class _Found(msgspec.Struct):
    schema: str
    schemaType: str = "AVRO"  # noqa: N815 - the registry's name
    references: list[msgspec.Raw] = msgspec.field(default_factory=list)


class Registry:
    """The schemas of a registry.

    Parameters
    ----------
    url
        Of its root.
    user
        ``name:password``, or None.
    tell
        Told in a line when it does not answer, and when it does again.
    stopped
        Set when nobody waits any more.

    Raises
    ------
    SourceError
        If the URL is none of HTTP.
    """

    def __init__(
        self, url: str, user: str | None, tell: Callable[[str], None], stopped: threading.Event
    ) -> None:
        check_registry(url)
        self._url = url.rstrip("/")
        self._password = base64.b64encode(user.encode()).decode() if user is not None else None
        self._tell = tell
        self._stopped = stopped

    def split(self, value: bytes) -> tuple[int, int]:
        """Number of a message's schema, and where its record begins; raises ``RowError``."""
        return framed(value)

    def text(self, number: int) -> str:
        """A schema, as JSON.

        Raises
        ------
        RowError
            If the registry has none of that number, or one that is no whole schema of Avro.
        """
        trouble = ""
        while not self._stopped.is_set():
            try:
                found = self._ask(number)
            except (OSError, msgspec.DecodeError) as error:
                words = f"the registry at {self._url} does not answer: {reason_of(error)}"
                if words != trouble:
                    trouble = words
                    self._tell(f"{words}; it is tried until it does")
                self._stopped.wait(_RETRY_S)
                continue
            if trouble:
                self._tell(f"the registry at {self._url} answers again")
            if found is None:
                raise RowError(f"its schema {number} is not in the registry")
            if found.schemaType != "AVRO" or found.references:
                kind = "refers to others" if found.references else f"is of {found.schemaType}"
                raise RowError(f"its schema {number} {kind}: expected one of Avro by itself")
            return found.schema
        raise RowError("it is stopped")

    def _ask(self, number: int) -> _Found | None:
        request = urllib.request.Request(  # noqa: S310 - the scheme was checked
            f"{self._url}/schemas/ids/{number}", headers={"Accept": _ACCEPT}
        )
        if self._password is not None:  # which is for nobody that the registry points to
            request.add_unredirected_header("Authorization", f"Basic {self._password}")
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as answer:  # noqa: S310
                return msgspec.json.decode(answer.read(), type=_Found)
        except urllib.error.HTTPError as error:
            with error:
                if error.code == _NOT_FOUND:
                    return None
                raise OSError(f"status {error.code}") from error


def check_registry(url: str) -> None:
    """Refuse a URL that is none of HTTP, or has a password in it.

    Raises
    ------
    SourceError
        With what would be right.
    """
    scheme, found, rest = url.partition("://")
    if scheme not in ("http", "https") or not found or not rest:
        raise SourceError(f"no registry {url!r}: expected such as http://127.0.0.1:8081")
    if "@" in rest.partition("/")[0]:
        raise SourceError(
            "the URL of the registry has a user in it, which would be shown: expected it in "
            "NEURALAKE_KAFKA_REGISTRY_USER, as name:password"
        )
