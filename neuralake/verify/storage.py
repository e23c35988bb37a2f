"""The storage: there, writable by whom it should be and by nobody else, exclusive, and on time."""

from __future__ import annotations

import os
import stat
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from neuralake.config import S3Settings, Settings, is_remote, join_uri
from neuralake.delta.objects import ObjectStore
from neuralake.delta.store import Store
from neuralake.errors import StorageRefusedError
from neuralake.verify.check import Check, CheckFailedError, CheckSkippedError
from neuralake.verify.http import request
from neuralake.verify.scratch import PATIENCE, Scratch

_ROUNDS = 3
_CONTENT = b"written by neuralake verify, which removes it\n"


@dataclass(frozen=True)
class StorageRoom:
    """Checks of the storage root, and of the buckets in which tables lie.

    Attributes
    ----------
    settings
        Of the environment.
    scratch
        Where something may be written.
    buckets
        Storage options by the bucket's URI, of the root and of tables elsewhere.
    public
        Buckets that anybody may read.
    clock_limit_s
        How far the storage's clock may be off.
    """

    settings: Settings
    scratch: Scratch
    buckets: Mapping[str, Mapping[str, str]]
    public: frozenset[str]
    clock_limit_s: float

    def checks(self) -> list[Check]:
        """All of them, in their order."""
        there = ("storage.reachable",)
        return [
            Check("storage.reachable", self._reachable),
            Check("storage.private", self._private, there),
            Check("storage.reader", self._reader, there),
            Check("storage.round_trip", self._round_trip, there),
            Check("storage.conditional_put", self._conditional_put, there),
            Check("storage.clock", self._clock, there),
        ]

    @property
    def _root(self) -> str:
        return self.settings.absolute_storage_root

    def _reachable(self) -> str:
        if not is_remote(self._root):
            directory = Path(self._root)
            if not directory.is_dir():
                found = "it is a file" if directory.exists() else "it does not exist"
                raise CheckFailedError(f"there is no directory {directory}: {found}; make it first")
            next(os.scandir(directory), None)
            return f"{directory} can be listed"
        store = ObjectStore(self._root, self.settings.storage_options(self._root), PATIENCE)
        what = "is empty" if store.first() is None else "can be listed"
        return f"{self._root} at {self._endpoint} {what}"

    def _private(self) -> str:
        if not is_remote(self._root):
            mode = Path(self._root).stat().st_mode
            if mode & stat.S_IWOTH:
                raise CheckFailedError(
                    f"anybody on this machine may write to {self._root} (its mode is "
                    f"{stat.S_IMODE(mode):o}): chmod o-w"
                )
        faults = [fault for bucket in self.buckets for fault in self._open_to_all(bucket)]
        if faults:
            raise CheckFailedError("; ".join(faults))
        if self.buckets:
            return f"requests without a signature are refused at {', '.join(self.buckets)}"
        return f"only its owner and group may write to {self._root}"

    def _open_to_all(self, bucket: str) -> Iterator[str]:
        """What anybody may do with a bucket who should not."""
        options = self.buckets[bucket]
        is_public = bucket.removeprefix("s3://") in self.public
        unsigned = _without_key(bucket, options)
        if not is_public:
            if not _is_refused(unsigned.first):
                yield f"anybody may list {bucket}, without a signature"
            known = ObjectStore(bucket, options, PATIENCE).first()
            if known is not None and not _is_refused(lambda: unsigned.read(known)):
                yield f"anybody may read {bucket}/{known}, without a signature"
        path = f"{self.scratch.prefix}/unsigned"
        if not _is_refused(lambda: unsigned.create(path, _CONTENT)):
            for store in (unsigned, ObjectStore(bucket, options, PATIENCE)):
                with suppress(OSError):
                    store.delete([path])
            yield f"anybody may write to {bucket}, without a signature"

    def _reader(self) -> str:
        reader = self.settings.reader
        if not is_remote(self._root):
            raise CheckSkippedError("the storage root is a directory of this machine")
        if reader is None:
            raise CheckSkippedError("NEURALAKE_READER_ACCESS_KEY_ID is not set")
        with self.scratch.store() as own:
            own.write("for-readers", _CONTENT)
            theirs = ObjectStore(own.uri, reader.storage_options(), PATIENCE)
            if theirs.read("for-readers") != _CONTENT or theirs.first() is None:
                raise CheckFailedError("the reading key reads something else than what is there")
            tried: dict[str, Callable[[], None]] = {
                "write": lambda: theirs.create("by-a-reader", _CONTENT),
                "overwrite": lambda: theirs.replace("for-readers", _CONTENT),
                "delete": lambda: theirs.delete(["for-readers"]),
            }
            may = [what for what, call in tried.items() if not _is_refused(call)]
        if may:
            raise CheckFailedError(
                f"the reading key may {' and '.join(may)} in {self._root}: take the right from it"
            )
        return "the reading key reads, and may neither write nor delete"

    def _round_trip(self) -> str:
        with self.scratch.store() as store:
            for path, content in (("round-trip/small", _CONTENT), ("round-trip/below/empty", b"")):
                store.write(path, content)
                if (found := store.read(path)) != content:
                    raise CheckFailedError(
                        f"{join_uri(store.uri, path)} is read as {len(found)} bytes, of which "
                        f"{len(content)} were written"
                    )
                listed = [(stored.path, stored.size_bytes) for stored in store.list("round-trip/")]
                if listed != [(path, len(content))]:
                    raise CheckFailedError(f"{join_uri(store.uri, path)} is listed as {listed}")
                store.delete([path])
                if store.exists(path) or list(store.list("round-trip/")):
                    raise CheckFailedError(f"{join_uri(store.uri, path)} is there once deleted")
        return "what is written is read, listed, deleted and gone"

    def _conditional_put(self) -> str:
        with self.scratch.store() as store:
            for number in range(_ROUNDS):
                _race(store, f"race-{number}")
        return f"of two puts at once one wins, {_ROUNDS} times of {_ROUNDS}"

    def _clock(self) -> str:
        if not is_remote(self._root):
            raise CheckSkippedError("the storage root is a directory of this machine")
        before_s = time.time()
        answer = request("HEAD", self._endpoint, timeout_s=PATIENCE.request_timeout_s)
        after_s = time.time()
        if answer.date is None:
            raise CheckFailedError(f"{self._endpoint} says no Date in its answer")
        # Date counts whole seconds, and was set somewhere between request and answer
        ahead_s = answer.date.timestamp() + 0.5 - (before_s + after_s) / 2
        error_s = 0.5 + (after_s - before_s) / 2
        if abs(ahead_s) > self.clock_limit_s + error_s:
            way = "ahead of" if ahead_s > 0 else "behind"
            raise CheckFailedError(
                f"the storage's clock is {abs(ahead_s):.0f} s {way} this machine's: expected "
                f"{self.clock_limit_s:g} s at most; let both follow a time server"
            )
        return f"the storage's clock is within {self.clock_limit_s:g} s of this machine's"

    @property
    def _endpoint(self) -> str:
        s3: S3Settings = self.settings.s3
        return s3.endpoint_url or f"https://s3.{s3.region or 'us-east-1'}.amazonaws.com"


