"""What other programs print, made fit for one line of a message: short, and without secrets."""

from __future__ import annotations

import re

_USER = re.compile(r"(?<=://)[^/\s]*@")
_EXCEPTION = re.compile(r"(?:[\w.]+\.)?[A-Z]\w*(?:Error|Exception|Exit|NotFound)\b.*")
_COMPLAINT = re.compile(r"(?:fatal )?error: .*|fatal: .*|\S+: (?:fatal )?error: .*", re.IGNORECASE)
_CONCLUSION = re.compile(r",? we can conclude that (?:your|the) .* unsatisfiable\.?$")
_EXCERPT = re.compile(r"[\s\d]*\|")  # of a file, with the place marked below it
_LENGTH = 400


def mask(text: str) -> str:
    """The text with user names and passwords taken out of its addresses."""
    return _USER.sub("***@", text)


def printable(text: str) -> str:
    """The text in one line, without what would steer a terminal."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def condense(output: str) -> str:
    """The one line that says why uv failed.

    Parameters
    ----------
    output
        What it printed on standard error.

    Returns
    -------
    str
        Why requirements do not resolve; else the last error of a build; else uv's own error, its
        last cause and its hint.
    """
    text, _, hint = mask(output).partition("\nhint:")
    lines = text.splitlines()
    start = next((i for i, line in enumerate(lines) if line.startswith("error: ")), 0)
    lines = lines[start:]
    causes = _causes(lines)
    because = next((cause for cause in causes if cause.startswith("Because ")), None)
    if because is not None:
        return _cut(_CONCLUSION.sub("", because))
    inner = [line.strip() for line in lines if line.startswith("   ")]
    for pattern in (_EXCEPTION, _COMPLAINT):
        found = [line for line in inner if pattern.fullmatch(line)]
        if found:
            return _cut(found[-1])
    if causes:
        said = ": ".join(dict.fromkeys((causes[0], causes[-1])))
        return _cut(f"{said} ({' '.join(hint.split())})" if hint.strip() else said)
    return _cut(lines[-1] if lines else "it printed nothing")


def _causes(lines: list[str]) -> list[str]:
    """The error and its causes, each with the lines that go on with it at once."""
    causes: list[str] = []
    goes_on = False
    for line in lines:
        head = re.match(r"(?:error|  cause): (.*)", line)
        if head:
            causes.append(head[1])
        elif goes_on and line.strip() and not _EXCERPT.match(line):
            causes[-1] += f" {line.strip()}"
        goes_on = bool(causes and line.strip())
    return causes


def _cut(text: str) -> str:
    line = printable(text)
    return line if len(line) <= _LENGTH else f"{line[: _LENGTH - 1]}…"
