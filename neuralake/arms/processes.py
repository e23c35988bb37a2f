"""A process of an arm: the engine of a commit in its own environment, called over a pipe."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

import neuralake.arms
import neuralake.measure
from neuralake import pandas_on_demand
from neuralake.arms.agent import TARGET
from neuralake.arms.fingerprints import fingerprint, take_over
from neuralake.errors import CompareError, QueryError
from neuralake.measure.callgrind import Callgrind
from neuralake.measure.massif import Massif
from neuralake.measure.valgrind import ENVIRONMENT, complaint, valgrind_version
from neuralake.measure.worker import (
    Interpreter,
    RemoteError,
    Worker,
    WorkerDiedError,
    WorkerMemoryError,
    WorkerTimeoutError,
)
from neuralake.queries import digest, hashing, plain, shape
from neuralake.results.comparison import Side
from neuralake.workloads import table_faults
from neuralake.workloads.failures import FAILURES, SETUP_TIMEOUT_S, judge, log_tail
from neuralake.workloads.table_faults import Count

Failure = RemoteError | WorkerDiedError | WorkerMemoryError | WorkerTimeoutError


@dataclass(frozen=True)
class Place:
    """Where an arm runs.

    Attributes
    ----------
    side
        Which arm it is.
    name
        As it was asked for.
    python
        Interpreter of its environment.
    directory
        Where it runs.
    dataset_uri
        TPC-H's dataset, or None.
    workload
        Directory of queries, or None.
    catalog
        Of that directory, or None for its own.
    log
        What it prints.
    environment
        Variables that are set there: places that the caller names by where he stands.
    checkout
        Top of the files of its commit: data in it is the same wherever it lies.
    counting
        How its instructions are counted by a simulator; None where its time is measured.
    """

    side: Side
    name: str
    python: Path
    directory: Path
    dataset_uri: str | None
    workload: Path | None
    catalog: str | None
    log: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    checkout: Path | None = None
    counting: Massif | Callgrind | None = None


@dataclass(frozen=True)
class Opened:
    """Tables that are registered in an arm.

    Attributes
    ----------
    settings
        Of the engine, in effect now that they are.
    faults
        Tables that cannot be opened or counted, with the reason.
    counts
        Of the others, if they were asked for.
    """

    settings: Mapping[str, str]
    faults: Mapping[str, str] = field(default_factory=dict)
    counts: Mapping[str, Count] = field(default_factory=dict)


@dataclass(frozen=True)
class Asked:
    """A query as an arm is asked it.

    Attributes
    ----------
    name
        By which a failure names it.
    sql
        Its text.
    answer
        File for the result, written unless its digest is the known one.
    known
        Digest of an earlier result, or None.
    order_by
        Names of the columns that the rows are ordered by.
    profile
        File for the profile of its execution, or None.
    """

    name: str
    sql: str
    answer: Path
    known: str | None
    order_by: Sequence[str]
    profile: Path | None = None


class ArmFailedError(Exception):
    """A call failed in an arm; the message says why.

    Attributes
    ----------
    gone
        Whether the process is gone, or cannot be trusted any more.
    """

    def __init__(self, message: str, *, gone: bool) -> None:
        super().__init__(message)
        self.gone = gone


class ArmProcess:
    """A process in an arm, from its start to its end."""

    def __init__(self, place: Place) -> None:
        self.place = place
        counting = place.counting
        self._worker = Worker(
            TARGET,
            place.log,
            {**place.environment, **ENVIRONMENT} if counting else place.environment,
            interpreter=_interpreter(place),
            launcher=counting.launcher() if counting else (),
        )

    def load(self) -> dict[str, Any]:
        """Open the workload (:meth:`neuralake.arms.agent.Agent.load`).

        Raises
        ------
        CompareError
            If the arm cannot.
        """
        place = self.place
        directory = str(place.workload) if place.workload else None
        checkout = str(place.checkout) if place.checkout else None
        return self._required("load", place.dataset_uri, directory, place.catalog, checkout)

    def unavailable(self, engine: str) -> str | None:
        """Why the arm cannot run an engine, or None."""
        try:
            return self.call("unavailable", engine)  # type: ignore[no-any-return]
        except ArmFailedError as error:
            return str(error)

    def no_streams(self, engine: str) -> str | None:
        """Why the arm cannot run streams at once on an engine, or None."""
        try:
            return self.call("no_streams", engine)  # type: ignore[no-any-return]
        except ArmFailedError as error:
            return str(error)

    def stream_texts(
        self, streams: Sequence[Sequence[tuple[str, Mapping[str, str]]]]
    ) -> list[dict[str, str]]:
        """Texts of the queries of streams (:meth:`neuralake.arms.agent.Agent.stream_texts`).

        Raises
        ------
        CompareError
            If the arm has other queries, or they have other parameters.
        """
        plain = [[(name, dict(values)) for name, values in stream] for stream in streams]
        return list(self._required("stream_texts", plain)["streams"])

    def start(self, engine: str, options: Mapping[str, str]) -> dict[str, str]:
        """Start an engine; returns its versions.

        Raises
        ------
        CompareError
            If the arm cannot.
        ArmFailedError
            If the simulator that counts its instructions is lost with it.
        """
        arguments = ("start", engine, dict(options))
        how = self.place.counting
        if how is None:
            return dict(self._required(*arguments, timeout_s=SETUP_TIMEOUT_S)["versions"])
        try:
            started = self.call(*arguments, timeout_s=SETUP_TIMEOUT_S)
            counting = self.call("count_with", how.tool, str(how.log))
        except ArmFailedError as error:
            if error.gone:
                raise
            raise self._cannot(error) from error
        simulated = {"valgrind": valgrind_version()}
        if counting["features"]:
            simulated["instruction sets"] = " ".join(counting["features"])
        return {**started["versions"], **simulated}

    def open(self, without: Iterable[str] = (), *, count: bool = False) -> Opened:
        """Open the tables (:meth:`neuralake.arms.agent.Agent.open`).

        Raises
        ------
        ArmFailedError
            If none can be opened, or the process is lost with it.
        """
        found = self.call("open", sorted(without), count, timeout_s=SETUP_TIMEOUT_S)
        counts = {name: Count(**fields) for name, fields in found["counts"].items()}
        return Opened(found["settings"], found["faults"], counts)

    def execute(
        self,
        sql: str,
        answer: Path,
        known: str | None,
        order_by: Sequence[str],
        timeout_s: float | None,
        profile: Path | None = None,
    ) -> dict[str, Any]:
        """Run a query once (:meth:`neuralake.arms.agent.Agent.execute`).

        Raises
        ------
        ArmFailedError
            If it gave no answer.
        """
        is_counted = self.place.counting is not None
        written = answer.with_suffix(".handed") if is_counted else answer
        arguments: tuple[Any, ...] = (sql, str(written), known, list(order_by))
        if profile is not None:
            arguments = (*arguments, str(profile))
        start = self._log_size()
        found: dict[str, Any] = self.call("execute", *arguments, timeout_s=timeout_s)
        if is_counted:
            try:
                found["digest"] = fingerprint(take_over(written), answer, known, order_by)
            except (QueryError, pa.ArrowException) as error:
                raised = RemoteError(type(error).__name__, str(error), "")
                raise self._failed(raised, start) from None
        return found

    def execute_streams(
        self, streams: Sequence[Sequence[Asked]], timeout_s: float | None
    ) -> dict[str, Any]:
        """Run streams at once (:meth:`neuralake.arms.agent.Agent.execute_streams`).

        Raises
        ------
        ArmFailedError
            If a query of theirs gave no answer; the message names it.
        """
        plain = [
            [(a.name, a.sql, str(a.answer), a.known, list(a.order_by)) for a in stream]
            for stream in streams
        ]
        start = self._log_size()
        found: dict[str, Any] = self.call("execute_streams", plain, timeout_s=timeout_s)
        if found["failure"] is not None:
            name, *told = found["failure"]
            failed = self._failed(RemoteError(*told), start)
            raise ArmFailedError(f"{name}: {failed}", gone=failed.gone)
        return found

    def call(self, method: str, *arguments: Any, timeout_s: float | None = None) -> Any:
        """Call the agent. Raises ``ArmFailedError`` if that fails."""
        start = self._log_size()
        try:
            return self._worker.call(method, *arguments, timeout_s=timeout_s)
        except FAILURES as failure:
            raise self._failed(failure, start) from None

    def close(self) -> None:
        """End the process; one that counts at once, since its own end is simulated, too."""
        if self.place.counting is None:
            self._worker.close()
        else:
            self._worker.kill()

    def kill(self) -> None:
        """End the process at once."""
        self._worker.kill()

    def _log_size(self) -> int:
        return self.place.log.stat().st_size if self.place.log.exists() else 0

    def _failed(self, failure: Failure, start: int) -> ArmFailedError:
        """What a failure means, by itself and by what was logged from a place on."""
        verdict = judge(failure, log_tail(self.place.log, start), limit_bytes=None)
        message = verdict.message
        if self.place.counting is not None and verdict.replace:
            said = complaint(self.place.counting.log)
            message = f"under Valgrind: {message}{f' ({said})' if said else ''}"
        return ArmFailedError(message, gone=verdict.replace)

    def _required(
        self, method: str, *arguments: Any, timeout_s: float | None = None
    ) -> dict[str, Any]:
        try:
            found: dict[str, Any] = self.call(method, *arguments, timeout_s=timeout_s)
        except ArmFailedError as error:
            raise self._cannot(error) from error
        return found

    def _cannot(self, error: ArmFailedError) -> CompareError:
        return CompareError(f"{self.place.side} {self.place.name}: {error}")


def _interpreter(place: Place) -> Interpreter:
    modules = (
        *(neuralake.measure, pandas_on_demand, neuralake.arms),
        table_faults,  # what finds them
        # what the digest of a result is made of, where the arm makes it
        *((shape, plain, hashing, digest) if place.counting is None else ()),
    )
    files = {module.__name__: Path(str(module.__file__)) for module in modules}
    return Interpreter(place.python, place.directory, files)
