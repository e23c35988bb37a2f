"""The course of a run, whatever is measured: begun or gone on with, and ended.

A run holds the machine's lock while it measures, so that no other disturbs it. What it had when it
was interrupted is kept, but for the files of a round that the journal does not tell of.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from neuralake.results.fingerprint import fingerprint
from neuralake.results.journal import JournalWriter
from neuralake.results.kind import Kind, R
from neuralake.results.parts import remove_unfinished
from neuralake.results.store import JOURNAL, RunStore, write_document_as
from neuralake.workloads.recording import (
    Begun,
    Facts,
    Watch,
    begin,
    go_on,
    recording,
    require_same,
)
from neuralake.workloads.turn import machine_to_ourselves

O = TypeVar("O")  # noqa: E741 (an observer, of whatever kind)


@dataclass(frozen=True)
class Course(Generic[R, O]):
    """How runs of a kind go.

    Attributes
    ----------
    kind
        Of run.
    prepare
        Looks at where the run will write, with the machine to itself; returns what makes the
        header of a new run.
    observe
        Makes the observer that is told of each step, by the header.
    measure
        Measures all that the run has not yet: by its header, in its directory, where ``logs`` is,
        each record to the journal before the next is made, and the observer told of each step. The
        last argument is the run so far where it is resumed.
    workload, scale_factor
        What is run, and on how much, for the name of the run; the kind's own name if None.
    facts
        What must be the same when a run goes on, beside machine and software.
    """

    kind: Kind[R]
    prepare: Callable[[], Callable[[Begun], object]]
    observe: Callable[[Any], AbstractContextManager[O]]
    measure: Callable[[Any, Path, JournalWriter, O, R | None], None]
    workload: str | None = None
    scale_factor: float | None = None
    facts: Callable[[R], Facts] = lambda _: ()


def carry_out(
    course: Course[R, O], store: RunStore, resumed: tuple[R, Path] | None
) -> tuple[R, Path]:
    """Carry out a run.

    Parameters
    ----------
    course
        How it goes.
    store
        Where it is kept.
    resumed
        An interrupted run that is to go on, and its directory.

    Returns
    -------
    tuple
        The run and its directory, in which journal, document, samples and logs lie.

    Raises
    ------
    BusyError
        If another process of this machine measures.
    ResultsError
        If the results cannot be written, or the run cannot be resumed.
    RunInterruptedError
        If it was interrupted; what was measured is kept and has its document.
    """
    kind = course.kind
    with machine_to_ourselves(kind.command):
        header = course.prepare()
        if resumed is None:
            past = None
            name = course.workload or kind.name
            directory = begin(kind, store, name, course.scale_factor, header)
        else:
            past, directory = resumed
            require_same(past, course.facts(past))
            go_on(kind, past, directory, fingerprint(Path.cwd()))
            remove_unfinished(directory, {part.name: part for part in kind.parts(past)})
        (directory / "logs").mkdir(exist_ok=True)
        first = kind.read(directory / JOURNAL).header
        with recording(kind, directory) as journal, course.observe(first) as observer:
            watch = Watch()
            course.measure(first, directory, journal, observer, past)
            journal.append(watch.end())
        return write_document_as(kind, directory), directory
