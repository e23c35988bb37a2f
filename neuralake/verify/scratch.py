"""A prefix of the storage root for what is written to see that it can be; nothing of it stays."""

from __future__ import annotations

import secrets
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from neuralake.config import Settings, is_remote, join_uri
from neuralake.delta.disk import DiskStore
from neuralake.delta.objects import ObjectStore, Patience
from neuralake.delta.store import TEMPORARY, Store
from neuralake.verify.check import CheckFailedError

# One that answers no faster than this serves nobody: it is not waited for as a commit would
PATIENCE = Patience(
    connect_timeout_s=5.0,
    request_timeout_s=15.0,
    retries=2,
    longest_backoff_s=1.0,
    retry_timeout_s=15.0,
)
_LONGEST_WAIT_S = 30.0


class Scratch:
    """A place in the storage root that is nobody else's.

    Parameters
    ----------
    settings
        Of the environment.
    """

    def __init__(self, settings: Settings) -> None:
        self._root = settings.absolute_storage_root
        self._options = settings.storage_options(self._root)
        self._prefix = f"{TEMPORARY}verify-{secrets.token_hex(8)}"
        self._users = 0
        self._is_closed = False
        self._was_used = False
        self._change = threading.Condition()

    @property
    def uri(self) -> str:
        """Of the place."""
        return join_uri(self._root, self._prefix)

    @property
    def prefix(self) -> str:
        """Of its paths below the storage root."""
        return self._prefix

    @contextmanager
    def store(self) -> Iterator[Store]:
        """The store of the place, for the block, in which it is not cleared.

        Raises
        ------
        CheckFailedError
            If it was cleared already: the check is left behind.
        """
        with self._change:
            if self._is_closed:
                raise CheckFailedError("it is over")
            self._users += 1
            self._was_used = True
        try:
            yield self._open()
        finally:
            with self._change:
                self._users -= 1
                self._change.notify_all()

    def clear(self) -> str:
        """Delete what is in the place, once nobody writes there any more; say how much that was.

        Raises
        ------
        CheckFailedError
            If something is left.
        """
        with self._change:
            self._is_closed = True
            if not self._was_used:
                return "nothing was written"
            self._change.wait_for(lambda: self._users == 0, _LONGEST_WAIT_S)
        try:
            left = self._delete()
        except OSError as error:
            raise CheckFailedError(f"{self.uri} cannot be cleared: {error}") from error
        if left:
            raise CheckFailedError(f"{self.uri} cannot be cleared: {left} objects are left")
        return f"nothing is left in {self.uri}"

    def _delete(self) -> int:
        """Delete all of it, and return how many objects are there still."""
        store = self._open()
        store.delete([stored.path for stored in store.list()])
        if not store.is_remote:
            directory = Path(self.uri)
            if directory.exists():
                shutil.rmtree(directory)
        return sum(1 for _ in store.list())

    def _open(self) -> Store:
        if is_remote(self._root):
            return ObjectStore(self.uri, self._options, PATIENCE)
        return DiskStore(self.uri)
