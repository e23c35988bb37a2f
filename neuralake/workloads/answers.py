"""Where the answers of a run are kept, whatever engine and query are called.

A query is named after its file, and that may be called anything: names of files are safe and
unambiguous.
"""

from __future__ import annotations

import hashlib
import string
from pathlib import Path

_ENGINE = frozenset((string.ascii_letters + string.digits + "_").encode())
_QUERY = _ENGINE | {ord("-")}
# Two of these, a suffix and the mark of a temporary file stay within 255 bytes.
_LONGEST = 96
_DIGEST_BYTES = 8


def answer_path(directory: Path, engine: str, query: str) -> Path:
    """Where the first answer of an engine to a query is kept."""
    return directory / "answers" / answer_file(engine, query)


def later_answer_path(directory: Path, engine: str, query: str, phase: str, round: int) -> Path:
    """Where an answer that differs from the first one is kept."""
    return answer_path(directory, engine, query).with_suffix(f".{phase}{round}.arrow")


def answer_file(engine: str, query: str) -> str:
    """Name of the file of an engine's answer to a query, such as ``polars-q01.arrow``.

    Bytes other than ASCII letters, digits and ``_`` (and ``-``, in a query) are percent-encoded,
    the dot among them, so that a further suffix can be told from a name; a long name is cut, and
    the digest of the whole of it follows a ``~``.
    """
    return f"{_encoded(engine, _ENGINE)}-{_encoded(query, _QUERY)}.arrow"


def _encoded(name: str, safe: frozenset[int]) -> str:
    raw = name.encode("utf-8", "surrogateescape")
    encoded = "".join(chr(byte) if byte in safe else f"%{byte:02X}" for byte in raw)
    if len(encoded) <= _LONGEST:
        return encoded
    digest = hashlib.blake2b(raw, digest_size=_DIGEST_BYTES).hexdigest()
    return f"{encoded[: _LONGEST - len(digest) - 1]}~{digest}"
