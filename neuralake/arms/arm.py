"""What an arm is: a commit, optionally with other requirements and with engine options.

``REVISION[+REQUIREMENT]…[[ENGINE:KEY=VALUE,…]]``, such as ``HEAD~1``, ``HEAD+polars==2.0.0``,
``main+./polars-dev.whl`` or ``HEAD[datafusion:target_partitions=1]``.

Without a commit it is what is installed here: ``polars==2.0.0``, ``./polars-dev.whl``, or, with
nothing else, ``installed``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote

from neuralake.errors import ArmError
from neuralake.lists import require_once

INSTALLED = "installed"

_EXAMPLE = (
    "expected REVISION[+REQUIREMENT][[ENGINE:KEY=VALUE]], such as HEAD+polars==2.0.0, "
    "or a requirement over what is installed here, such as polars==2.0.0"
)

_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?"
_EXTRAS = rf"\[\s*(?:{_NAME}\s*(?:,\s*{_NAME}\s*)*)?\]"
_NAMED = rf"{_NAME}\s*(?:{_EXTRAS}\s*)?"

# A plus separates requirements, but wheels that were built between two releases have one in their
# version (1.0.dev3+gab12), and so may the directory of a path that begins like one.
_LOCATED = r"(?:file://)?(?:\.{0,2}|~)/.*?\.whl(?=\s*(?:[+\[;]|$))"
_WHEEL_NAME = r"\w[\w.]*-\d[\w.!]*(?:\+[\w.]+)?(?:-\w[\w.]*){3,4}\.whl"
_WHEEL = re.compile(
    rf"\s*(?:{_NAMED}@\s*)?(?:{_LOCATED}|(?:[^+\[]*/)?{_WHEEL_NAME})\s*(?:{_EXTRAS})?\s*"
)
# Nor does a plus separate in a parenthesis, in quotes, and in git+https://; a bracket that holds
# names belongs to the requirement (extras), and one after a slash to an address (IPv6).
_OTHER = re.compile(
    rf"(?:\b(?:git|hg|svn|bzr)\+(?=\w+://)|\([^()]*\)|'[^']*'|\"[^\"]*\"|{_EXTRAS}|(?<=/)\[|[^+\[])*"
)

_CLAUSE = r"(?:~=|===?|!=|<=?|>=?)\s*[\w.*!-]+"
_LOCAL_CLAUSE = rf"{_CLAUSE}(?:\+[\w.]+)?"
_VERSIONS = (
    rf"{_CLAUSE}\s*(?:,\s*{_CLAUSE}\s*)*|\(\s*{_LOCAL_CLAUSE}\s*(?:,\s*{_LOCAL_CLAUSE}\s*)*\)"
)
_ADDRESS = r"(?:(?:git|hg|svn|bzr)\+)?(?:https?|ssh|file)://\S+"
_REQUIREMENT = re.compile(rf"(?:{_NAMED}(?:{_VERSIONS}|@\s*{_ADDRESS})?|{_ADDRESS})\s*(?:;.*\S)?")
# A requirement that no revision looks like: it has a version or an address.
_UNLIKE_REVISION = re.compile(rf"{_NAMED}(?:{_VERSIONS}|@\s*{_ADDRESS})(?:;.*)?|{_ADDRESS}")
_PREFIX = re.compile(rf"(?:{_NAMED}@\s*)?")
_PATH = re.compile(
    rf"(?P<url>file://(?:localhost)?(?=/))?(?P<path>.*\.whl)\s*(?P<extras>{_EXTRAS})?"
)
_LOCAL_FILE = re.compile(rf"(?:{_NAMED}@\s*)?(?:file:|\.{{0,2}}/|~/)")
_CREDENTIALS = re.compile(r"(?:https?://[^/\s]*|://[^/\s@]*:[^/\s@]*)@")
_OPTION = re.compile(r"[^\s:=\[]+:[^\s:=]+=.*")


@dataclass(frozen=True)
class ArmSpec:
    """An arm as it was asked for.

    Attributes
    ----------
    text
        As it was written.
    revision
        Of the commit, in git's notation; None for what is installed here.
    requirements
        Installed over what the commit's lock file says, or over what is installed here (PEP 508, or
        the path of a wheel).
    options
        Engine options, such as ``datafusion:target_partitions=1``.
    """

    text: str
    revision: str | None
    requirements: tuple[str, ...] = ()
    options: tuple[str, ...] = ()


@dataclass(frozen=True)
class LocalWheel:
    """A requirement that is a wheel on this machine.

    Attributes
    ----------
    path
        As it was written, without ``file://``.
    prefix, extras
        What stands before and after it: ``polars @ ``, ``[async]``, or nothing.
    """

    path: str
    prefix: str = ""
    extras: str = ""


def parse_arm(text: str) -> ArmSpec:
    """Read an arm.

    Parameters
    ----------
    text
        ``REVISION``, a requirement or ``installed``, then in any order ``+REQUIREMENT`` and
        ``[ENGINE:KEY=VALUE,…]``. A bracket that holds nothing but names is the extras of its
        requirement. A version with a local label is put in parentheses:
        ``HEAD+torch(==2.0+cpu)``.

    Raises
    ------
    ArmError
        If it is not written like this, or holds credentials.
    """
    if _CREDENTIALS.search(text):
        # The text is not repeated: it holds a password.
        raise ArmError(
            "an arm's requirement holds credentials: put them into ~/.netrc or uv's settings, "
            "and leave them out of the address"
        )
    if not text.isprintable():
        raise ArmError(f"arm {text!r} has a control character: {_EXAMPLE}")
    revision, requirements, end = _beginning(text)
    options: list[str] = []
    while end < len(text):
        if text[end] == "+":
            start = end + 1
            match = _WHEEL.match(text, start) or _OTHER.match(text, start)
            end = match.end() if match else start
            requirements.append(_requirement(text, text[start:end].strip()))
        elif text[end] == "[":
            items, end = _bracket(text, end)
            options += [_option(text, item) for item in items]
        elif text[end].isspace():
            end += 1
        else:
            raise ArmError(f"arm {text!r} goes on with {text[end:]!r} after a bracket: {_EXAMPLE}")
    named = (option.partition("=")[0] for option in options)
    require_once(named, f"arm {text!r}: engine option", ArmError)
    return ArmSpec(text, revision, tuple(requirements), tuple(options))


def local_wheel(requirement: str) -> LocalWheel | None:
    """The wheel on this machine that a requirement is, or None if it is another kind."""
    prefix = _PREFIX.match(requirement)
    start = prefix.end() if prefix else 0
    match = _PATH.fullmatch(requirement, start)
    if match is None or "://" in match["path"]:
        return None
    path = unquote(match["path"]) if match["url"] else match["path"]
    return LocalWheel(path, requirement[:start], match["extras"] or "")


def _beginning(text: str) -> tuple[str | None, list[str], int]:
    """Revision, or what is installed over what is here, and where that ends."""
    match = _WHEEL.match(text) or _OTHER.match(text)
    first = match[0].strip() if match else ""
    if match and (local_wheel(first) is not None or _UNLIKE_REVISION.fullmatch(first)):
        return None, [first], match.end()
    revision = re.split(r"[+\[]", text, maxsplit=1)[0]
    end = len(revision)
    revision = revision.strip()
    if not revision:
        raise ArmError(f"arm {text!r} names no revision: {_EXAMPLE}")
    if revision.startswith("-"):
        raise ArmError(f"arm {text!r}: a revision does not begin with a dash: {_EXAMPLE}")
    return None if revision == INSTALLED else revision, [], end


def _requirement(text: str, requirement: str) -> str:
    if not requirement:
        raise ArmError(f"arm {text!r} has a + without a requirement: {_EXAMPLE}")
    if local_wheel(requirement) is not None:
        return requirement
    if _LOCAL_FILE.match(requirement):
        raise ArmError(f"arm {text!r}: {requirement!r} is not a wheel: expected a file NAME.whl")
    if not _REQUIREMENT.fullmatch(requirement):
        raise ArmError(
            f"arm {text!r}: {requirement!r} is not a requirement: "
            "expected one such as polars==2.0.0, or the path of a wheel such as ./polars.whl"
        )
    return requirement


def _bracket(text: str, start: int) -> tuple[list[str], int]:
    """What a bracket lists, and where it ends; a value may have brackets (``local[2]``)."""
    items, depth = [""], 1
    for end, character in enumerate(text[start + 1 :], start + 2):
        depth += {"[": 1, "]": -1}.get(character, 0)
        if depth == 0:
            return [item.strip() for item in items], end
        if character == "," and depth == 1:
            items.append("")
        else:
            items[-1] += character
    raise ArmError(f"arm {text!r} has a [ without its ]: {_EXAMPLE}")


def _option(text: str, item: str) -> str:
    if not _OPTION.fullmatch(item):
        raise ArmError(f"arm {text!r}: engine option {item!r}: expected ENGINE:KEY=VALUE")
    return item
