"""What people want to know of a table beside its columns: whose it is, where it is from, how fresh.

Nothing of it changes a row that is read. What is promised can be checked
(:mod:`neuralake.catalog.promises`), and who uses a deprecated table is told.
"""

from __future__ import annotations

import datetime as dt
import re
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from inspect import currentframe
from types import FrameType
from typing import Any, Protocol

from neuralake.catalog.filters import AllOf, AnyOf, Condition, Filter, Not, Where
from neuralake.errors import CatalogError, DeprecatedTableWarning

_PACKAGE = __name__.partition(".")[0]
_LONGEST = dt.timedelta(days=36_525)
_SCHEME = re.compile(r"\s*([A-Za-z][A-Za-z0-9+.-]*):")
_WEB = ("http", "https")
_KINDS = (Filter, AllOf, AnyOf, Not, Where)
_PATTERNS = {"contains": "%{}%", "starts_with": "{}%", "ends_with": "%{}"}
_OF_LISTS = ("includes", "includes_any", "includes_all")  # of which engines speak differently


@dataclass(frozen=True)
class Deprecated:
    """A table that is not to be used any more.

    Attributes
    ----------
    reason
        Why, in a line.
    successor
        The table to use instead, of the same database or as ``database.table``; None if there is
        none.

    Raises
    ------
    CatalogError
        If there is no reason.
    """

    reason: str
    successor: str | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.reason, str) or not self.reason.strip():
            raise CatalogError(
                f"deprecated has the reason {self.reason!r}: expected why, in a line"
            )
        if self.successor is not None and not isinstance(self.successor, str):
            raise CatalogError(
                f"deprecated has the successor {self.successor!r}: expected the name of a table"
            )

    def __str__(self) -> str:
        reason = self.reason.strip()
        return reason if self.successor is None else f"{reason.rstrip('.')}; use {self.successor}"


@dataclass(frozen=True, kw_only=True)
class About:
    """Documentation of a table.

    Attributes
    ----------
    owner
        Who answers for it: a team, a person, an address.
    source
        Where its rows come from.
    freshness
        What is promised: its rows are changed at least so often.
    example_filters
        Filters that whoever looks for the first time may begin with.
    notebook
        Where it is looked at closely: an ``https://`` address, or a path.
    deprecated
        Why it is not to be used any more; None if it is.

    Raises
    ------
    CatalogError
        If one of them is of another kind than that, or no time is promised.
    """

    owner: str = ""
    source: str = ""
    freshness: dt.timedelta | None = None
    example_filters: tuple[Condition, ...] = ()
    notebook: str = ""
    deprecated: Deprecated | None = None

    def __post_init__(self) -> None:
        for name in ("owner", "source", "notebook"):
            if not isinstance(value := getattr(self, name), str):
                raise CatalogError(f"about has the {name} {value!r}: expected a text")
        self._check_freshness()
        filters = self.example_filters
        if not isinstance(filters, tuple | list) or not all(isinstance(f, _KINDS) for f in filters):
            raise CatalogError(
                f"about has the example_filters {filters!r:.60}: expected a tuple of filters, "
                "such as (Filter('day', '>=', date(2026, 1, 1)),)"
            )
        object.__setattr__(self, "example_filters", tuple(filters))
        scheme = _SCHEME.match(self.notebook)
        if scheme is not None and scheme[1].lower() not in _WEB:  # a script is an address, too
            raise CatalogError(
                f"about has the notebook {self.notebook!r}: expected an https:// address or a path"
            )
        if self.deprecated is not None and not isinstance(self.deprecated, Deprecated):
            raise CatalogError(
                f"about is deprecated={self.deprecated!r:.60}: "
                "expected such as Deprecated('counts twice', successor='orders')"
            )

    @property
    def has_web_notebook(self) -> bool:
        """Whether the notebook has an address that a browser opens."""
        scheme = _SCHEME.match(self.notebook)
        return scheme is not None and scheme[1].lower() in _WEB

    def _check_freshness(self) -> None:
        promised = self.freshness
        if promised is None:
            return
        possible = isinstance(promised, dt.timedelta) and dt.timedelta(0) < promised <= _LONGEST
        if not possible:
            raise CatalogError(
                f"about has the freshness {promised!r}: expected a time greater than 0 and of "
                "100 years at most, such as timedelta(hours=1)"
            )


NOTHING = About()


class Named(Protocol):
    """As much of a table as is told here."""

    @property
    def name(self) -> str:
        """Name in SQL."""


def about_of(table: object) -> About:
    """What a table says of itself; a table of a kind that is not ours may say nothing."""
    found = getattr(table, "about", NOTHING)
    return found if isinstance(found, About) else NOTHING


def deprecations(tables: Iterable[Named]) -> list[str]:
    """A line for each of the tables that is deprecated: why, and what to use instead."""
    return [
        f"table {table.name} is deprecated: {deprecated}"
        for table in tables
        if (deprecated := about_of(table).deprecated) is not None
    ]


def warn_of_deprecated(tables: Iterable[Named]) -> None:
    """Warn whoever uses deprecated tables, at his own line; see :func:`warn`."""
    warn(deprecations(tables))


def warn(lines: Iterable[str]) -> None:
    """Warn of deprecated tables, at the innermost line that is not one of Neuralake's.

    The command line says each in a line on standard error, once.

    Parameters
    ----------
    lines
        As :func:`deprecations` gives them.
    """
    frame, level = currentframe(), 1
    while frame is not None and _is_ours(frame):
        frame, level = frame.f_back, level + 1
    for line in lines:
        warnings.warn(line, DeprecatedTableWarning, stacklevel=level)


def warn_who_asks(table: Named) -> None:
    """Warn whoever reads a deprecated table by a method of its own, which calls this.

    Neuralake itself, which reads tables that somebody has named, has warned by then.
    """
    here = currentframe()
    method = None if here is None else here.f_back
    caller = None if method is None else method.f_back
    # A frame that refers to itself would keep what its callers hold: the snapshots that were read
    del here, method
    if caller is not None and not _is_ours(caller):
        warn_of_deprecated([table])


def _is_ours(frame: FrameType) -> bool:
    name = str(frame.f_globals.get("__name__", ""))
    return name.partition(".")[0] == _PACKAGE


def condition(example: Condition) -> str:
    """A condition in SQL, for a reader; what SQL has no word for, as Python writes it."""
    match example:
        case Where():
            return example.sql
        case Not():
            return f"NOT ({condition(example.condition)})"
        case AllOf():
            return " AND ".join(f"({condition(inner)})" for inner in example.conditions)
        case AnyOf():
            return " OR ".join(f"({condition(inner)})" for inner in example.conditions)
    value, operator = example.value, example.operator
    if operator in _PATTERNS or operator in _OF_LISTS:
        is_plain = isinstance(value, str) and not set(value) & set("%_\\")
        is_plain = is_plain and operator in _PATTERNS
        return (
            f"{example.column} LIKE {_literal(_PATTERNS[operator].format(value))}"
            if is_plain
            else str(example)
        )
    if value is None:
        return f"{example.column} {operator.upper()}"
    if isinstance(value, tuple):
        return f"{example.column} {operator.upper()} ({', '.join(map(_literal, value))})"
    return f"{example.column} {operator} {_literal(value)}"


def _literal(value: Any) -> str:
    match value:
        case bool():
            return str(value).upper()
        case str():
            return "'" + value.replace("'", "''") + "'"
        case dt.datetime():
            return f"TIMESTAMP '{value.isoformat(sep=' ')}'"
        case dt.date():
            return f"DATE '{value.isoformat()}'"
        case _:
            return str(value)
