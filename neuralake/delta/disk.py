"""A table on a disk of this machine: exclusive, whole and durable by what POSIX promises.

A log entry is written without a name, synced, and linked: link(2) fails if the name is taken, and
what it names is whole. Then the directory is synced, so that the name outlasts a loss of power.
Until it is linked nobody sees it, so that it may be written before the files that it names are
synced: a file system that keeps a journal brings both to the disk at once.

What is written is on its way to the disk at once (sync_file_range(2)), while its caller goes on: to
sync it is then to wait for the rest, and for the journal. The entry is synced by another thread,
beside the files: on a disk with much to do each sync waits for it, and on a fast one the thread
takes longer to wake, which is why what takes longest is not left to it.
"""

from __future__ import annotations

import ctypes
import errno
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from pathlib import Path

from neuralake.delta.store import TEMPORARY, Stored

_MODE = 0o666  # less the umask, as any program writes
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY
_SYNC_FILE_RANGE_WRITE = 2
# What a file system answers that has no files without a name (open(2), "O_TMPFILE")
_NO_UNNAMED_FILES = frozenset({errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL, errno.ENOENT})


class DiskStore:
    """The files below a directory.

    Parameters
    ----------
    directory
        Absolute path of the table.
    """

    def __init__(self, directory: str | os.PathLike[str]) -> None:
        self._root = Path(directory)
        self._syncing: ThreadPoolExecutor | None = None  # its thread ends with the store

    @property
    def uri(self) -> str:
        """Absolute path of the table."""
        return str(self._root)

    @property
    def is_remote(self) -> bool:
        """A disk answers, or it did nothing."""
        return False

    def exists(self, path: str) -> bool:
        """Whether there is a file."""
        return (self._root / path).exists()

    def read(self, path: str) -> bytes:
        """The whole content of a file."""
        return (self._root / path).read_bytes()

    def create(self, path: str, content: bytes, ready: Callable[[], None] | None = None) -> None:
        """Write a file that is not there: whole, durable, or not at all.

        Parameters
        ----------
        path, content, ready
            As of :meth:`~neuralake.delta.store.Store.create`.

        Raises
        ------
        FileExistsError
            If it is there.
        """
        destination = self._root / path
        directory = _open_in(destination.parent, destination.parent, _DIRECTORY)
        try:
            if not self._link_unnamed(destination, content, directory, ready):
                _link_named(destination, content, ready or _nothing)
            os.fsync(directory)
        finally:
            os.close(directory)

    def _link_unnamed(
        self, destination: Path, content: bytes, directory: int, ready: Callable[[], None] | None
    ) -> bool:
        """Write a file without a name, and give it one; False where there are no such files."""
        try:
            descriptor = os.open(destination.parent, os.O_WRONLY | os.O_TMPFILE, _MODE)
        except OSError as error:
            if error.errno in _NO_UNNAMED_FILES:
                return False
            raise
        try:
            _begin_writing(descriptor, content)
            if ready is None:
                os.fsync(descriptor)
            else:
                self._sync_beside(descriptor, ready)
            try:
                os.link(
                    f"/proc/self/fd/{descriptor}",
                    destination.name,
                    dst_dir_fd=directory,
                    follow_symlinks=True,
                )
            except FileNotFoundError:  # no /proc
                return False
        finally:
            os.close(descriptor)
        return True

    def _sync_beside(self, descriptor: int, ready: Callable[[], None]) -> None:
        """Sync a file in a thread, beside what there is to wait for."""
        if self._syncing is None:
            self._syncing = ThreadPoolExecutor(1, "neuralake-sync")
        syncing = self._syncing.submit(os.fsync, descriptor)
        try:
            ready()
        finally:
            wait([syncing])  # it needs the descriptor
        syncing.result()

    def begin(self, path: str, content: bytes) -> Callable[[], None]:
        """Write a new file under a name of its own, of which a loss of power may leave nothing yet.

        Returns
        -------
        Callable
            To be called once, by any thread: returns when the file is durable.
        """
        destination = self._root / path
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        descriptor = _open_in(destination.parent, destination, flags)
        try:
            _begin_writing(descriptor, content)
        except OSError:
            os.close(descriptor)
            _unlink(destination)
            raise

        def finish() -> None:
            try:
                os.fsync(descriptor)
            except OSError:
                _unlink(destination)
                raise
            finally:
                os.close(descriptor)
            sync_directory(destination.parent)

        return finish

    def write(self, path: str, content: bytes) -> None:
        """Write a new file under a name of its own; durable when this returns."""
        self.begin(path, content)()

    def replace(self, path: str, content: bytes) -> None:
        """Write a file in place of another, which is there until this one is whole."""
        destination = self._root / path
        make_directory(destination.parent)
        with _temporary(destination, content) as temporary:
            temporary.replace(destination)
        sync_directory(destination.parent)

    def list(self, prefix: str = "", after: str = "") -> Iterator[Stored]:
        """Files below the table, in the order of their paths."""
        yield from _walk(self._root, prefix, after)

    def delete(self, paths: Sequence[str]) -> None:
        """Delete files; one that is not there is no error."""
        for path in paths:
            with suppress(FileNotFoundError):
                (self._root / path).unlink()


