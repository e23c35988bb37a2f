"""Streams of queries at once, in threads of one engine, inside an arm."""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pyarrow as pa

from neuralake.measure.worker import text_of

Execute = Callable[[str], pa.Table]


@dataclass
class AtOnce:
    """One run of streams.

    Attributes
    ----------
    streams
        For each stream what executes a query in its session, and its queries: names and texts.
    failure
        The first error of any stream: name of its query, kind, message and traceback; None if all
        went well. No stream begins another query after it.
    """

    streams: Sequence[tuple[Execute, Sequence[tuple[str, str]]]]
    failure: tuple[str, str, str, str] | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def run(self) -> list[list[pa.Table]]:
        """Run all streams to their ends; the results of each, in order."""
        with ThreadPoolExecutor(len(self.streams)) as pool:
            running = [pool.submit(self._stream, *stream) for stream in self.streams]
            return [future.result() for future in running]

    def _stream(self, execute: Execute, queries: Sequence[tuple[str, str]]) -> list[pa.Table]:
        results: list[pa.Table] = []
        for name, sql in queries:
            if self.failure is not None:
                break
            try:
                results.append(execute(sql))
            except BaseException as error:  # noqa: BLE001 (a Rust panic is not an Exception)
                self._fail(name, error)
        return results

    def _fail(self, name: str, error: BaseException) -> None:
        with self._lock:
            if self.failure is None:
                details = "".join(traceback.format_exception(error))
                self.failure = (name, type(error).__name__, text_of(error), details)
