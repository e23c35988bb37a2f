"""How a run of streams is told: the same in the terminal, the page and the summary."""

from __future__ import annotations

from collections.abc import Sequence

from neuralake.report.numbers import count
from neuralake.results.phases.records import PhaseKey
from neuralake.results.streams.records import StreamsHeader, streams_of

DERIVED = "derived from TPC-H, and not comparable with published TPC-H results"
_MAPPED = {"threads": "threads of one engine", "processes": "a process and an engine each"}


def phase(name: str) -> str:
    """A phase."""
    streams = streams_of(name)
    return f"throughput run, {count(streams, 'stream')}" if streams else "power run"


def where(key: PhaseKey, rounds: int = 1) -> str:
    """A phase of an engine, with its round where there are several."""
    told = f"{key.engine}, {phase(key.phase)}"
    return f"{told}, round {key.repetition}" if rounds > 1 else told


def mapping(name: str) -> str:
    """How streams map to an engine."""
    return _MAPPED.get(name, name)


def load_in_words(header: StreamsHeader) -> str:
    """What was run."""
    counts = " and ".join(map(str, header.streams))
    noun = "stream" if header.streams == (1,) else "streams"
    sets = f"refresh sets {numbered(header.sets)}"
    return f"TPC-H at SF {header.scale_factor:g}, {counts} {noun}, seed {header.seed}, {sets}"


def numbered(numbers: Sequence[int]) -> str:
    """Numbers, with those that follow one another as a range: ``1-3, 7``."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(f"{r[0]}-{r[-1]}" if len(r) > 1 else str(r[0]) for r in runs)
