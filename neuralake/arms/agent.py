"""What runs inside an arm: the arm's Neuralake and engine, measured by the comparison's own clock.

This module, :mod:`neuralake.measure`, what finds tables at fault and what makes the digest of a
result come from the Neuralake that compares, and everything else from the arm's environment. Of the
arm's Neuralake only this is used: ``open_workload`` or ``open_directory``, and ``registry`` to
start an engine. Answers are plain values, so that two versions need not agree on any class.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pyarrow as pa

from neuralake.arms.at_once import AtOnce
from neuralake.measure.callgrind import Callgrind, CallgrindCounter
from neuralake.measure.execution import count as count_instructions
from neuralake.measure.execution import measure, settle
from neuralake.measure.hardware import hardware_counter
from neuralake.measure.massif import MassifCounter
from neuralake.measure.valgrind import offered_features
from neuralake.workloads.table_faults import Count, count_rows, open_tables

TARGET = f"{__name__}:Agent"


class Agent:
    """One engine of an arm; its methods are called over the worker's pipe."""

    def __init__(self) -> None:
        self._engine: Any = None
        self._session: Any = None
        self._workload: Any = None
        self._tables: Mapping[str, Any] = {}
        self._sessions: list[Any] = []  # of the second stream and those after it
        self._counter = hardware_counter()  # before there are threads of an engine
        self._simulator: MassifCounter | CallgrindCounter | None = None

    def count_with(self, tool: str, log: str) -> dict[str, Any]:
        """Count instructions from now on: this process runs under Valgrind.

        Parameters
        ----------
        tool
            Of Valgrind, that counts.
        log
            What Valgrind says; callgrind answers there.

        Returns
        -------
        dict
            Instruction sets that it offers the engine (``features``).
        """
        is_callgrind = tool == Callgrind.tool
        self._simulator = CallgrindCounter(Path(log)) if is_callgrind else MassifCounter()
        return {"features": list(offered_features())}

    def load(
        self,
        dataset_uri: str | None,
        directory: str | None,
        catalog: str | None,
        checkout: str | None = None,
    ) -> dict[str, Any]:
        """Open the workload: TPC-H on a dataset, or a directory of queries with its catalog.

        Data that is committed with the queries lies in each arm's ``checkout``: it is told by its
        path there, and by its content.

        Returns
        -------
        dict
            ``name``, ``scale_factor``, what is asked (``queries``: ``sql``, ``order_by``,
            ``limit``, ``offset`` and ``allowances``, by name), what identifies the data of each
            table (``tables``), and what is to be said of those that are deprecated.
        """
        from neuralake.config import Settings

        settings = Settings.from_environ(os.environ)
        if directory is not None:
            from neuralake.queries.directory import open_directory

            self._workload = open_directory(Path(directory), catalog, settings)
        else:
            from neuralake.tpch.dataset import open_workload

            self._workload = open_workload(str(dataset_uri), settings)
        return {
            "name": self._workload.name,
            "scale_factor": self._workload.scale_factor,
            "queries": {query.name: _asked(query) for query in self._workload.queries},
            "tables": {
                name: _identity(table, checkout) for name, table in self._workload.tables.items()
            },
            "deprecations": _deprecations(self._workload.tables.values()),
        }

    def unavailable(self, engine: str) -> str | None:
        """Why an engine cannot run in this arm, or None."""
        from neuralake.engines import registry

        reason: str | None = registry.engine_type(engine).unavailable()
        return reason

    def no_streams(self, engine: str) -> str | None:
        """Why streams cannot run at once on an engine in this arm, or None."""
        from neuralake.engines import registry

        try:
            from neuralake.engines.writing import sessions_at_once
        except ImportError:
            return "its Neuralake is too old for streams: its engines have no sessions at once"
        if sessions_at_once(registry.engine_type(engine)):
            return None
        return f"engine {engine} has no sessions at once, which streams need"

    def stream_texts(self, streams: list[list[tuple[str, dict[str, str]]]]) -> dict[str, Any]:
        """The queries of streams with their parameters filled in.

        Parameters
        ----------
        streams
            Names of the queries of each, and values by the names of the parameters.

        Returns
        -------
        dict
            ``streams``: for each the texts by the queries' names, in its order.
        """
        by_name = {query.name: query for query in self._workload.queries}
        texts = [{name: by_name[name].sql(values) for name, values in s} for s in streams]
        return {"streams": texts}

    def start(self, engine: str, options: dict[str, str]) -> dict[str, Any]:
        """Start the engine; returns its ``versions``."""
        from neuralake.engines import registry
        from neuralake.engines.registry import EngineSpec

        spec = EngineSpec(engine, options)
        if hasattr(registry, "reaching"):
            spec = registry.reaching(spec, self._workload.tables)
        if hasattr(registry, "prepare"):
            registry.prepare(spec)
        self._engine = registry.start(spec)
        return {"versions": dict(self._engine.versions())}

    def open(self, without: Sequence[str] = (), count: bool = False) -> dict[str, Any]:
        """Open the tables; one that cannot be opened is left out.

        Parameters
        ----------
        without
            Tables that are left out anyhow, since one of the arms does not read them rightly.
        count
            Whether the engine is to count each table once.

        Returns
        -------
        dict
            The ``settings`` in effect, the reason why a table cannot be opened or counted
            (``faults``, by its name), and the fields of each ``Count`` (``counts``).
        """
        tables = {n: table for n, table in self._workload.tables.items() if n not in without}
        if self._simulator is None:  # before anything is measured
            from neuralake.arms import fingerprints  # noqa: F401
        opening = open_tables(self._engine, tables, _reason)
        self._session, faults = opening.session, dict(opening.faults)
        self._tables = {name: table for name, table in tables.items() if name not in faults}
        counts: dict[str, Count] = {}
        settle()
        if count:
            counts, uncounted = count_rows(self._engine.name, self._session, self._tables, _reason)
            faults |= uncounted
        settings = {name: str(value) for name, value in dict(self._engine.settings).items()}
        found = {name: asdict(rows) for name, rows in counts.items()}
        return {"settings": settings, "faults": faults, "counts": found}

    def execute(
        self,
        sql: str,
        answer: str,
        known: str | None,
        order_by: list[str],
        profile: str | None = None,
    ) -> dict[str, Any]:
        """Run a query once.

        Parameters
        ----------
        sql
            Its text.
        answer
            File for the result (Arrow IPC), written unless the result's digest is the known one;
            where instructions are counted, always and as a stream, for others to make the digest.
        known
            Digest of an earlier result.
        order_by
            Names of the columns that the rows are ordered by.
        profile
            File for what callgrind found in this execution, where it counts.

        Returns
        -------
        dict
            The measured ``execution``, ``rows`` and ``digest``, which is None where instructions
            are counted.
        """
        execute = self._session.execute
        found: str | None = None
        if self._simulator is None:
            from neuralake.arms.fingerprints import fingerprint

            result, execution = measure(lambda: execute(sql), self._counter)
            found = fingerprint(result, Path(answer), known, order_by)
        else:
            if profile is not None and isinstance(self._simulator, CallgrindCounter):
                self._simulator.keep_profile(Path(profile))
            result, execution = count_instructions(lambda: execute(sql), self._simulator)
            hand_over(result, answer)
        return {"execution": asdict(execution), "rows": result.num_rows, "digest": found}

    def execute_streams(
        self, streams: list[list[tuple[str, str, str, str | None, list[str]]]]
    ) -> dict[str, Any]:
        """Run streams of queries at once, each in a session and a thread of its own.

        Sessions that are not open yet are opened before the time begins.

        Parameters
        ----------
        streams
            For each query of each: its name, its text, and what :meth:`execute` is told of it.

        Returns
        -------
        dict
            The measured ``execution`` of all, the ``digests`` of each stream, and the ``failure``:
            None, or of the first query that failed its name, the kind of the error, what it says,
            and its traceback.
        """
        from neuralake.arms.fingerprints import fingerprint

        while len(self._sessions) < len(streams) - 1:
            self._sessions.append(self._engine.open(self._tables))
            settle()
        sessions = [self._session, *self._sessions]
        at_once = AtOnce(
            [
                (session.execute, [(name, sql) for name, sql, *_ in stream])
                for session, stream in zip(sessions, streams, strict=False)
            ]
        )
        results, execution = measure(at_once.run, self._counter)
        if at_once.failure is not None:
            return {"failure": at_once.failure}
        digests: list[list[str]] = []
        for stream, answers in zip(streams, results, strict=True):
            digests.append([])
            for (_, _, answer, known, order_by), result in zip(stream, answers, strict=True):
                digests[-1].append(fingerprint(result, Path(answer), known, order_by))
        return {"execution": asdict(execution), "digests": digests, "failure": None}

    def close(self) -> None:
        """Close what was opened."""
        for session in self._sessions:
            session.close()
        if self._session is not None:
            self._session.close()
        if self._engine is not None and hasattr(self._engine, "close"):
            self._engine.close()


