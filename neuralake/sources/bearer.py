"""The token that clients show: ``Authorization: Bearer …``. Source: RFC 6750; RFC 9110, 11.1."""

from __future__ import annotations

import hmac
from collections.abc import Mapping

from neuralake.errors import SourceError

_SCHEME = b"bearer"


def shows_token(header: bytes, token: str) -> bool:
    """Whether a header has the token; how long that takes tells nothing of it.

    Parameters
    ----------
    header
        Value of ``Authorization``. The name of its scheme has no case.
    token
        That is wanted.
    """
    scheme, _, shown = header.partition(b" ")
    return scheme.lower() == _SCHEME and hmac.compare_digest(shown, token.encode())


def token_of(environ: Mapping[str, str], variable: str) -> str | None:
    """The token in the environment; None if there is none.

    Raises
    ------
    SourceError
        If no header could ever show it: one has no line breaks, and no spaces around its value.
    """
    token = environ.get(variable) or None
    if token is not None and not (
        token.isascii() and token.isprintable() and token == token.strip()
    ):
        raise SourceError(
            f"{variable} has a space or line break at its end, or a character that is not ASCII, "
            "which no header can show: expected printable ASCII"
        )
    return token
