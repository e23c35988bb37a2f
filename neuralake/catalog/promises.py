"""Whether a catalog is what it says: declarations, keys, successors, and how fresh its tables are.

Nothing is changed and no row is read, but of a table that a function makes.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Literal

from neuralake.catalog.about import about_of
from neuralake.catalog.catalog import Catalog, Database
from neuralake.catalog.delta import DeltaTable
from neuralake.catalog.keys import check_keys
from neuralake.catalog.parquet import ParquetTable
from neuralake.catalog.tables import Table, apart
from neuralake.catalog.views import view_of
from neuralake.delta.history import commits_before
from neuralake.delta.place import open_store
from neuralake.errors import CatalogError, NeuralakeError
from neuralake.lists import require_once
from neuralake.quantities import duration_text
from neuralake.storage import one_line

Subject = Literal["declaration", "keys", "successor", "freshness"]
Outcome = Literal["passed", "failed", "skipped"]
# How far the clocks of a store and of this machine may be apart before nothing is believed
CLOCKS_APART = dt.timedelta(minutes=5)
_TABLES_AT_ONCE = 8


@dataclass(frozen=True)
class Finding:
    """What came of one check of one table.

    Attributes
    ----------
    table
        ``database.table``.
    subject
        What was checked: the ``declaration`` against the files, whether ``keys`` and the
        ``successor`` of a deprecated table lead somewhere, the promised ``freshness``.
    outcome
        ``passed``, ``failed``, or ``skipped`` where nothing tells.
    detail
        Why, in a line; empty where there is nothing to say.
    """

    table: str
    subject: Subject
    outcome: Outcome
    detail: str = ""


@dataclass(frozen=True)
class Freshness:
    """A promise, and what there is.

    Attributes
    ----------
    promised_s
        Longest time between two changes of rows, in seconds.
    changed_at
        When rows were last changed; None if nothing tells.
    age_s
        Seconds since then; negative if that lies in the future.
    outcome, detail
        As of a :class:`Finding`.
    """

    promised_s: float
    changed_at: dt.datetime | None
    age_s: float | None
    outcome: Outcome
    detail: str


def check_catalog(
    catalog: Catalog, now: dt.datetime, names: Sequence[str] = ()
) -> tuple[Finding, ...]:
    """Every check of every table, in the order of the catalog; none stops the others.

    Parameters
    ----------
    catalog
        Resolved.
    now
        With a time zone.
    names
        Tables to check, ``orders`` or ``shop.orders``; all if empty.

    Raises
    ------
    CatalogError
        If there is no table of such a name, or more than one.
    """
    named = [f"{d.name}.{t.name}" for d, t in map(catalog.placed, names)]
    require_once(named, "table", CatalogError)
    pairs = [(d, t) for d, t in catalog.each_table() if not names or f"{d.name}.{t.name}" in named]
    with ThreadPoolExecutor(_TABLES_AT_ONCE) as pool:
        found = pool.map(lambda pair: list(_check(catalog, pair[0], apart(pair[1]), now)), pairs)
        return tuple(finding for findings in found for finding in findings)


def freshness(table: Table, now: dt.datetime) -> Freshness | None:
    """How fresh a table is, against its promise; None if it promises nothing.

    Of a Delta table it is the newest commit up to the version that is read which added or removed
    rows; of Parquet files, when the newest was written.

    Raises
    ------
    CatalogError
        If the table cannot be read.
    """
    promised = about_of(table).freshness
    if promised is None:
        return None
    base = stored_part(table)
    if isinstance(base, DeltaTable):
        found, since = _changed_by_commits(base, now - promised)
    elif isinstance(base, ParquetTable):
        found, since = _newest_file(base), ""
    else:
        found, since = None, f"nothing tells when the rows of a table by {table.format} changed"
    seconds = promised.total_seconds()
    if found is None:
        return Freshness(seconds, None, None, "skipped", since)
    age_s = (now - found).total_seconds()
    outcome, detail = _judged(age_s, seconds, since)
    return Freshness(seconds, found, age_s, outcome, detail)


def stored_part(table: Table) -> Table:
    """The table that is stored, of one that says more than its files; any other table itself."""
    view = view_of(table)
    return table if view is None else view.base


def _judged(age_s: float, promised_s: float, since: str) -> tuple[Outcome, str]:
    promise = f"promised are {duration_text(promised_s)}"
    if age_s < -CLOCKS_APART.total_seconds():
        ahead = duration_text(-age_s)
        return "failed", f"rows were changed {ahead} in the future: a clock is wrong; {promise}"
    told = f"{since or 'rows were changed'} {duration_text(max(age_s, 0))} ago, {promise}"
    return ("failed" if age_s > promised_s else "passed"), told


def _changed_by_commits(table: DeltaTable, oldest: dt.datetime) -> tuple[dt.datetime | None, str]:
    """When a commit last changed rows; before the oldest time of interest, that it was earlier."""
    snapshot = table.read_snapshot()
    store = open_store(table.uri, table.storage_options)
    last = None
    try:
        for commit in commits_before(store, snapshot.configuration, snapshot.version):
            at = dt.datetime.fromtimestamp(commit.committed_ms / 1000, dt.UTC)
            if commit.changes_rows:
                return at, ""
            last = at
            if at < oldest:
                break
    except (OSError, ValueError) as error:
        reason = one_line(error, table.storage_options)
        raise CatalogError(
            f"table {table.name}: the log of {table.uri} cannot be read: {reason}"
        ) from error
    if last is None:
        return None, f"version {snapshot.version} has no entry in the log any more"
    if last < oldest:
        return last, "no row was changed by what was committed since"
    return None, "no entry that is left in the log changed a row"


def _newest_file(table: ParquetTable) -> dt.datetime:
    found = table.file_infos()
    newest: dt.datetime = max(info.mtime for info in found if info.mtime is not None)
    return newest.astimezone(dt.UTC)


def _check(
    catalog: Catalog, database: Database, table: Table, now: dt.datetime
) -> Iterator[Finding]:
    name = f"{database.name}.{table.name}"
    about = about_of(table)
    try:
        table.check()
    except NeuralakeError as error:
        yield Finding(name, "declaration", "failed", str(error))
        yield from _skipped(name, table)
        return
    yield Finding(name, "declaration", "passed")
    if table.primary_key or table.foreign_keys:
        try:
            check_keys(table, partial(catalog.beside, database))
            yield Finding(name, "keys", "passed")
        except NeuralakeError as error:
            yield Finding(name, "keys", "failed", str(error))
    if about.deprecated is not None and about.deprecated.successor is not None:
        yield _successor(catalog, database, table, about.deprecated.successor)
    try:
        found = freshness(table, now)
    except NeuralakeError as error:
        yield Finding(name, "freshness", "failed", str(error))
        return
    if found is not None:
        yield Finding(name, "freshness", found.outcome, found.detail)


def _skipped(name: str, table: Table) -> Iterator[Finding]:
    """What cannot be looked at where the table itself cannot."""
    why = "the table cannot be used as it is declared"
    if table.primary_key or table.foreign_keys:
        yield Finding(name, "keys", "skipped", why)
    if about_of(table).freshness is not None:
        yield Finding(name, "freshness", "skipped", why)


def _successor(catalog: Catalog, database: Database, table: Table, successor: str) -> Finding:
    name = f"{database.name}.{table.name}"
    try:
        found = catalog.beside(database, successor)
    except CatalogError as error:
        return Finding(name, "successor", "failed", f"successor of table {table.name}: {error}")
    if found.name == table.name and "." not in successor:
        return Finding(name, "successor", "failed", f"table {table.name} is its own successor")
    return Finding(name, "successor", "passed")


def failed(findings: Iterable[Finding]) -> list[Finding]:
    """Those that failed."""
    return [finding for finding in findings if finding.outcome == "failed"]
