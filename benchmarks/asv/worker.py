"""The process of one engine in one arm: started once, then asked, a line of JSON each.

    python -P -m asv.worker ENGINE OPTIONS DATASET ANSWERS QUERIES

    {"do": "round"}                  {"seconds": {"q01": 0.047, …}, "failures": {}}
    {"do": "streams", "count": 2}    {"seconds": 0.91, "failures": {}}
    {"do": "peak_rss"}               {"bytes": 268435456}

Only ``session.execute`` is timed; streams are threads over one session, as an application has it.
Garbage is collected before and not during, and answers are checked after the clock has stopped.
"""

from __future__ import annotations

import gc
import importlib.util
import json
import os
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from .answers import Judge, WrongAnswerError

if TYPE_CHECKING:
    import pyarrow as pa

    from neuralake.engines.protocol import Engine, Session
    from neuralake.queries.query import Query


@dataclass(frozen=True)
class OpenEngine:
    """An engine with its tables, and who judges its answers.

    Attributes
    ----------
    engine
        Lives as long as its session: Spark's owns the directory that the session works in.
    session
        Of the engine.
    queries
        By name, those that are to run.
    judge
        Knows the right answers.
    """

    engine: Engine
    session: Session
    queries: Mapping[str, Query]
    judge: Judge

    def round(self) -> dict[str, Any]:
        """Each query once, in the order of the power stream."""
        seconds: dict[str, float] = {}
        failures: dict[str, str] = {}
        answers: dict[str, pa.Table] = {}
        with _QuietHeap():
            for name in self._ordered(0):
                sql = self.queries[name].sql()
                start = time.perf_counter()
                try:
                    answers[name] = self.session.execute(sql)
                except Exception as error:  # noqa: BLE001 - whatever an engine raises is a result
                    failures[name] = _line(error)
                seconds[name] = time.perf_counter() - start
        failures |= self._wrong(answers)
        return {
            "seconds": {q: s for q, s in seconds.items() if q not in failures},
            "failures": failures,
        }

    def streams(self, count: int) -> dict[str, Any]:
        """Streams 1 to ``count`` at the same time, from the first start to the last end."""
        streams = [_Stream(self, self._ordered(number)) for number in range(1, count + 1)]
        with _QuietHeap():
            start = time.perf_counter()
            for stream in streams:
                stream.thread.start()
            for stream in streams:
                stream.thread.join()
            seconds = time.perf_counter() - start
        failures: dict[str, str] = {}
        for stream in streams:
            failures |= stream.failures | self._wrong(stream.answers)
        return {"seconds": seconds, "failures": failures}

    def close(self) -> None:
        """Stop the engine."""
        self.session.close()
        self.engine.close()

    def _ordered(self, stream: int) -> list[str]:
        return [name for name in stream_orders()[stream] if name in self.queries]

    def _wrong(self, answers: Mapping[str, pa.Table]) -> dict[str, str]:
        wrong: dict[str, str] = {}
        for name, table in answers.items():
            try:
                self.judge.check(self.queries[name], table)
            except WrongAnswerError as error:
                wrong[name] = f"wrong answer: {_line(error)}"
        return wrong


class _Stream:
    """One stream of queries and what came of it."""

    def __init__(self, engine: OpenEngine, names: Sequence[str]) -> None:
        self.answers: dict[str, pa.Table] = {}
        self.failures: dict[str, str] = {}
        self.thread = threading.Thread(target=self._run, args=(engine, names))

    def _run(self, engine: OpenEngine, names: Sequence[str]) -> None:
        for name in names:
            try:
                self.answers[name] = engine.session.execute(engine.queries[name].sql())
            except Exception as error:  # noqa: BLE001 - whatever an engine raises is a result
                self.failures[name] = _line(error)


class _QuietHeap:
    """No collection of garbage within, and none due."""

    def __enter__(self) -> None:
        gc.collect()
        gc.disable()

    def __exit__(self, *_: object) -> None:
        gc.enable()


def stream_orders() -> Sequence[Sequence[str]]:
    """Names of the queries in each stream's order, power stream first: those of this checkout.

    The package that is imported here is that of the commit that is measured, which may not know
    them; and the streams must be the same for every commit.
    """
    file = Path(__file__).parents[2] / "neuralake" / "tpch" / "streams.py"
    spec = importlib.util.spec_from_file_location("neuralake_streams", file)
    assert spec is not None  # noqa: S101 - a file with this suffix has a loader
    assert spec.loader is not None  # noqa: S101
    streams = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(streams)
    return [streams.ordering(number) for number in range(len(streams.ORDERINGS))]


def open_engine(
    engine: str, options: Mapping[str, str], dataset: str, answers: Path, queries: Sequence[str]
) -> OpenEngine:
    """Start an engine in this process and open the dataset's tables."""
    from neuralake.config import Settings
    from neuralake.engines.registry import EngineSpec, prepare, start
    from neuralake.tpch.dataset import open_workload

    workload = open_workload(dataset, Settings.from_environ(os.environ))
    spec = EngineSpec(engine, options)
    prepare(spec)
    started = start(spec)
    by_name = {query.name: query for query in workload.queries if query.name in queries}
    # of a few queries only the tables: Spark takes seconds for each. All 22 name all of them
    texts = [query.sql() for query in by_name.values()]
    tables = {
        name: table
        for name, table in workload.tables.items()
        if any(name in text for text in texts)
    }
    session = started.open(tables)
    gc.collect()
    gc.freeze()  # a collection over what lives as long as the process leaves the caches cold
    return OpenEngine(started, session, by_name, Judge(answers, workload))


def peak_rss_bytes(pid: int) -> int:
    """Sum of the peak resident memory of a process and its descendants (``VmHWM``, proc(5)).

    Their peaks need not fall together, so that the sum is an upper bound. The threads of a JVM come
    and go meanwhile: one that has ended has no children. Not read by ``neuralake.measure``, which
    is the commit's here: the instrument must be the same for every commit.
    """
    pids = [pid]
    for parent in pids:
        for task in _entries(Path(f"/proc/{parent}/task")):
            pids += map(int, _text(task / "children").split())
    lines = [line for pid in pids for line in _text(Path(f"/proc/{pid}/status")).splitlines()]
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))


def _entries(directory: Path) -> list[Path]:
    try:
        return list(directory.iterdir())
    except OSError:
        return []


def _text(file: Path) -> str:
    try:
        return file.read_text()
    except OSError:
        return ""


def serve(engine: OpenEngine, requests: TextIO, replies: TextIO) -> None:
    """Answer requests until there are no more."""
    for line in requests:
        request = json.loads(line)
        reply: dict[str, Any]
        if request["do"] == "round":
            reply = engine.round()
        elif request["do"] == "streams":
            reply = engine.streams(request["count"])
        else:
            reply = {"bytes": peak_rss_bytes(os.getpid())}
        print(json.dumps(reply), file=replies, flush=True)


def _line(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:500]


def main(arguments: Sequence[str]) -> None:
    """Start, say which Neuralake this is, and serve standard input."""
    # engines print too: their output goes where errors go, replies keep the pipe to themselves
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    import neuralake

    engine, options, dataset, answers, queries = arguments
    opened = open_engine(engine, json.loads(options), dataset, Path(answers), queries.split(","))
    print(json.dumps({"neuralake": str(Path(neuralake.__file__).parent)}), file=replies, flush=True)
    serve(opened, sys.stdin, replies)
    opened.close()


if __name__ == "__main__":
    main(sys.argv[1:])
