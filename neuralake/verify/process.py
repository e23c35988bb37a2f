"""A process of its own for what runs engines and the user's code: it may hang, crash, or be killed.

It is started when it is first asked, and anew after it was lost.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from neuralake.measure.worker import (
    RemoteError,
    Worker,
    WorkerDiedError,
    WorkerTimeoutError,
)
from neuralake.verify.check import CheckFailedError


@dataclass
class Process:
    """One that holds an object and calls its methods.

    Attributes
    ----------
    target
        ``module:callable`` that makes the object.
    log
        File to which it writes.
    limit_s
        Time of a call.
    first
        Method and arguments of the call that is made whenever it is started.
    """

    target: str
    log: Path
    limit_s: float
    first: tuple[str, tuple[Any, ...]] | None = None
    _worker: Worker | None = field(default=None, init=False)

    def call(self, method: str, *arguments: Any) -> Any:
        """Call a method, and return what it returns.

        Raises
        ------
        CheckFailedError
            If it raises, does not answer in time, or takes the process with it.
        """
        if self._worker is None:
            self._worker = Worker(self.target, self.log)
            if self.first is not None:
                self._call(self.first[0], *self.first[1])
        return self._call(method, *arguments)

    def close(self) -> None:
        """End it."""
        if self._worker is not None:
            self._worker.kill()
            self._worker = None

    def _call(self, method: str, *arguments: Any) -> Any:
        assert self._worker is not None  # noqa: S101 - both callers see to it
        try:
            return self._worker.call(method, *arguments, timeout_s=self.limit_s)
        except WorkerTimeoutError as error:
            self.close()
            raise CheckFailedError(f"no answer within {self.limit_s:g} s") from error
        except WorkerDiedError as error:
            self.close()
            raise CheckFailedError(str(error)) from error
        except RemoteError as error:
            raise CheckFailedError(str(error)) from error
        except BaseException:  # Ctrl-C in the midst of an answer: the next would be of this call
            self.close()
            raise
