"""A run of lifecycle in numbers: how latencies, files and bytes change over the phases."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from neuralake.results.lifecycle.degradation import Series, series_of
from neuralake.results.lifecycle.interference import Interference, interference_of
from neuralake.results.lifecycle.maintenance import Maintenance, maintenance_of
from neuralake.results.lifecycle.questions import Questions, asked_in, questions_of
from neuralake.results.lifecycle.records import LifecycleRun
from neuralake.results.lifecycle.samples import lifecycle_samples
from neuralake.results.lifecycle.storage import Size, Writing, sizes_of, writing_of
from neuralake.results.phases.records import PhaseKey
from neuralake.results.phases.samples import TaskSample


@dataclass(frozen=True)
class Support:
    """Whether an engine can do a kind of task, and how it did.

    Attributes
    ----------
    engine, kind
        Whose, and what.
    state
        ``ok``; the first status that was another, such as ``unsupported``; or ``not reached``.
    path
        The ways that it took.
    detail
        Why not.
    right, tried
        How many tasks of the kind went right, of how many.
    """

    engine: str
    kind: str
    state: str
    path: str
    detail: str | None = None
    right: int = 0
    tried: int = 0


@dataclass(frozen=True)
class LifecycleSummary:
    """Everything, in the order of the engines and of the plan.

    Attributes
    ----------
    series, interference, maintenance, sizes, writing, supports
        As their classes say.
    samples
        By phase, judged.
    repetitions
        By engine, how many came to their ends.
    """

    series: tuple[Series, ...]
    interference: tuple[Interference, ...]
    maintenance: tuple[Maintenance, ...]
    sizes: tuple[Size, ...]
    writing: tuple[Writing, ...]
    supports: tuple[Support, ...]
    samples: Mapping[PhaseKey, Sequence[TaskSample]]
    repetitions: Mapping[str, int]

    @property
    def faults(self) -> tuple[tuple[PhaseKey, TaskSample], ...]:
        """Tasks that failed or were wrong; one that an engine cannot do is none of them."""
        return tuple(
            (key, sample)
            for key, samples in self.samples.items()
            for sample in samples
            if sample.status not in ("ok", "unsupported")
        )

    def is_right(self, run: LifecycleRun) -> bool:
        """Whether all phases came to their ends, and nothing failed or was wrong."""
        return (
            all(phase.status == "ok" for phase in run.phases)
            and not self.faults
            and not any(check.is_right is False for phase in run.phases for check in phase.end)
        )

    def document(self, run: LifecycleRun) -> dict[str, object]:
        """For ``--json``."""
        return {
            "run": run.header.id,
            "plan": run.header.plan,
            "is_right": self.is_right(run),
            "repetitions": dict(self.repetitions),
            "stopped": [asdict(end) for end in run.repetitions if end.stopped],
            **{
                name: [asdict(each) for each in getattr(self, name)]
                for name in (
                    *("series", "interference", "maintenance"),
                    *("sizes", "writing", "supports"),
                )
            },
        }


def summarise_lifecycle(run: LifecycleRun, directory: Path) -> LifecycleSummary:
    """The numbers of a run.

    Parameters
    ----------
    run
        Finished or interrupted; a repetition that was interrupted is in no interval of a series.
    directory
        Of the run, where its samples lie.

    Raises
    ------
    ResultsError
        If samples are absent or damaged.
    """
    samples = {phase.key: lifecycle_samples(phase, directory) for phase in run.phases}
    questions = questions_of(run, samples)
    totals = {k: _total(own, questions[k.phase], "wall_ns") for k, own in samples.items()}
    openings = {k: _total(own, questions[k.phase], "open_ns") for k, own in samples.items()}
    engines = [request.name for request in run.header.engines]
    records = {phase.key: phase for phase in run.phases}
    ends = {end.key: end for end in run.ends}
    return LifecycleSummary(
        series=tuple(s for e in engines for s in series_of(run, e, totals, questions)),
        interference=tuple(i for e in engines for i in interference_of(run, e, samples)),
        maintenance=tuple(
            m for e in engines for m in maintenance_of(run, e, totals, records, questions)
        ),
        sizes=tuple(s for e in engines for s in sizes_of(run, e, records, ends, totals, openings)),
        writing=tuple(w for e in engines for w in writing_of(e, ends, samples)),
        supports=tuple(s for e in engines for s in _supports(run, e, samples)),
        samples=samples,
        repetitions={
            e: sum(r.engine == e and r.stopped is None for r in run.repetitions) for e in engines
        },
    )


def _total(
    samples: Sequence[TaskSample], questions: Questions, time: Literal["wall_ns", "open_ns"]
) -> float | None:
    """Seconds of all queries of a phase.

    None if it has none, or one that was not asked or has no right answer.
    """
    asked = [sample for sample in samples if sample.kind == "query"]
    taken: list[int | None] = [getattr(sample, time) for sample in asked]
    if not asked or None in taken or any(sample.status != "ok" for sample in asked):
        return None
    if asked_in(asked) != questions:  # its process was lost between two of them
        return None
    return sum(ns for ns in taken if ns is not None) / 1e9


def _supports(
    run: LifecycleRun, engine: str, samples: Mapping[PhaseKey, Sequence[TaskSample]]
) -> Iterator[Support]:
    own = [s for key, found in samples.items() if key.engine == engine for s in found]
    for kind in run.header.kinds:
        tried = [sample for sample in own if sample.kind == kind]
        if not tried:
            yield Support(engine, kind, "not reached", "")
            continue
        failed = next((sample for sample in tried if sample.status != "ok"), None)
        paths = dict.fromkeys(sample.path for sample in tried if sample.path)
        yield Support(
            engine,
            kind,
            "ok" if failed is None else failed.status,
            "; ".join(paths),
            None if failed is None else failed.message,
            right=sum(sample.status == "ok" for sample in tried),
            tried=len(tried),
        )
