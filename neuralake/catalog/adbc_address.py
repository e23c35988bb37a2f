"""Where a database is, and what reaches it, of which nothing must ever be seen."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from neuralake.errors import CatalogError, reason_of

_VARIABLE = re.compile(r"\$\{([^}]*)\}")
_SETTING = re.compile(r"(\w+)\s*=\s*('(?:[^'\\]|\\.)*'|\S+)")
_SHOWN_SETTINGS = ("host", "hostaddr", "port", "dbname")
_IN_QUOTES = re.compile(r'"([^"]+)"')
_SHORTEST = 3


def expanded(table: str, text: str) -> str:
    """A text with ``${NAME}`` replaced by that variable of the environment.

    Within a URI the value is percent-encoded; where it is the whole text it is taken as it is.

    Raises
    ------
    CatalogError
        If there is no such variable.
    """
    is_within = "://" in text and _VARIABLE.fullmatch(text) is None

    def value(match: re.Match[str]) -> str:
        found = os.environ.get(match[1])
        if found is None:
            raise CatalogError(f"table {table}: the environment has no variable {match[1]}")
        return quote(found, safe="") if is_within else found

    return _VARIABLE.sub(value, text)


def shown(database: str) -> str:
    """An address without users, passwords and options.

    Parameters
    ----------
    database
        A URI, settings such as ``host=db dbname=shop``, or a path; with its variables as they are
        written.
    """
    if _VARIABLE.fullmatch(database):
        return database
    if "://" in database:
        scheme, rest = database.split("://", 1)
        place = re.split(r"[?#]", rest)[0].rpartition("@")[2]
        return f"{scheme}://{place}"
    if database.startswith("file:"):
        return database.partition("?")[0]
    settings = _SETTING.findall(database)
    if settings and "/" not in database.partition("=")[0]:
        return " ".join(f"{k}={v}" for k, v in settings if k.lower() in _SHOWN_SETTINGS)
    return database


def told(error: BaseException, database: str, options: Mapping[str, str]) -> str:
    """What a driver says, in a line, without any part of what reaches the database."""
    secrets = _secrets(database, options)
    reason = reason_of(error, secrets)

    def hidden(match: re.Match[str]) -> str:
        """A driver quotes the part of an address that it cannot read."""
        is_part = any(match[1] in secret for secret in secrets if secret != database)
        return '"***"' if is_part else match[0]

    return _IN_QUOTES.sub(hidden, reason)


def _secrets(database: str, options: Mapping[str, str]) -> list[str]:
    found = {database, *options.values()} if shown(database) != database else {*options.values()}
    if "://" in database:
        user, at, _ = database.split("://", 1)[1].rpartition("@")
        found |= {user, user.partition(":")[2]} if at else set()
        try:
            found |= {value for _, value in parse_qsl(urlsplit(database).query)}
        except ValueError:  # no port, for instance
            found.add(database)
    else:
        settings = dict(_SETTING.findall(database))
        found |= {v.strip("'") for k, v in settings.items() if k.lower() not in _SHOWN_SETTINGS}
    found |= {unquote(secret) for secret in found}
    kept = (secret for secret in found if len(secret) >= _SHORTEST)
    return sorted(kept, key=len, reverse=True)
