"""How a pipeline stands: what its parts have counted, second by second."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from neuralake.writer.metrics import BUCKETS_S, Histogram

_WINDOW_S = 5.0


@dataclass(frozen=True)
class Reading:
    """What one question to the API found.

    Attributes
    ----------
    asked_s, answered_s
        When, by the monotonic clock.
    rows
        Rows of the table.
    age_s
        Age of the newest event in the answer, from the moment at which it was meant to happen until
        the answer was there; None where the table does not tell.
    """

    asked_s: float
    answered_s: float
    rows: int
    age_s: float | None = None


@dataclass(frozen=True)
class Figures:
    """A pipeline at one moment. Rates and latencies are those of the last five seconds.

    Attributes
    ----------
    elapsed_s
        Since it was whole.
    sent, late
        Events that its producer has sent, and those that were sent late; None where it has none.
    sent_per_s
        Events a second.
    waiting
        Events in the topic that are not in the table yet; None where nobody knows.
    lag_s
        Age of the oldest row that was read from the topic and is not durable.
    rows, commits, dead_letters
        Written since the start; of the latter, messages that are no rows.
    rows_per_s, commits_per_s
        As they say.
    durable_p50_s, durable_p99_s
        From a batch's last row to its being durable: at most so long. None without a commit.
    version, files, live_bytes
        Of the table.
    compactions
        Since the start.
    restarts
        Of all processes, since the start.
    age_p50_s, age_max_s
        Age of the newest event in an answer of the API.
    query_p50_s
        Time of an answer.
    """

    elapsed_s: float
    sent: int | None = None
    late: int | None = None
    sent_per_s: float | None = None
    waiting: int | None = None
    lag_s: float | None = None
    rows: int = 0
    commits: int = 0
    dead_letters: int = 0
    rows_per_s: float = 0.0
    commits_per_s: float = 0.0
    durable_p50_s: float | None = None
    durable_p99_s: float | None = None
    version: int | None = None
    files: int | None = None
    live_bytes: int | None = None
    compactions: int = 0
    restarts: int = 0
    age_p50_s: float | None = None
    age_max_s: float | None = None
    query_p50_s: float | None = None


@dataclass(frozen=True)
class Counted:
    """What was counted until some moment.

    Attributes
    ----------
    at_s
        When, by the monotonic clock.
    counters, gauges
        Of the writer, by their names.
    durations
        Of its appends, or None before the first.
    sent, late
        Of the producer, or None.
    restarts
        Of all processes.
    """

    at_s: float
    counters: Mapping[str, float] = field(default_factory=dict)
    gauges: Mapping[str, float] = field(default_factory=dict)
    durations: Histogram | None = None
    sent: int | None = None
    late: int | None = None
    restarts: int = 0


class Window:
    """Makes figures of what is counted, over the last seconds."""

    def __init__(self, start_s: float) -> None:
        self._start_s = start_s
        self._counted: deque[Counted] = deque([Counted(start_s)])

    def figures(self, now: Counted, readings: Sequence[Reading]) -> Figures:
        """The figures of a moment.

        Parameters
        ----------
        now
            What was counted until then.
        readings
            Of the API; those of the last seconds count.
        """
        self._counted.append(now)
        while len(self._counted) > 2 and self._counted[1].at_s <= now.at_s - _WINDOW_S:
            self._counted.popleft()
        first = self._counted[0]
        seconds = max(now.at_s - first.at_s, 1e-9)
        durations = _since(first.durations, now.durations)
        recent = [r for r in readings if r.answered_s > now.at_s - _WINDOW_S]
        ages = sorted(r.age_s for r in recent if r.age_s is not None)
        took = sorted(r.answered_s - r.asked_s for r in recent)
        gauges, counters = now.gauges, now.counters
        return Figures(
            elapsed_s=now.at_s - self._start_s,
            sent=now.sent,
            late=now.late,
            sent_per_s=None if now.sent is None else (now.sent - (first.sent or 0)) / seconds,
            waiting=_whole(gauges.get("lag_messages")),
            lag_s=gauges.get("lag_seconds"),
            rows=int(counters.get("rows", 0)),
            commits=int(counters.get("commits", 0)),
            dead_letters=int(counters.get("rejected", 0)),
            rows_per_s=_added("rows", first, now) / seconds,
            commits_per_s=_added("commits", first, now) / seconds,
            durable_p50_s=quantile(durations, 0.5),
            durable_p99_s=quantile(durations, 0.99),
            version=_whole(gauges.get("version")),
            files=_whole(gauges.get("files")),
            live_bytes=_whole(gauges.get("live_bytes")),
            compactions=int(counters.get("compactions", 0)),
            restarts=now.restarts,
            age_p50_s=_middle(ages),
            age_max_s=ages[-1] if ages else None,
            query_p50_s=_middle(took),
        )


def quantile(durations: Histogram | None, share: float) -> float | None:
    """The bound of the bucket that has a quantile: no more than that, in seconds.

    None without a duration; infinity beyond the last bucket.
    """
    total = 0 if durations is None else sum(durations.counts)
    if durations is None or not total:
        return None
    seen = 0
    for bound, count in zip((*BUCKETS_S, float("inf")), durations.counts, strict=True):
        seen += count
        if seen >= share * total:
            return bound
    raise AssertionError("a share is at most 1")


def _since(first: Histogram | None, now: Histogram | None) -> Histogram | None:
    if first is None or now is None:
        return now
    counts = [b - a for a, b in zip(first.counts, now.counts, strict=True)]
    return Histogram(counts, now.sum_s - first.sum_s)


def _added(name: str, first: Counted, now: Counted) -> float:
    return now.counters.get(name, 0) - first.counters.get(name, 0)


def _whole(value: float | None) -> int | None:
    return None if value is None else int(value)


def _middle(ordered: Sequence[float]) -> float | None:
    return ordered[len(ordered) // 2] if ordered else None
