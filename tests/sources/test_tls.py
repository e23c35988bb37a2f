"""Certificates that cannot be used are told of before a server listens."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from neuralake.errors import SourceError
from neuralake.sources.tls import check_certificate

_REQUEST = (
    *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"),
    *("-days", "2", "-subj", "/CN=localhost"),
)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``a`` and ``b``, each with its key, and ``secret``, whose key has a passphrase."""
    found = tmp_path_factory.mktemp("tls")
    for name, how in (("a", ["-nodes"]), ("b", ["-nodes"]), ("secret", ["-passout", "pass:x"])):
        files = ["-out", str(found / f"{name}.pem"), "-keyout", str(found / f"{name}.key")]
        subprocess.run([*_REQUEST, *how, *files], check=True, capture_output=True)
    (found / "none.pem").write_text("none")
    return found


@pytest.mark.parametrize(
    ("certificate", "key", "reason"),
    [
        ("a.pem", "b.key", "cannot be used: .*key values mismatch"),
        ("secret.pem", "secret.key", "secret.key is encrypted: expected one without"),
        ("none.pem", "a.key", "cannot be used: "),
        ("a.pem", "gone.key", "cannot be used: .*No such file"),
    ],
)
def test_one_that_cannot_be_used(place: Path, certificate: str, key: str, reason: str) -> None:
    with pytest.raises(SourceError, match=reason) as refused:
        check_certificate(place / certificate, place / key)
    assert "\n" not in str(refused.value)


def test_one_that_can(place: Path) -> None:
    check_certificate(place / "a.pem", place / "a.key")
