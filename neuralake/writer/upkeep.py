"""Keeps the log of a table short: checkpoints, and the removal of what lies before them.

A reader reads the newest checkpoint and the entries after it. The first checkpoint is deltalake's,
and each later one is carried on from the one before, at the cost of what was committed since.
Entries are removed as the table's own retention has it, so that each version within it can still be
opened.
Source: Delta Transaction Log Protocol, "Checkpoints", "Metadata Cleanup".
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import Event
from typing import TYPE_CHECKING, TypeAlias

from neuralake.delta.carry import Last, carry, checkpoint_path
from neuralake.delta.clean_up import clean_up
from neuralake.delta.commit import Clock
from neuralake.delta.features import RefusedFeatureError, check_checkpointable, check_expirable
from neuralake.delta.intervals import DELETED_FILE_RETENTION, LOG_RETENTION, retention_ms
from neuralake.delta.log import LogSegment, entry_path, find_segment, hinted_version
from neuralake.delta.place import open_store
from neuralake.delta.state import TableState, follow, load_state
from neuralake.storage import one_line
from neuralake.writer.target import resolve
from neuralake.writer.told import told

if TYPE_CHECKING:
    from neuralake.catalog.delta import DeltaTable

# Between two looks at whether enough was committed
UPKEEP_EVERY_S = 0.1
_INTERVAL = 50  # delta.checkpointInterval, where it is not set
# The part of a processor that checkpoints, or clean-up, may take, however fast a table is written
_SHARE = 0.1
# The log is cleaned up when the part of its retention has passed, or so many seconds
_PATIENCE = 0.01
_LONGEST_PATIENCE_S = 60.0
# Statistics that are no text, or beside it
_STRUCT_STATISTICS = "delta.checkpoint.writeStatsAsStruct"
_TEXT_STATISTICS = "delta.checkpoint.writeStatsAsJson"


# Time that passed, processor time of this process, and of this thread; in seconds
_Moment: TypeAlias = tuple[float, float, float]


@dataclass(frozen=True)
class Upkept:
    """What was done to a log.

    Attributes
    ----------
    version
        Of the table.
    checkpoint
        Version of the checkpoint that was made; None if none was.
    removed
        Number of files of the log that were removed.
    checkpoint_ns, clean_up_ns
        How long it took, in nanoseconds; 0 if it was not done.
    """

    version: int
    checkpoint: int | None
    removed: int
    checkpoint_ns: int
    clean_up_ns: int


@dataclass
class _Turn:
    """What was done in one turn so far, and by which moments it took how long."""

    checkpoint: int | None = None
    spent: _Moment = (0.0, 0.0, 0.0)


class Upkeep:
    """Makes checkpoints of one table, and cleans its log up.

    Parameters
    ----------
    table
        A table of the catalog, resolved, or the path or URI of one.
    storage_options
        Options of object_store that reach the table, before those of the environment, where
        ``table`` is a URI.
    warn
        Called once with each reason for which the table gets no checkpoint, or no clean-up.
    clock
        The time; a test has its own.
    """

    def __init__(
        self,
        table: DeltaTable | str,
        *,
        storage_options: Mapping[str, str] | None = None,
        warn: Callable[[str], None] | None = None,
        clock: Clock = time,
    ) -> None:
        uri, self._options = resolve(table, storage_options)
        self._store = open_store(uri, self._options)
        self._warn = warn
        self._warned: set[str] = set()
        self._clock = clock
        self._state: TableState | None = None
        self._checkpoint: int | None = None
        self._last = Last()
        self._is_carrying = True
        self._next_checkpoint = self._next_clean_up = -float("inf")

    @property
    def entries_since_checkpoint(self) -> int | None:
        """Entries that a reader replays one by one, as last seen; None before the first run."""
        if self._state is None:
            return None
        return self._state.version - (-1 if self._checkpoint is None else self._checkpoint)

    def run_once(self) -> Upkept | None:
        """Make a checkpoint, and clean up, where it is time.

        A checkpoint is due every ``delta.checkpointInterval`` commits, 50 if it is not set. Where
        a table is written so fast that checkpoints would take more than a tenth of a processor,
        there are fewer. While old entries are removed, checkpoints are made when they are due.

        Returns
        -------
        Upkept or None
            None if nothing was due.

        Raises
        ------
        WriterError
            If there is no such table, or it cannot be read or written.
        """
        uri = self._store.uri
        turn = _Turn()
        with told(uri, f"the log of {uri} cannot be kept", self._options):
            state = self._shorten(turn)
            made, begin = turn.spent[0], self._clock.monotonic()
            removed = self._clean_up(state, turn) if begin >= self._next_clean_up else 0
            passed = self._clock.monotonic() - begin
        if turn.checkpoint is None and not removed:
            return None
        seconds = turn.spent[0], passed - (turn.spent[0] - made)
        made_ns, removed_ns = (round(s * 1e9) for s in seconds)
        return Upkept(state.version, turn.checkpoint, removed, made_ns, removed_ns)

    def run(
        self, stop: Event, every_s: float = 1.0, tell: Callable[[Upkept], None] | None = None
    ) -> None:
        """Keep the log until told to stop.

        Parameters
        ----------
        stop
            Ends it, after what is under way.
        every_s
            Pause, in seconds.
        tell
            Called after what was done.

        Raises
        ------
        WriterError
            As :meth:`run_once`.
        """
        while not stop.wait(every_s):
            done = self.run_once()
            if done is not None and tell is not None:
                tell(done)

    def _shorten(self, turn: _Turn) -> TableState:
        """Make a checkpoint, if one is due, and tell the turn; returns the newest state."""
        state = self._follow()
        begin = self._moment()
        segment = self._due(state)
        if segment is not None:
            turn.checkpoint = self._make_checkpoint(state, segment, begin)
            turn.spent = _sum(turn.spent, self._since(begin))
        return state

    def _follow(self) -> TableState:
        state = self._state
        if state is None or not self._store.exists(entry_path(state.version)):
            state = load_state(self._store)
            self._checkpoint = find_segment(self._store).checkpoint_version
        self._state = follow(self._store, state)
        return self._state

    def _due(self, state: TableState) -> LogSegment | None:
        """The log from its newest checkpoint on, where it is time for the next one."""
        if self._clock.monotonic() < self._next_checkpoint:
            return None
        interval = _positive(state, "delta.checkpointInterval", _INTERVAL)
        if state.version - (self._checkpoint or 0) < interval:
            return None
        try:
            check_checkpointable(state)
        except RefusedFeatureError as error:
            self._tell_once(f"{self._store.uri} gets no checkpoint: {error}")
            return None
        segment = self._segment(state)
        self._checkpoint = segment.checkpoint_version
        return segment if state.version - (self._checkpoint or 0) >= interval else None

    def _segment(self, state: TableState) -> LogSegment:
        """The log up to a version, which is listed only where others make checkpoints, too."""
        last = self._checkpoint
        if last is not None and hinted_version(self._store) == last:
            path = checkpoint_path(last)
            if self._store.exists(path):
                return LogSegment(last, (path,), tuple(range(last + 1, state.version + 1)))
        return find_segment(self._store, state.version)

    def _make_checkpoint(self, state: TableState, segment: LogSegment, begin: _Moment) -> int:
        is_carried = self._carry(state, segment)
        if not is_carried:
            self._make_anew(state)
        self._checkpoint = state.version
        # One that was made anew costs what the table has, and the next one, which is carried on
        # from it, what was committed since: readers wait for that, so it is not put off for this
        if is_carried or not self._is_carrying:
            self._next_checkpoint = self._pause(begin, is_alone=is_carried)
        self._is_carrying = is_carried
        return self._checkpoint

    def _carry(self, state: TableState, segment: LogSegment) -> bool:
        """Make a checkpoint of the one before; False if that cannot be."""
        if state.is_set(_STRUCT_STATISTICS) or not state.is_set(_TEXT_STATISTICS, default=True):
            return False
        keeps_ms = retention_ms(state.configuration, DELETED_FILE_RETENTION)
        since_ms = round(self._clock.time() * 1000) - keeps_ms
        return carry(self._store, segment, since_ms, self._last)

    def _make_anew(self, state: TableState) -> None:
        import deltalake
        from deltalake.exceptions import DeltaError

        try:
            # Of a version that is known: deltalake takes the listing of a directory to which
            # entries are being added, and which may lack one, for a log with a gap
            table = deltalake.DeltaTable(
                self._store.uri, version=state.version, storage_options=dict(self._options)
            )
            table.create_checkpoint()
        except DeltaError as error:
            raise OSError(one_line(error, self._options)) from error

    def _clean_up(self, state: TableState, turn: _Turn) -> int:
        begin, before = self._moment(), turn.spent
        removed = 0
        if state.configuration.get("delta.enableExpiredLogCleanup", "true").lower() != "false":
            try:
                check_expirable(state)
            except RefusedFeatureError as error:
                self._tell_once(f"the log of {self._store.uri} is not cleaned up: {error}")
            else:
                removed = clean_up(self._store, state, between=lambda: self._shorten(turn))
        patience_s = _PATIENCE * retention_ms(state.configuration, LOG_RETENTION) / 1000
        soonest = self._clock.monotonic() + min(patience_s, _LONGEST_PATIENCE_S)
        # What was spent on checkpoints meanwhile has its own pause
        begin = _sum(begin, _sum(turn.spent, before, -1))
        self._next_clean_up = max(self._pause(begin, is_alone=True), soonest)
        return removed

    def _moment(self) -> _Moment:
        return self._clock.monotonic(), time.process_time(), time.thread_time()

    def _since(self, begin: _Moment) -> _Moment:
        passed, worked, worked_here = (
            now - then for now, then in zip(self._moment(), begin, strict=True)
        )
        return passed, worked, worked_here

    def _pause(self, begin: _Moment, *, is_alone: bool) -> float:
        """When it may be done again, if it began at a moment and ends now.

        What counts is the processor's time, which this process may share with others; not more than
        passed, since other threads of this one take some, too; and this thread's alone where no
        other has done a part of the work.
        """
        passed, worked, worked_here = self._since(begin)
        taken = min(passed, worked_here if is_alone else worked)
        return self._clock.monotonic() + taken * (1 / _SHARE - 1)

    def _tell_once(self, reason: str) -> None:
        if reason not in self._warned and self._warn is not None:
            self._warn(reason)
        self._warned.add(reason)


def _sum(one: _Moment, other: _Moment, times: float = 1) -> _Moment:
    passed, worked, worked_here = (x + times * y for x, y in zip(one, other, strict=True))
    return passed, worked, worked_here


def _positive(state: TableState, name: str, default: int) -> int:
    text = state.configuration.get(name, str(default))
    if not text.isdigit() or int(text) < 1:
        raise ValueError(f"the table's property {name} is no number of commits: {text!r}")
    return int(text)