def _reason(error: BaseException, options: Mapping[str, str]) -> str:
    """An error in one line, without secrets; an older Neuralake leaves them to whoever asks."""
    try:
        from neuralake.storage import one_line
    except ImportError:
        return " ".join(str(error).split())
    return one_line(error, options)


def _asked(query: Any) -> dict[str, Any]:
    """A query's text with its parameters filled in, and what it promises of its rows."""
    # an older Neuralake has no nulls, no allowances and no offset
    order = [(k.column, k.descending, getattr(k, "nulls", None)) for k in query.order_by]
    allowances = [
        (allowed.tolerance.relative, allowed.tolerance.absolute, allowed.column)
        for allowed in getattr(query, "allowances", ())
    ]
    return {
        "sql": query.sql(),
        "order_by": order,
        "limit": query.limit,
        "offset": getattr(query, "offset", 0),
        "allowances": allowances,
    }


def _identity(table: Any, checkout: str | None) -> dict[str, Any]:
    """Facts that differ once the data of a table does, and its place."""
    uri = getattr(table, "uri", None)
    place = _within(uri, checkout) or uri if isinstance(uri, str) else None
    found: dict[str, Any] = {"format": table.format, "uri": place}
    if table.format == "delta":
        import deltalake

        options = dict(getattr(table, "storage_options", None) or {})
        version = getattr(table, "version", None)  # a method where Neuralake is older
        pinned = version if isinstance(version, int) else None
        snapshot = deltalake.DeltaTable(table.uri, pinned, storage_options=options or None)
        found |= {"id": str(snapshot.metadata().id), "version": snapshot.version()}
    elif table.format == "parquet" and hasattr(table, "files"):
        found["files"] = [_file(path, checkout) for path in _stored(table).files()]
    return found


