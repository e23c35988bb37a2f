"""What protects a Flight server that others can reach: a token, and TLS."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pyarrow import flight

from neuralake.sources.bearer import shows_token


@dataclass(frozen=True)
class FlightSecurity:
    """What protects a server that others can reach.

    Attributes
    ----------
    token
        Which every call must show, as ``authorization: Bearer …``. None asks for none.
    certificate, key
        Of the server, in PEM; without them it speaks plain text.
    """

    token: str | None = field(default=None, repr=False)
    certificate: bytes | None = field(default=None, repr=False)
    key: bytes | None = field(default=None, repr=False)

    @property
    def is_encrypted(self) -> bool:
        """Whether it speaks TLS."""
        return self.certificate is not None and self.key is not None


class TokenGuard(flight.ServerMiddlewareFactory):  # type: ignore[misc]
    """Lets in who shows the token."""

    def __init__(self, token: str) -> None:
        super().__init__()
        self._token = token

    def start_call(self, info: flight.CallInfo, headers: Mapping[str, list[str | bytes]]) -> None:  # noqa: ARG002
        """Refuse a call without the token; how long that takes tells nothing of it."""
        for name, values in headers.items():
            if name.lower() == "authorization":
                shown = [v if isinstance(v, bytes) else v.encode() for v in values]
                if any(shows_token(value, self._token) for value in shown):
                    return
        raise flight.FlightUnauthenticatedError(
            "the token is missing or wrong: expected the header authorization: Bearer …"
        )