def _race(store: Store, path: str) -> None:
    """Two puts of one object at once, of which one must win."""
    contents = [b"first", b"second"]
    start = threading.Barrier(len(contents))
    taken: list[bool] = []
    faults: list[OSError] = []

    def put(content: bytes) -> None:
        start.wait()
        try:
            store.create(path, content)
        except FileExistsError:
            taken.append(True)
        except OSError as error:
            faults.append(error)

    threads = [threading.Thread(target=put, args=(content,)) for content in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if faults:
        raise faults[0]
    if not taken:
        raise CheckFailedError(
            "two puts of one object at once both succeeded: the service does not check the "
            "condition (If-None-Match), and commits of two writers would destroy each other"
        )
    # both may be told so: the answer to the one that won was lost, and its request repeated
    if store.read(path) not in contents:
        raise CheckFailedError("of two puts of one object at once neither is there")


def _without_key(bucket: str, options: Mapping[str, str]) -> ObjectStore:
    kept = ("aws_endpoint_url", "aws_region", "aws_allow_http")
    unsigned = {name: options[name] for name in kept if name in options}
    return ObjectStore(bucket, {**unsigned, "aws_skip_signature": "true"}, PATIENCE)


def _is_refused(call: Callable[[], object]) -> bool:
    """Whether the service refuses a call, for want of a right."""
    try:
        call()
    except StorageRefusedError:
        return True
    except FileNotFoundError:  # a service that tells who may list nothing no names either
        return True
    return False


def buckets_of(
    settings: Settings, locations: Iterable[tuple[str, Mapping[str, str]]]
) -> dict[str, Mapping[str, str]]:
    """Storage options by bucket: of the storage root, and of tables elsewhere.

    Parameters
    ----------
    settings
        Of the environment.
    locations
        Absolute URIs with their options.
    """
    root = settings.absolute_storage_root
    found: dict[str, Mapping[str, str]] = {}
    for uri, options in ((root, settings.storage_options(root)), *locations):
        if is_remote(uri):
            found.setdefault("s3://" + uri.removeprefix("s3://").partition("/")[0], options)
    return found
