"""The machine to ourselves: whoever measures waits for nobody, and is told who is at it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from neuralake.errors import BusyError
from neuralake.measure.lock import HeldError, exclusive, machine_lock_path


@contextmanager
def machine_to_ourselves(purpose: str) -> Iterator[None]:
    """Hold the machine's lock while the block runs.

    Parameters
    ----------
    purpose
        What is done, told to whoever finds the lock held.

    Raises
    ------
    BusyError
        If another process of this machine measures, or the lock cannot be used.
    """
    path = machine_lock_path()
    with ExitStack() as stack:
        try:
            stack.enter_context(exclusive(path, purpose))
        except HeldError as held:
            raise BusyError(
                f"this machine is already measuring: {held}; two at once would disturb each other"
            ) from held
        except OSError as error:
            raise BusyError(
                f"the lock of this machine, {path}, cannot be used: {error.strerror}; "
                "set NEURALAKE_LOCK_FILE to a file that all who measure here can write"
            ) from error
        yield
