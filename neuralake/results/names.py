"""Names of files in a run, whatever engines and queries are called."""

from __future__ import annotations

import hashlib
import string

_ENGINE = frozenset((string.ascii_letters + string.digits + "_").encode())
_QUERY = _ENGINE | {ord("-")}
# Two of these, a suffix and the mark of a temporary file stay within 255 bytes.
_LONGEST = 96
_DIGEST_BYTES = 8


def file_stem(engine: str, query: str) -> str:
    """A name for what an engine has made of a query, such as ``polars-q01``.

    Bytes other than ASCII letters, digits and ``_`` (and ``-``, in a query) are percent-encoded,
    the dot among them, so that a further suffix can be told from a name; a long name is cut, and
    the digest of the whole of it follows a ``~``.
    """
    return f"{_encoded(engine, _ENGINE)}-{query_stem(query)}"


def query_stem(query: str) -> str:
    """A name for what belongs to a query, made as in :func:`file_stem`."""
    return _encoded(query, _QUERY)


def _encoded(name: str, safe: frozenset[int]) -> str:
    raw = name.encode("utf-8", "surrogateescape")
    encoded = "".join(chr(byte) if byte in safe else f"%{byte:02X}" for byte in raw)
    if len(encoded) <= _LONGEST:
        return encoded
    digest = hashlib.blake2b(raw, digest_size=_DIGEST_BYTES).hexdigest()
    return f"{encoded[: _LONGEST - len(digest) - 1]}~{digest}"
