"""Tables of a catalog: as declared, the same on every engine, and their keys kept."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from neuralake.catalog.about import about_of
from neuralake.catalog.catalog import Catalog, Database
from neuralake.catalog.declaration import ForeignKey
from neuralake.catalog.tables import Table
from neuralake.engines.registry import EngineSpec
from neuralake.queries.content import Content
from neuralake.verify.check import Check, CheckFailedError, CheckSkippedError
from neuralake.verify.inspector import Found
from neuralake.verify.process import Process

_INSPECTOR = "neuralake.verify.inspector:Inspector"
_READER = "neuralake.verify.reader:Reader"


@dataclass
class TablesRoom:
    """Checks of all tables.

    Attributes
    ----------
    catalog
        Resolved.
    engines
        That read them.
    missing
        Engines that cannot run here, with what they lack.
    sample
        Rows of a table that are looked at; all if None.
    root
        The storage root: tables in it are not looked for where that cannot be reached.
    limit_s
        Time of a call.
    directory
        For what the processes write.
    """

    catalog: Catalog
    engines: Sequence[EngineSpec]
    missing: Mapping[str, str]
    sample: int | None
    root: str
    limit_s: float
    directory: Path
    _found: dict[str, Table] = field(default_factory=dict, init=False)
    _readers: dict[str, Process] = field(default_factory=dict, init=False)
    _unstarted: set[str] = field(default_factory=set, init=False)
    _inspector: Process = field(init=False)

    def __post_init__(self) -> None:
        self._inspector = Process(_INSPECTOR, self.directory / "inspector.log", self.limit_s)

    def checks(self) -> list[Check]:
        """All of them: each table, each engine, then rows and keys of each table."""
        named = [
            (f"{database.name}.{table.name}", database, table)
            for database, table in self.catalog.each_table()
        ]
        checks = [self._of_table(name, table) for name, _, table in named]
        checks += [self._of_engine(engine) for engine in self.engines]
        checks += [self._of_missing(engine) for engine in self.missing]
        checks += [self._of_rows(name) for name, _, _ in named]
        for name, database, table in named:
            if table.primary_key:
                checks.append(self._of_primary_key(name))
            checks += [self._of_foreign_key(name, database, key) for key in table.foreign_keys]
            if about_of(table).freshness is not None:
                checks.append(
                    _check(f"promise.{name}", partial(self._fresh, name), f"table.{name}")
                )
        return checks

    def close(self) -> None:
        """End all processes."""
        for process in (self._inspector, *self._readers.values()):
            process.close()

    def _of_table(self, name: str, table: Table) -> Check:
        uri = str(getattr(table, "uri", ""))
        is_in_root = f"{uri}/".startswith(f"{self.root.rstrip('/')}/")
        needs = ("storage.reachable",) if is_in_root else ()
        return _check(f"table.{name}", lambda: self._table(name).what, *needs)

    def _of_missing(self, engine: str) -> Check:
        return _check(f"engine.{engine}", lambda: _lacks(self.missing[engine]))

    def _of_rows(self, name: str) -> Check:
        return _check(f"rows.{name}", lambda: self._rows(name), f"table.{name}")

    def _of_engine(self, engine: EngineSpec) -> Check:
        return _check(f"engine.{engine.name}", lambda: self._start(engine))

    def _of_primary_key(self, name: str) -> Check:
        return _check(
            f"primary_key.{name}",
            lambda: str(self._inspector.call("unique", self._read(name), self.sample)),
            f"table.{name}",
        )

    def _of_foreign_key(self, name: str, database: Database, key: ForeignKey) -> Check:
        target = key.references if "." in key.references else f"{database.name}.{key.references}"

        def refers() -> str:
            parent = self._read(target)
            own = self._read(name)
            return str(self._inspector.call("refers", own, key, parent, self.sample))

        columns = "_".join(key.columns)
        return _check(f"foreign_key.{name}.{columns}", refers, f"table.{name}", f"table.{target}")

    def _fresh(self, name: str) -> str:
        outcome, detail = self._inspector.call("fresh", self._read(name))
        if outcome != "passed":
            raise (CheckFailedError if outcome == "failed" else CheckSkippedError)(detail)
        return str(detail)

    def _table(self, name: str) -> Found:
        """A table as it is now; it is looked at once."""
        found: Found = self._inspector.call("check", self.catalog.table(name))
        self._found[name] = found.table
        return found

    def _read(self, name: str) -> Table:
        """A table as it was when it was first looked at."""
        return self._found.get(name) or self._table(name).table

    def _start(self, engine: EngineSpec) -> str:
        each = self.catalog.each_table()
        tables = {f"{database.name}.{table.name}": table for database, table in each}
        reader = Process(_READER, self.directory / f"{engine.name}.log", self.limit_s)
        self._readers[engine.name] = reader
        try:
            versions = str(reader.call("start", engine, tables))
        except CheckFailedError:
            self._readers.pop(engine.name).close()
            self._unstarted.add(engine.name)  # which is told once
            raise
        reader.first = ("start", (engine, tables))
        return versions

    def _rows(self, name: str) -> str:
        """Let each engine read a table, and hold the answers against each other."""
        table = self._read(name)
        contents: dict[str, Content] = {}
        faults = []
        for engine in self.engines:
            if engine.name in self._unstarted:
                continue
            try:
                if engine.name not in self._readers:
                    self._start(engine)
                reader = self._readers[engine.name]
                contents[engine.name] = reader.call("read", table.name, table, self.sample)
            except CheckFailedError as error:
                faults.append(f"{engine.name} cannot read it: {error}")
        faults += _differences(contents)
        if faults:
            raise CheckFailedError("; ".join(faults))
        if not contents:
            raise CheckSkippedError("no engine has started")
        content = next(iter(contents.values()))
        what = f"checksum {content.checksum}" if content.checksum else "counted only: no key"
        return f"{content.rows:,} rows on {', '.join(contents)}; {what}"


def _differences(contents: Mapping[str, Content]) -> list[str]:
    """What engines disagree on, against what most of them say."""
    said: defaultdict[tuple[int, str], list[str]] = defaultdict(list)
    for engine, content in contents.items():
        said[content.rows, content.checksum].append(engine)
    if len(said) < 2:
        return []
    groups = sorted(said.values(), key=len, reverse=True)
    first = contents[groups[0][0]]
    faults = []
    for group in groups[1:]:
        other = contents[group[0]]
        if other.rows != first.rows:
            what = f"{other.rows:,} rows, where {', '.join(groups[0])} has {first.rows:,}"
        else:
            names = [n for n in first.columns if first.columns[n] != other.columns.get(n)]
            where = f"in {', '.join(names)}" if names else "together in a row"
            what = f"other values {where} than {', '.join(groups[0])}"
        faults.append(f"{', '.join(group)} has {what}")
    return faults


def _lacks(reason: str) -> str:
    raise CheckSkippedError(reason)


def _check(name: str, run: Callable[[], str], *needs: str) -> Check:
    return Check(name, run, needs, watches_its_time=True)
