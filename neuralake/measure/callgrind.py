"""Instructions as a simulator counts them: a process under Valgrind's callgrind.

Its counts feel no neighbour, since nothing is timed. A process is told to count by *client
requests* (Valgrind manual, 3.1 "The Client Request mechanism", and 6.5 of callgrind's): a sequence
of instructions that does nothing on a processor, and that Valgrind takes for a call. It is the same
for every version of Valgrind (``valgrind.h``: "an ABI exported by Valgrind"), and a few bytes long:
they are put into memory here, so that nothing has to be compiled where this runs.

Instrumentation is off until the first count and stays on from then: switching it discards what was
translated, and translating a query of Polars anew takes a hundred times as long as counting it. The
count is read as ``callgrind_control`` reads it (the monitor command ``status internal``), since a
dump takes 0.2 s.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from neuralake.measure.counter import Counts

# A function of one argument, the address of six words; what the request answers is its result.
# x86-64: mov rax, rdi; xor edx, edx; rol rdi, 3, 13, 61, 51; xchg rbx, rbx; mov rax, rdx; ret
# AArch64: mov x4, x0; mov x3, 0; ror x12, x12, 3, 13, 51, 61; orr x10, x10, x10; mov x0, x3; ret
_REQUESTS = {
    "x86_64": "4889f8 31d2 48c1c703 48c1c70d 48c1c73d 48c1c733 4887db 4889d0 c3",
    "aarch64": "e40300aa e3031faa 8c0dcc93 8c35cc93 8ccdcc93 8cf5cc93 4a010aaa e00303aa c0035fd6",
}
# Registers ECX of leaf 1 and EBX of leaf 7 of CPUID (Intel, Software Developer's Manual, volume 2A)
_LEAF_1, _LEAF_7 = (
    "53 b801000000 31c9 0fa2 89c8 5b c3",  # push rbx; mov eax, 1; xor ecx, ecx; cpuid; mov eax, ecx
    "53 b807000000 31c9 0fa2 89d8 5b c3",  # ... mov eax, ebx; pop rbx; ret
)
_FEATURES = (
    *((_LEAF_1, 20, "sse4.2"), (_LEAF_1, 28, "avx"), (_LEAF_1, 12, "fma"), (_LEAF_7, 3, "bmi1")),
    *((_LEAF_7, 5, "avx2"), (_LEAF_7, 8, "bmi2"), (_LEAF_7, 16, "avx512f")),
)
_RUNNING_ON_VALGRIND, _MONITOR_COMMAND = 0x1001, 0x1202
_CALLGRIND = ord("C") << 24 | ord("T") << 16
_DUMP, _START = _CALLGRIND, _CALLGRIND + 4
_BEGINNING = b"instrumentation: on\n"
_EVENTS = re.compile(rb"^events: (.*)$", re.MULTILINE)
_COUNTS = re.compile(rb"^events-\d+: ?([\d ]*)$", re.MULTILINE)  # of a thread
_COMPLAINT = re.compile(r"^(?:valgrind: |vex |==\d+== )\s*(\S.*)$", re.MULTILINE)
# What KCachegrind takes for a miss of a first-level and of the last-level cache, in cycles
_L1_MISS, _LL_MISS = 10, 100
# What goes by the clock would go fifty times as often under a simulator, and by what a neighbour
# does: so jemalloc gives no memory back, nor empties its threads' caches
_KEPT = "dirty_decay_ms:-1,muzzy_decay_ms:-1"
_JEMALLOC = f"{_KEPT},experimental_tcache_gc:false,tcache_gc_incr_bytes:1073741824"
# Of a process that is counted, beside its own variables
ENVIRONMENT = {
    "TOKIO_WORKER_THREADS": "1",  # of Rust's asynchronous runtime: otherwise one a processor
    "_RJEM_MALLOC_CONF": _JEMALLOC,  # of Rust's libraries, such as Polars
    "DUCKDB_JE_MALLOC_CONF": _KEPT,  # of DuckDB's own jemalloc, whose caches know no clock
}
_DUMPS = "callgrind.out"
INSTALL = "apt-get install valgrind"


Events = Mapping[str, int]


class NotCountedError(Exception):
    """Instructions cannot be counted so; the message says why, in a line."""


def find_valgrind() -> Path:
    """Valgrind's executable.

    Raises
    ------
    NotCountedError
        If there is none, or none for this processor.
    """
    machine = platform.machine()
    if sys.platform != "linux" or machine not in _REQUESTS:
        raise NotCountedError(
            f"instructions are not counted on {sys.platform} {machine}: expected Linux on "
            f"{' or '.join(_REQUESTS)}"
        )
    found = shutil.which("valgrind")
    if found is None:
        raise NotCountedError(
            f"instructions are counted by Valgrind, which is not installed: {INSTALL}"
        )
    return Path(found)


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
        self._request = _Request()
        if not self._request(_RUNNING_ON_VALGRIND):
            raise NotCountedError("this process does not run under Valgrind")
        self._log = log.open("rb")
        self._status = ctypes.create_string_buffer(b"status internal")
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

    def _ask(self) -> None:
        self._request(_MONITOR_COMMAND, ctypes.addressof(self._status))

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


def valgrind_version() -> str:
    """Such as ``3.19.0``. Raises ``NotCountedError`` if there is no Valgrind."""
    told = subprocess.run(
        [find_valgrind(), "--version"], capture_output=True, text=True, check=True
    )
    return told.stdout.strip().removeprefix("valgrind-")


def complaint(log: Path) -> str | None:
    """What Valgrind says of the end of a process, in a line; None if it says nothing."""
    if not log.is_file():
        return None
    found = _COMPLAINT.findall(log.read_text(errors="replace"))
    return found[0] if found else None


def offered_features() -> tuple[str, ...]:
    """Instruction sets that this process may choose at run time; empty where that is not known.

    Valgrind simulates a processor of its own, which has AVX2 at most.
    """
    if platform.machine() != "x86_64":
        return ()
    registers = {leaf: _Code(leaf).call(None) for leaf in (_LEAF_1, _LEAF_7)}
    return tuple(name for leaf, bit, name in _FEATURES if registers[leaf] >> bit & 1)


class _Request:
    """A client request as a function."""

    def __init__(self) -> None:
        self._code = _Code(_REQUESTS[platform.machine()])

    def __call__(self, number: int, argument: int = 0) -> int:
        words = (ctypes.c_size_t * 6)(number, argument)
        return self._code.call(ctypes.addressof(words))


class _Code:
    """Machine code as a function of an address, or of nothing."""

    def __init__(self, code: str) -> None:
        access = mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC
        self._memory = mmap.mmap(-1, mmap.PAGESIZE, prot=access)
        self._memory.write(bytes.fromhex(code))
        start = ctypes.addressof(ctypes.c_char.from_buffer(self._memory))
        self._function = ctypes.CFUNCTYPE(ctypes.c_size_t, ctypes.c_void_p)(start)

    def call(self, address: int | None) -> int:
        """What it returns."""
        return self._function(address)  # type: ignore[no-any-return]
