"""How the numbers of freshness are written: the same in the terminal, the page and the summary."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from neuralake.report.latency import in_ms
from neuralake.report.numbers import NONE, per_second
from neuralake.results.freshness.records import COMPACTED, Case, Load
from neuralake.results.freshness.summary import Frontier

# By their names in :mod:`neuralake.results.freshness.stages`
STAGES = {
    "send": "until it is sent",
    "receive": "until the writer decodes it",
    "decode": "decoding",
    "gather": "waiting for its batch",
    "turn": "waiting for the turn to commit",
    "encode": "encoding",
    "write": "data file and entry, durable",
    "commit": "entry under its name, durable",
    "delayed": "… of the last four: for a processor",
    "blocked": "… for the disk, or another thread",
}


def name(case: Case, *, with_rate: bool = True) -> str:
    """A case: who reads, beside what."""
    text = case.reader + (COMPACTED if case.is_compacted else "")
    return f"{text} at {per_second(case.rate)} rows/s" if with_rate else text


def apart(cases: Iterable[Case]) -> dict[Case, str]:
    """A short label of each case: only what tells it from the others."""
    every = list(dict.fromkeys(cases))
    readers = {case.reader for case in every}
    compacted = {case.is_compacted for case in every}
    rates = {case.rate for case in every}
    found = {}
    for case in every:
        parts = [case.reader] if len(readers) > 1 or len(every) == 1 else []
        parts += [f"{per_second(case.rate)}/s"] if len(rates) > 1 else []
        parts += ["compacted" if case.is_compacted else "as it is"] if len(compacted) > 1 else []
        found[case] = ", ".join(parts)
    return found


def reader_of(frontier: Frontier) -> str:
    """Whose frontier it is."""
    return frontier.reader + (COMPACTED if frontier.is_compacted else "")


def between(least: Mapping[str, float], most: Mapping[str, float], level: str) -> str:
    """A percentile: both ends of its interval."""
    if level not in most:
        return NONE
    ends = in_ms(least[level]), in_ms(most[level])
    return ends[1] if ends[0] == ends[1] else f"{ends[0]} – {ends[1]}"


def load_in_words(load: Load) -> str:
    """What was offered."""
    streams = "partition" if load.source == "kafka" else "stream"
    by = f"{load.producers} {streams}{'' if load.producers == 1 else 's'} of {load.source}"
    pieces = "" if load.pieces == 1 else f" in {load.pieces} pieces"
    return (
        f"records of 10 columns through {by}, open loop, {load.arrivals} arrivals, "
        f"{load.duration_s:g} s{pieces} a round"
    )
