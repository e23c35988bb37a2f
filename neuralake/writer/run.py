"""A writer as a whole: its processes, what they have done so far, and who is told of it."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from neuralake.sources.address import check_exposure
from neuralake.sources.bearer import token_of
from neuralake.writer.events import Event, Tell, now
from neuralake.writer.metrics import Totals, serve_metrics
from neuralake.writer.presence import Presence, presence
from neuralake.writer.stopping import Stopping
from neuralake.writer.supervise import Patience, Supervisor
from neuralake.writer.task import TOKEN_VARIABLE, SourceSpec, Task


@dataclass(frozen=True)
class Ending:
    """How a writer ended.

    Attributes
    ----------
    status
        Exit status.
    reason
        Why, in a line; empty where all is well.
    """

    status: int
    reason: str = ""


@dataclass
class Ledger:
    """What the processes of a writer have done so far.

    Attributes
    ----------
    totals
        The sums.
    tell
        Told of each event after it was entered here.
    """

    totals: Totals
    tell: Tell
    facts: dict[str, Any] = field(default_factory=dict)
    processes: dict[str, dict[str, Any]] = field(default_factory=dict)
    presence: Presence | None = None
    reason: str = ""
    _lock: threading.RLock = field(default_factory=threading.RLock, repr=False)

    def enter(self, event: Event) -> None:
        """Take note of an event, and tell it on."""
        with self._lock:
            if event.figures is not None:
                self.totals.add(event.figures)
            process = self.processes.setdefault(event.role, {"restarts": 0})
            process.update({k: v for k, v in event.facts.items() if k in ("pid", "address")})
            match event.kind:
                case "ready":
                    process.update(state="running", last=event.text, last_at=event.at)
                case "did":
                    process.update(last=event.text, last_at=event.at)
                case "trouble":
                    process.update(trouble=event.text, trouble_at=event.at)
                case "died":
                    process.update(state="died", trouble=event.text, trouble_at=event.at)
                    self.reason = event.text
                case "started":
                    process.update(state="starting", restarts=event.facts["restarts"])
                    self.totals.restarts[event.role] = event.facts["restarts"]
                case "ended":
                    process.update(state="ended", last=event.text or "ended", last_at=event.at)
                    self.reason = self.reason or event.text
            self._say()
        self.tell(event)

    def _say(self) -> None:
        if self.presence is not None:
            figures = self.totals.figures
            told = {"counters": figures.counters, "gauges": figures.gauges}
            self.presence.say({**self.facts, "processes": self.processes, **told})


def run_writer(
    tasks: Sequence[Task],
    tell: Tell,
    stopping: Stopping,
    *,
    totals: Totals,
    patience: Patience,
    metrics_port: int | None = None,
    places: Path | None = None,
) -> Ending:
    """Run the processes of a writer until a source ends, one dies too often, or it is to stop.

    Parameters
    ----------
    tasks
        One for each process, all of one table.
    tell
        Told of what happens.
    stopping
        When to stop.
    totals
        Where everything is summed up.
    patience
        How often a process may die.
    metrics_port
        Port of this machine on which Prometheus reads; 0 takes a free one, None serves nothing.
    places
        Directory in which ``neuralake writer status`` finds this writer; None leaves it unseen.

    Raises
    ------
    ConfigError
        If metrics are asked for, and the extra is not installed.
    SourceError
        If their port is in use, or others can reach a source that is not protected.
    """
    ledger = Ledger(totals, tell)
    first = tasks[0]
    for task in tasks:
        if task.source is not None:
            _check_source(task.source)
    ledger.facts = {
        "pid": os.getpid(),
        "since": now(),
        "table": first.table,
        "uri": first.uri,
        "source": next((t.source.text for t in tasks if t.source is not None), None),
        "metrics": None if metrics_port is None else serve_metrics(totals, metrics_port),
    }
    with ExitStack() as stack:
        if places is not None:
            ledger.presence = stack.enter_context(presence(places, first.uri))
            if ledger.presence.trouble:
                tell(Event(first.role, "trouble", ledger.presence.trouble))
        status = Supervisor(tasks, ledger.enter, stopping, patience).run()
    return Ending(status, ledger.reason if status else "")


def _check_source(source: SourceSpec) -> None:
    """Refuse what its process would refuse, before any is started."""
    if source.address is not None:
        token = token_of(os.environ, TOKEN_VARIABLE)
        check_exposure(source.address, token=token, is_encrypted=source.certificate is not None)


def in_words(event: Event) -> str:
    """An event in a line; the supervisor's words name the process themselves."""
    return event.text if event.kind == "died" else f"{event.role}: {event.text}"


def progress(totals: Totals) -> str:
    """How far a writer is, in a line."""
    with_units = totals.figures.counters
    gauges = totals.figures.gauges
    parts = [
        f"{with_units.get('rows', 0):,.0f} rows in {with_units.get('commits', 0):,.0f} commits"
    ]
    if "version" in gauges:
        parts.append(f"version {gauges['version']:.0f}")
    if gauges.get("queue_bytes"):
        parts.append(f"{gauges['queue_bytes'] / 2**20:,.1f} MiB wait")
        parts.append(f"the oldest row for {gauges.get('lag_seconds', 0) * 1000:,.0f} ms")
    if gauges.get("lag_messages"):
        parts.append(f"{gauges['lag_messages']:,.0f} messages behind")
    if "files" in gauges:
        parts.append(f"{gauges['files']:,.0f} files")
    if any(totals.restarts.values()):
        parts.append(f"{sum(totals.restarts.values())} restarts")
    return ", ".join(parts)