def sync_directory(directory: Path) -> None:
    """Make the entries of a directory last (fsync)."""
    with _open_directory(directory) as descriptor:
        os.fsync(descriptor)


def make_directory(directory: Path) -> None:
    """Make a directory with its parents, each of which outlasts a loss of power."""
    if directory.is_dir():
        return
    make_directory(directory.parent)
    try:
        directory.mkdir(exist_ok=True)  # somebody else may make it at the same time
    except FileExistsError:
        raise NotADirectoryError(
            errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(directory)
        ) from None
    sync_directory(directory.parent)


def _open_in(directory: Path, path: Path, flags: int) -> int:
    """Open what is in a directory, or is it; the directory is made if it is not there: most are."""
    try:
        return os.open(path, flags, _MODE)
    except FileNotFoundError:
        make_directory(directory)
        return os.open(path, flags, _MODE)


@contextmanager
def _open_directory(directory: Path) -> Iterator[int]:
    descriptor = os.open(directory, _DIRECTORY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _nothing() -> None:
    """There is nothing to wait for."""


def _link_named(destination: Path, content: bytes, ready: Callable[[], None]) -> None:
    with _temporary(destination, content) as temporary:
        ready()
        os.link(temporary, destination)


@contextmanager
def _temporary(destination: Path, content: bytes) -> Iterator[Path]:
    """A synced file beside the destination, hidden from every reader, and gone afterwards."""
    temporary = destination.with_name(f"{TEMPORARY}{os.urandom(8).hex()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _MODE)
    try:
        try:
            _write(descriptor, content)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        yield temporary
    finally:
        with suppress(FileNotFoundError):
            temporary.unlink()


def _begin_writing(descriptor: int, content: bytes) -> None:
    """Write to a file, and have it on its way to the disk: what fails there a sync tells."""
    _write(descriptor, content)
    if _SYNC_FILE_RANGE is not None:
        _SYNC_FILE_RANGE(descriptor, 0, 0, _SYNC_FILE_RANGE_WRITE)


def _sync_file_range() -> Callable[[int, int, int, int], int] | None:
    """Linux's call, which Python does not have; None elsewhere."""
    function = getattr(ctypes.CDLL(None), "sync_file_range", None)
    if function is not None:
        function.argtypes = ctypes.c_int, ctypes.c_int64, ctypes.c_int64, ctypes.c_uint
    return function


_SYNC_FILE_RANGE = _sync_file_range()


def _write(descriptor: int, content: bytes) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _unlink(path: Path) -> None:
    with suppress(OSError):
        path.unlink()


def _walk(root: Path, prefix: str, after: str) -> Iterator[Stored]:
    """Files below a directory whose paths begin with a prefix, in the order of whole paths.

    A directory sorts as its name with a slash, so that the order is that of the paths.
    """
    directory = root / prefix.rpartition("/")[0]
    base = f"{prefix.rpartition('/')[0]}/" if "/" in prefix else ""
    try:
        entries = [
            entry
            for entry in os.scandir(directory)
            # nor anything in it, were it a directory, sorts after that otherwise
            if (path := base + entry.name) > after or after.startswith(path)
        ]
    except (FileNotFoundError, NotADirectoryError):
        return
    named = (
        (f"{base}{e.name}/" if e.is_dir(follow_symlinks=False) else base + e.name, e)
        for e in entries
    )
    for path, entry in sorted(named, key=lambda pair: pair[0]):
        if path.endswith("/"):
            if path.startswith(prefix) and (path > after or after.startswith(path)):
                yield from _walk(root, path, after)
        elif path.startswith(prefix) and path > after:
            with suppress(FileNotFoundError):  # deleted since
                status = entry.stat()
                if stat.S_ISREG(status.st_mode):  # not a link to a directory: that is elsewhere
                    yield Stored(path, status.st_size, status.st_mtime_ns // 1_000_000)
