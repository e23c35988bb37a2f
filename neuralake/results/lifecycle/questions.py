"""What each phase asks: seconds of different questions are not compared with one another."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from neuralake.results.lifecycle.records import LifecycleRun
from neuralake.results.phases.records import PhaseKey
from neuralake.results.phases.samples import TaskSample

# How often each question is asked, by the name of its task
Questions = Mapping[str, int]


def questions_of(
    run: LifecycleRun, samples: Mapping[PhaseKey, Sequence[TaskSample]]
) -> dict[str, Questions]:
    """The questions of each phase of the plan, by its name.

    Parameters
    ----------
    run
        Whose header tells them; of an older one they are those of the phase's samples, where the
        most were asked.
    samples
        By phase.
    """
    found: dict[str, Questions] = {}
    for key, own in samples.items():
        asked = asked_in(own)
        if asked.total() > sum(found.get(key.phase, {}).values()):
            found[key.phase] = asked
    for phase in run.header.phases:
        if phase.asks is not None:
            found[phase.name] = Counter(phase.asks)
        else:
            found.setdefault(phase.name, Counter())
    return found


def asked_in(samples: Iterable[TaskSample]) -> Counter[str]:
    """The questions that were begun."""
    return Counter(sample.task for sample in samples if sample.kind == "query")
