"""Certificates of servers, looked at before anybody is told that they can be used."""

from __future__ import annotations

import ssl
from pathlib import Path

from neuralake.errors import SourceError, reason_of


def check_certificate(certificate: Path, key: Path) -> None:
    """Refuse a certificate and a key with which no server could speak TLS.

    Parameters
    ----------
    certificate, key
        Files in PEM.

    Raises
    ------
    SourceError
        If one cannot be read, they do not belong together, or the key is encrypted: OpenSSL would
        ask whoever sits at the terminal for its passphrase, and wait.
    """

    def refuse() -> str:
        raise SourceError(f"the key {key} is encrypted: expected one without a passphrase")

    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, refuse)
    except OSError as error:  # ssl's errors are among them
        raise SourceError(
            f"{certificate} and its key {key} cannot be used: {reason_of(error)}"
        ) from error
