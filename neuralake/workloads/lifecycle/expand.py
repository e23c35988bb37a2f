"""The phases of a plan one after another: in their order, and as often as loops repeat them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from graphlib import CycleError, TopologicalSorter

from neuralake.errors import LifecycleError, did_you_mean
from neuralake.workloads.lifecycle.file import LoopFile, PhaseFile, PlanFile, SessionFile
from neuralake.workloads.lifecycle.tasks import (
    EARLIER,
    MAINTENANCE,
    ROW_CHANGES,
    AnyTask,
    QueryFile,
)

MOST_PHASES = 1000


@dataclass(frozen=True)
class Phase:
    """A phase of a plan, as it is run once in a repetition.

    Attributes
    ----------
    name
        The phase's, with its turn where a loop repeats it: ``query 3``.
    series
        Phases whose latencies are compared with one another.
    turn
        1 for the first of its series.
    sessions
        At once.
    alone
        The series in which the same queries run alone, or None.
    """

    name: str
    series: str
    turn: int
    sessions: tuple[SessionFile, ...]
    alone: str | None = None

    @property
    def tasks(self) -> tuple[AnyTask, ...]:
        """Of all its sessions."""
        return tuple(task for session in self.sessions for task in session.tasks)

    @property
    def has_queries(self) -> bool:
        """Whether something is asked in it."""
        return any(isinstance(task, QueryFile) for task in self.tasks)

    @property
    def changes_rows(self) -> bool:
        """Whether rows of a table are changed in it."""
        return any(isinstance(task, ROW_CHANGES) for task in self.tasks)

    @property
    def is_maintenance(self) -> bool:
        """Whether tables are maintained in it, and nothing else is done."""
        return bool(self.tasks) and all(isinstance(task, MAINTENANCE) for task in self.tasks)


def expand(plan: PlanFile, source: str) -> tuple[Phase, ...]:
    """The phases of a plan, as they follow one another.

    Parameters
    ----------
    plan
        As its file has it.
    source
        Where that is from, for messages.

    Raises
    ------
    LifecycleError
        If names are missing or double, a phase names one that there is not, the order goes in a
        circle, or a loop's phases do not follow one another.
    """
    try:
        return _expanded(plan)
    except LifecycleError as error:
        raise LifecycleError(f"plan {source}: {error}") from None


def _expanded(plan: PlanFile) -> tuple[Phase, ...]:
    _check_names(plan)
    ordered = _in_order(plan)
    blocks = _blocks(ordered, plan.loops)
    if sum(len(block) * times for block, times in blocks) > MOST_PHASES:
        raise LifecycleError(
            f"plan {plan.name} has more than {MOST_PHASES:,} phases: expected fewer turns of loops"
        )
    phases: list[Phase] = []
    turns: dict[str, int] = {}
    for block, times in blocks:
        for turn in range(1, times + 1):
            for each in block:
                series = each.series or each.name
                turns[series] = turns.get(series, 0) + 1
                name = f"{each.name} {turn}" if times > 1 else each.name
                phases.append(Phase(name, series, turns[series], each.sessions, each.alone))
    _check_double(phases)
    _check_series(plan, phases)
    return _time_travel(phases)


def _check_names(plan: PlanFile) -> None:
    if not plan.phases:
        raise LifecycleError("phases is empty: expected one at least")
    names = [phase.name for phase in plan.phases]
    for place, name in (
        ("name", plan.name),
        *((f"phases[{i}].name", name) for i, name in enumerate(names)),
        *((f"phases[{i}].series", p.series) for i, p in enumerate(plan.phases) if p.series),
    ):
        if not name.strip() or not name.isprintable() or len(name) > 48 or "/" in name:
            raise LifecycleError(
                f"{place} is {name!r:.60}: expected a name of up to 48 characters without /"
            )
    for i, name in enumerate(names):
        if name in names[:i]:
            raise LifecycleError(f"phases[{i}].name is {name!r}, as that of an earlier phase")
    for i, phase in enumerate(plan.phases):
        _check_sessions(phase, f"phases[{i}].sessions")


def _check_sessions(phase: PhaseFile, place: str) -> None:
    if not phase.sessions:
        raise LifecycleError(f"{place} is empty: expected one at least")
    called = [session.name for session in phase.sessions]
    for j, session in enumerate(phase.sessions):
        if not session.name.strip() or not session.name.isprintable():
            raise LifecycleError(f"{place}[{j}].name is {session.name!r:.60}: expected a name")
        if session.name in called[:j]:
            raise LifecycleError(
                f"{place}[{j}].name is {session.name!r}, as that of an earlier session"
            )
        if not session.tasks:
            raise LifecycleError(f"{place}[{j}].tasks is empty: expected one at least")


def _in_order(plan: PlanFile) -> list[PhaseFile]:
    """The phases of the file in an order in which each comes after those that it names."""
    by_name = {phase.name: phase for phase in plan.phases}
    before: dict[str, tuple[str, ...]] = {}
    for i, phase in enumerate(plan.phases):
        preceding = (plan.phases[i - 1].name,) if i else ()
        before[phase.name] = preceding if phase.after is None else phase.after
        for name in before[phase.name]:
            _require(name, by_name, f"phases[{i}].after")
    sorter: TopologicalSorter[str] = TopologicalSorter(before)
    try:
        sorter.prepare()
    except CycleError as error:
        circle = " after ".join(map(repr, reversed(error.args[1])))
        raise LifecycleError(
            f"the phases go in a circle: {circle}; expected an order with a first phase"
        ) from None
    places = list(by_name)
    ordered: list[PhaseFile] = []
    ready: list[str] = []
    while sorter.is_active():
        ready += sorter.get_ready()
        first = min(ready, key=places.index)  # of those that might come, the file's first
        ready.remove(first)
        ordered.append(by_name[first])
        sorter.done(first)
    return ordered


def _blocks(
    ordered: Sequence[PhaseFile], loops: Sequence[LoopFile]
) -> list[tuple[list[PhaseFile], int]]:
    """Phases that follow one another, with how often."""
    names = [phase.name for phase in ordered]
    of: dict[str, int] = {}
    for i, loop in enumerate(loops):
        if not loop.phases:
            raise LifecycleError(f"loops[{i}].phases is empty: expected one at least")
        for name in loop.phases:
            _require(name, names, f"loops[{i}].phases")
            if name in of:
                raise LifecycleError(
                    f"loops[{i}].phases names {name!r}, which loops[{of[name]}] has: "
                    "expected each phase in one loop at most"
                )
        for name in loop.phases:
            of[name] = i
        places = [names.index(name) for name in loop.phases]
        if places != list(range(places[0], places[0] + len(places))):
            follow = ", ".join(names)
            raise LifecycleError(
                f"loops[{i}].phases is {list(loop.phases)}: expected phases that follow one "
                f"another, in their order: {follow}"
            )
    blocks: list[tuple[list[PhaseFile], int]] = []
    last: int | None = None
    for phase in ordered:
        found = of.get(phase.name)
        if found is not None and found == last:
            blocks[-1][0].append(phase)
        else:
            blocks.append(([phase], 1 if found is None else loops[found].times))
        last = found
    return blocks


def _check_double(phases: Iterable[Phase]) -> None:
    seen: set[str] = set()
    for phase in phases:
        if phase.name in seen:
            raise LifecycleError(
                f"two phases are called {phase.name!r}, one of them in a loop: rename either"
            )
        seen.add(phase.name)


def _check_series(plan: PlanFile, phases: Sequence[Phase]) -> None:
    asked = dict.fromkeys(phase.series for phase in phases if phase.has_queries)
    for i, phase in enumerate(plan.phases):
        if phase.alone is not None:
            _require(phase.alone, asked, f"phases[{i}].alone", "a series that asks something")


def _time_travel(phases: Sequence[Phase]) -> tuple[Phase, ...]:
    """The phases, with each question about earlier phases spelled out."""
    done: list[str] = []
    changed: list[str] = []
    found = []
    for phase in phases:
        sessions = tuple(
            replace_tasks(session, _resolved(session.tasks, phase.name, done, changed))
            for session in phase.sessions
        )
        found.append(replace(phase, sessions=sessions))
        done.append(phase.name)
        if phase.changes_rows:
            changed.append(phase.name)
    return tuple(found)


def replace_tasks(session: SessionFile, tasks: Iterable[AnyTask]) -> SessionFile:
    """The session with other tasks."""
    return SessionFile(session.name, tuple(tasks))


def _resolved(
    tasks: Iterable[AnyTask], phase: str, done: Sequence[str], changed: Sequence[str]
) -> Iterable[AnyTask]:
    for task in tasks:
        if not isinstance(task, QueryFile) or task.as_of is None:
            yield task
            continue
        if task.as_of == EARLIER:
            if not changed:
                raise LifecycleError(
                    f"phase {phase!r} asks as of {EARLIER} phases: no phase before it changes a "
                    "table"
                )
            for earlier in changed:
                yield QueryFile(task.queries, task.times, earlier)
            continue
        _require(task.as_of, done, f"as_of in phase {phase!r}", "an earlier phase, or earlier")
        yield task


def _require(
    name: str, known: Iterable[str] | Mapping[str, object], place: str, what: str = "a phase"
) -> None:
    names = list(known)
    if name not in names:
        there = ", ".join(names[:20]) + (" …" if len(names) > 20 else "")
        raise LifecycleError(
            f"{place} is {name!r}: expected {what}, of {there or 'which there is none'}"
            f"{did_you_mean(name, names)}"
        )
