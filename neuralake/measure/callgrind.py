"""Instructions function by function, and caches simulated: a process under Valgrind's callgrind.

Its counts feel no neighbour, since nothing is timed. A process is told to count by client requests
(Valgrind manual, 6.5). Where nothing but a number is asked for, massif tells the same one in less
time (:mod:`neuralake.measure.massif`).

Instrumentation is off until the first count and stays on from then: switching it discards what was
translated, and translating a query of Polars anew takes a hundred times as long as counting it. The
count is read as ``callgrind_control`` reads it (the monitor command ``status internal``), since a
dump takes 0.2 s.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from neuralake.measure.counter import Counts
from neuralake.measure.valgrind import (
    ClientRequest,
    MonitorCommand,
    NotCountedError,
    find_valgrind,
)

_CALLGRIND = ord("C") << 24 | ord("T") << 16
_DUMP, _START = _CALLGRIND, _CALLGRIND + 4
_BEGINNING = b"instrumentation: on\n"
_EVENTS = re.compile(rb"^events: (.*)$", re.MULTILINE)
_COUNTS = re.compile(rb"^events-\d+: ?([\d ]*)$", re.MULTILINE)  # of a thread
# What KCachegrind takes for a miss of a first-level and of the last-level cache, in cycles
_L1_MISS, _LL_MISS = 10, 100
_DUMPS = "callgrind.out"


Events = Mapping[str, int]


@dataclass(frozen=True)
class Callgrind:
    """How a process is run under callgrind.

    Attributes
    ----------
    log
        File for what Valgrind says, made anew by the process.
    cache_sim
        Whether caches are simulated, so that cycles can be estimated.
    """

    tool: ClassVar[str] = "callgrind"
    log: Path
    cache_sim: bool = False

    def launcher(self) -> tuple[str, ...]:
        """The command that goes before the process's own.

        What is dumped lies in the process's directory for temporary files, and goes with it. Pipes
        for a debugger would stay behind a killed process, and are not made.

        Raises
        ------
        NotCountedError
            If there is no Valgrind.
        """
        return (
            *(str(find_valgrind()), "--tool=callgrind", "--instr-atstart=no", "--vgdb=no", "-q"),
            # threads take turns, so that how often one finds nothing to do is the same each time
            *("--fair-sched=try", f"--cache-sim={'yes' if self.cache_sim else 'no'}"),
            f"--callgrind-out-file=%q{{TMPDIR}}/{_DUMPS}",
            f"--log-file={str(self.log).replace('%', '%%')}",
        )


class CallgrindCounter:
    """Counts in all threads of this process, which runs under callgrind.

    Parameters
    ----------
    log
        File in which Valgrind answers (:attr:`Callgrind.log`).

    Raises
    ------
    NotCountedError
        If this process does not run under Valgrind.
    """

    def __init__(self, log: Path) -> None:
        self._request = ClientRequest()
        self._ask = MonitorCommand(self._request, "status internal")
        self._log = log.open("rb")
        self._is_on = False
        self._next_profile: Path | None = None
        self._profile: Path | None = None
        self._dumps = 0

    def start(self) -> None:
        """Count from here on."""
        if not self._is_on:
            self._request(_START)
            self._is_on = True
        self._log.seek(0, os.SEEK_END)
        # of a count that had no end, as its call failed, none is kept
        self._profile, self._next_profile = self._next_profile, None
        if self._profile is not None:
            # which sets all costs to 0: a request to do so leaves some
            self._dump().unlink(missing_ok=True)
        self._ask()

    def stop(self) -> Counts:
        """What was executed since the start.

        Raises
        ------
        NotCountedError
            If Valgrind does not answer as expected.
        """
        self._ask()
        if self._profile is not None:
            _move(self._dump(), self._profile)
        # both answers are read here: what is read after the start would count
        return since(*read_answers(self._log.read()))

    def keep_profile(self, path: Path) -> None:
        """Keep a dump of what is counted next, in callgrind's format.

        One that cannot be kept, as where the disk is full, takes nothing from the count: the
        process says so on standard error.
        """
        self._next_profile = path

    def _dump(self) -> Path:
        self._request(_DUMP)
        self._dumps += 1
        return Path(os.environ["TMPDIR"]) / f"{_DUMPS}.{self._dumps}"


def _move(dump: Path, path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(dump, path)
    except OSError as error:
        for half in (dump, path):
            with suppress(OSError):
                half.unlink()
        print(f"profile {path} is not kept: {error.strerror}", file=sys.stderr)


def read_answers(text: bytes) -> tuple[Events, Events]:
    """The counts of two answers to ``status internal``, of all threads together.

    Raises
    ------
    NotCountedError
        If they are no such answers.
    """
    answers = [_events(answer) for answer in text.split(_BEGINNING)[1:]]
    if len(answers) != 2 or not all("Ir" in answer for answer in answers):
        said = " ".join(text[-200:].decode(errors="replace").split())
        raise NotCountedError(f"Valgrind told no counts, but: {said or 'nothing'}")
    return answers[0], answers[1]


def since(before: Events, after: Events) -> Counts:
    """What was counted between two answers: threads that have ended are in both.

    Cycles are estimated as KCachegrind does: one an instruction, 10 more a miss of a first-level
    cache, and 100 more one of the last-level cache.
    """
    counted = {name: count - before.get(name, 0) for name, count in after.items()}
    if "D1mr" not in counted:
        return Counts(counted["Ir"])
    l1 = counted["I1mr"] + counted["D1mr"] + counted["D1mw"]
    ll = counted["ILmr"] + counted["DLmr"] + counted["DLmw"]
    return Counts(counted["Ir"], counted["Ir"] + _L1_MISS * l1 + _LL_MISS * ll)


def _events(answer: bytes) -> dict[str, int]:
    named = _EVENTS.search(answer)
    totals = dict.fromkeys(named[1].decode().split() if named else (), 0)
    for counts in _COUNTS.findall(answer):
        # zeros at the end are left out
        for name, count in zip(totals, counts.split(), strict=False):
            totals[name] += int(count)
    return totals
