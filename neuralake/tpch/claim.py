"""Who makes a dataset on S3: a claim that others see, and can tell from that of a dead process.

A claim is an object ``_generating/N.json``, put under the condition that there is none; the highest
number counts. Its holder puts it anew every few seconds. On the holder's own machine the process
is looked up; elsewhere a claim that has not changed for :data:`LEASE_S` is dead: no two clocks
are compared. Who finds a dead one puts the next number, and of several who do, one succeeds.
"""

from __future__ import annotations

import os
import secrets
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import msgspec

from neuralake.delta.store import Store
from neuralake.errors import BusyError, DatasetError
from neuralake.tpch.manifest import CLAIMS

LEASE_S: Final = 30.0
BEAT_S: Final = 5.0
_LOOK_S = 1.0
_FORMAT = "neuralake-generate"
_GIVEN_UP = ""


@dataclass(frozen=True)
class Holder:
    """Who holds a claim.

    Attributes
    ----------
    format
        Always ``neuralake-generate``.
    token
        Of this claim alone; empty once it was given up.
    host, process
        For people.
    kernel
        The boot of the machine and the process namespace, in which the number is the process's.
    started
        When the process began, in the kernel's ticks: numbers are used again.
    beat
        Counts the times that it was put.
    """

    format: str
    token: str
    host: str
    process: int
    kernel: str
    started: str
    beat: int = 0

    @classmethod
    def this_process(cls) -> Holder:
        """A new claim of this process's."""
        pid = os.getpid()
        return cls(
            format=_FORMAT,
            token=secrets.token_hex(16),
            host=socket.gethostname(),
            process=pid,
            kernel=_kernel(),
            started=_started(pid) or "",
        )

    def __str__(self) -> str:
        return f"process {self.process} on {self.host}"


class Claim:
    """A claim that is held, and kept alive by a thread.

    Parameters
    ----------
    store
        Of the dataset.
    number
        Of the claim.
    holder
        This process.
    """

    def __init__(self, store: Store, number: int, holder: Holder) -> None:
        self._store = store
        self._number = number
        self._holder = holder
        self._seen = time.monotonic()
        self._taken_by = ""
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="claim", daemon=True)
        self._thread.start()

    def check(self) -> None:
        """Refuse to go on without the claim.

        Raises
        ------
        DatasetError
            If it could not be put anew in time, or another process has taken over.
        """
        if self._taken_by:
            raise DatasetError(
                f"{self._taken_by} has taken over the dataset at {self._store.uri}: this process "
                "was not heard of for too long"
            )
        if time.monotonic() - self._seen > LEASE_S:
            raise DatasetError(
                f"the claim on {self._store.uri} could not be renewed for {LEASE_S:.0f} s: "
                "is the service away?"
            )

    @property
    def token(self) -> str:
        """Of this claim alone: by it others know whom they work for (:func:`require_held`)."""
        return self._holder.token

    def give_up(self) -> None:
        """Say that what is made is not wanted any more, before it is removed.

        Whoever works for this claim then puts nothing more, or takes it back.
        """
        self.stop()
        path, newest = _newest(self._store)
        if newest is not None and newest.token == self._holder.token:
            self._store.replace(path, _encode(replace(newest, token=_GIVEN_UP)))

    def stop(self) -> None:
        """Put the claim no more."""
        self._ending.set()
        self._thread.join()

    def _beat(self) -> None:
        holder = self._holder
        while not self._ending.wait(BEAT_S):
            begun = time.monotonic()
            with suppress(OSError):  # check() tells if it lasts
                path, newest = _newest(self._store)
                if newest is None or newest.token != holder.token:
                    self._taken_by = str(newest or "somebody")
                    return
                holder = replace(holder, beat=holder.beat + 1)
                self._store.replace(path, _encode(holder))
                self._seen = begun


@contextmanager
def claimed(store: Store) -> Iterator[Claim]:
    """Hold the claim on a dataset for the block.

    Whoever holds it removes all claims with :func:`remove_claims` once nothing of an unfinished
    dataset is left; otherwise the claim stays, and tells the next one that it may tidy up.

    Raises
    ------
    BusyError
        If another process, which is alive, holds it.
    """
    holder = Holder.this_process()
    while True:
        path, other = _newest(store)
        if other is not None and _is_alive(store, path, other):
            raise BusyError(
                f"{other} is making the dataset at {store.uri}: wait for it to end, or choose "
                "another place"
            )
        number = 0 if other is None else _number(path) + 1
        mine = _path(number)
        try:
            store.create(mine, _encode(holder))
        except FileExistsError:
            if _read(store, mine) != holder:  # ours if its answer was lost
                continue
        break
    claim = Claim(store, number, holder)
    try:
        yield claim
    finally:
        claim.stop()


def require_held(store: Store, token: str) -> None:
    """Refuse to work for a claim that does not count any more.

    Raises
    ------
    DatasetError
        If it was given up, removed, or taken over.
    """
    _, newest = _newest(store)
    if newest is None or newest.token != token:
        raise DatasetError(f"the dataset at {store.uri} is no longer made by who asked for a part")


def is_given_up(store: Store) -> bool:
    """Whether nobody makes a dataset, or is to remove what is left of one."""
    _, newest = _newest(store)
    return newest is None or newest.token == _GIVEN_UP


def remove_claims(store: Store) -> None:
    """Remove the claims of a dataset that is whole, or of which nothing is left."""
    store.delete([stored.path for stored in store.list(CLAIMS)])


def _newest(store: Store) -> tuple[str, Holder | None]:
    """Path and holder of the claim that counts; none if there is none."""
    paths = [stored.path for stored in store.list(CLAIMS)]
    for path in reversed(paths):
        if (holder := _read(store, path)) is not None:
            return path, holder
    return "", None


def _read(store: Store, path: str) -> Holder | None:
    """The holder of a claim; None if it was removed just now."""
    try:
        holder = msgspec.json.decode(store.read(path), type=Holder)
    except FileNotFoundError:
        return None
    except msgspec.MsgspecError:
        holder = None
    if holder is None or holder.format != _FORMAT:
        raise DatasetError(
            f"{store.uri}/{path} is something that neuralake did not put there: remove it, or "
            "generate to another place"
        )
    return holder


def _is_alive(store: Store, path: str, holder: Holder) -> bool:
    """Whether the holder of a claim still works."""
    if holder.kernel and holder.kernel == _kernel():
        # One of this very process is left from a try that failed: a lock on this machine
        # keeps two of its threads apart (:mod:`neuralake.tpch.staging`).
        is_other = holder.process != os.getpid()
        return is_other and _started(holder.process) == holder.started
    deadline = time.monotonic() + LEASE_S
    said = False
    while (now := _read(store, path)) == holder:
        if time.monotonic() > deadline:
            return False
        if not said:
            said = True
            print(
                f"neuralake: looking for {LEASE_S:.0f} s whether {holder} still makes {store.uri}",
                file=sys.stderr,
            )
        time.sleep(_LOOK_S)
    return now is not None


def _path(number: int) -> str:
    return f"{CLAIMS}{number:020}.json"


def _number(path: str) -> int:
    return int(Path(path).stem)


def _encode(holder: Holder) -> bytes:
    return msgspec.json.encode(holder)


def _kernel() -> str:
    """The boot of the machine, and the namespace of process numbers; empty if not told."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return ""


def _started(pid: int) -> str | None:
    """When a process began, in ticks since the boot (field 22 of ``/proc/PID/stat``)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else fields[19]