def _deprecations(tables: Iterable[Any]) -> list[str]:
    """A line for each table that is deprecated, where Neuralake knows of that."""
    try:
        from neuralake.catalog.about import deprecations
    except ImportError:  # an older one
        return []
    return list(deprecations(tables))


def _stored(table: Any) -> Any:
    """A table without its computed columns and the like, where Neuralake knows of them."""
    try:
        from neuralake.catalog.views import view_of
    except ImportError:  # an older one
        return table
    view = view_of(table)
    return table if view is None else view.base


def _within(path: str, checkout: str | None) -> str | None:
    """A path as it is called in the commit whose files are laid out there; None from elsewhere."""
    place = Path(path.removeprefix("file://")).resolve()
    top = None if checkout is None else Path(checkout).resolve()
    if top is None or not place.is_relative_to(top):
        return None
    return str(place.relative_to(top))


def _file(path: str, checkout: str | None) -> list[Any]:
    """A local file with its size and time of change; of another only its name is known here.

    One that is laid out from a commit has the time at which it was: its content tells it.
    """
    file = Path(path.removeprefix("file://"))
    try:
        if committed := _within(path, checkout):
            import hashlib  # which takes OpenSSL, and few have such a file

            with file.open("rb") as stream:
                return [committed, hashlib.file_digest(stream, "sha256").hexdigest()]
        status = file.stat()
    except OSError:
        return [path]
    return [path, status.st_size, status.st_mtime_ns]


def hand_over(result: pa.Table, path: str) -> None:
    """Write a result as it is (Arrow IPC), for another process to read."""
    # not as a file, in which a dictionary has one set of values for all batches
    with pa.OSFile(path, "wb") as file, pa.ipc.new_stream(file, result.schema) as writer:
        writer.write_table(result)
