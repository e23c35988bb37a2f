"""Instructions in one number: a process under Valgrind's massif.

Massif is a profiler of memory whose unit of time can be the instruction (``--time-unit=i``): an
addition in each block of code, where callgrind calls a function that follows the calls. So a query
takes a quarter of the time, and what counts is in the code from the beginning: nothing is
translated twice. Both count instruction by instruction, and tell the same number.

It profiles pages, and not blocks of memory (``--pages-as-heap``), so that the C library's
``malloc`` is that of the process, and counts. Of pages as little is kept as it allows.
"""

from __future__ import annotations

import os
import re
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

_TIME = re.compile(rb"^time=(\d+)$", re.MULTILINE)
_OF_PAGES = (
    *("--pages-as-heap=yes", "--depth=1", "--max-snapshots=10", "--detailed-freq=1000000"),
    # no debugging information of functions that were inlined: nobody looks at where pages came from
    *("--read-inline-info=no", "--massif-out-file=/dev/null"),
)
# As callgrind has it. Longer blocks are translated more often in part, and save less than they cost
_BLOCKS = ("--vex-guest-chase=no", "--vex-iropt-unroll-thresh=0")
_REPORT_BYTES = 1 << 16


@dataclass(frozen=True)
class Massif:
    """How a process is run under massif.

    Attributes
    ----------
    log
        File for what Valgrind says, made anew by the process.
    """

    tool: ClassVar[str] = "massif"
    log: Path

    def launcher(self) -> tuple[str, ...]:
        """The command that goes before the process's own.

        Pipes for a debugger would stay behind a killed process, and are not made.

        Raises
        ------
        NotCountedError
            If there is no Valgrind.
        """
        return (
            *(str(find_valgrind()), "--tool=massif", "--time-unit=i", "--vgdb=no", "-q"),
            # threads take turns, so that how often one finds nothing to do is the same each time
            *("--fair-sched=try", *_OF_PAGES, *_BLOCKS),
            f"--log-file={str(self.log).replace('%', '%%')}",
        )


class MassifCounter:
    """Counts in all threads of this process, which runs under massif.

    Raises
    ------
    NotCountedError
        If this process does not run under Valgrind.
    """

    def __init__(self) -> None:
        request = ClientRequest()
        # files in memory: a command's words end at a space, as a directory's name need not
        self._reports = (os.memfd_create("before"), os.memfd_create("after"))
        self._before, self._after = (
            MonitorCommand(request, f"snapshot /proc/self/fd/{report}") for report in self._reports
        )

    def start(self) -> None:
        """Count from here on."""
        self._before()

    def stop(self) -> Counts:
        """What was executed since the start.

        Raises
        ------
        NotCountedError
            If Valgrind does not answer as expected.
        """
        self._after()
        before, after = (read_time(os.pread(r, _REPORT_BYTES, 0)) for r in self._reports)
        return Counts(after - before)


def read_time(report: bytes) -> int:
    """Instructions until a snapshot, by massif's report of it.

    Raises
    ------
    NotCountedError
        If it is no such report.
    """
    found = _TIME.findall(report)
    if len(found) != 1:
        said = " ".join(report[-200:].decode(errors="replace").split())
        raise NotCountedError(f"Valgrind told no time of one snapshot, but: {said or 'nothing'}")
    return int(found[0])
