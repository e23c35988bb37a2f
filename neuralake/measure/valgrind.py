"""A process under Valgrind: how it is found, told to do something, and what it offers.

A process tells its Valgrind what to do by *client requests* (Valgrind manual, 3.1 "The Client
Request mechanism"): a sequence of instructions that does nothing on a processor, and that Valgrind
takes for a call. It is the same for every version of Valgrind (``valgrind.h``: "an ABI exported by
Valgrind"), and a few bytes long: they are put into memory here, so that nothing has to be compiled
where this runs.
"""

from __future__ import annotations

import ctypes
import mmap
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path

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
_COMPLAINT = re.compile(r"^(?:valgrind: |vex |==\d+== )\s*(\S.*)$", re.MULTILINE)
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
INSTALL = "apt-get install valgrind"


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


class ClientRequest:
    """A client request as a function of its number and its argument.

    Raises
    ------
    NotCountedError
        If this process does not run under Valgrind.
    """

    def __init__(self) -> None:
        self._code = _Code(_REQUESTS[platform.machine()])
        if not self(_RUNNING_ON_VALGRIND):
            raise NotCountedError("this process does not run under Valgrind")

    def __call__(self, number: int, argument: int = 0) -> int:
        """What Valgrind answers."""
        words = (ctypes.c_size_t * 6)(number, argument)
        return self._code.call(ctypes.addressof(words))


class MonitorCommand:
    """A command to Valgrind's tool, such as a debugger would give it; made once, given often."""

    def __init__(self, request: ClientRequest, command: str) -> None:
        self._request = request
        self._text = ctypes.create_string_buffer(command.encode())
        self._address = ctypes.addressof(self._text)

    def __call__(self) -> None:
        """Give it; the tool answers where the command says."""
        self._request(_MONITOR_COMMAND, self._address)


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
