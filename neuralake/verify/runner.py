"""Checks one after another: timed, within their limit, and none of them the end of the others."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from neuralake.errors import NeuralakeError, named_reason, reason_of
from neuralake.threads import in_daemon
from neuralake.verify.check import Check, CheckFailedError, CheckSkippedError, Result, Status

T = TypeVar("T")


@dataclass
class Runner:
    """Makes checks, and remembers what came of them.

    Attributes
    ----------
    limit_s
        Time of a check.
    tell
        Hears of each as soon as it is done.
    secrets
        Texts that no reason may hold.
    results
        In the order in which they were made.
    """

    limit_s: float
    tell: Callable[[Result], None]
    secrets: tuple[str, ...] = ()
    results: list[Result] = field(default_factory=list)

    def run(self, checks: Sequence[Check]) -> None:
        """Make checks in their order; those that need one which failed are skipped."""
        for check in checks:
            lacking = next((name for name in check.needs if self._lacks(name)), None)
            if lacking is not None:
                self.skip(check.name, f"{lacking} has not passed")
            else:
                self._make(check)

    def obtain(self, name: str, call: Callable[[], tuple[T, str]], *, is_asked: bool) -> T | None:
        """Make a check that yields what others look at; None if it did not pass.

        Parameters
        ----------
        name
            Of the check.
        call
            Returns the thing and what to say of it.
        is_asked
            Whether to tell of it where it passes; a failure is told in any case.
        """
        found: list[T] = []

        def look() -> str:
            thing, said = call()
            found.append(thing)
            return said

        result = self._look(Check(name, look, watches_its_time=True))
        if is_asked or result.status == "failed":
            self._add(result)
        return found[0] if found else None

    def skip(self, name: str, reason: str) -> None:
        """Tell of a check that is not made."""
        self._add(Result(name, "skipped", reason, 0.0))

    def _lacks(self, name: str) -> bool:
        return any(r.name == name and r.status != "passed" for r in self.results)

    def _make(self, check: Check) -> None:
        self._add(self._look(check))

    def _add(self, result: Result) -> None:
        self.results.append(result)
        self.tell(result)

    def _look(self, check: Check) -> Result:
        began_ns = time.perf_counter_ns()
        status, reason = self._outcome(check)
        took_ms = (time.perf_counter_ns() - began_ns) / 1e6
        return Result(check.name, status, _clean(reason, self.secrets), round(took_ms, 3))

    def _outcome(self, check: Check) -> tuple[Status, str]:
        try:
            if check.watches_its_time:
                return "passed", check.run()
            return "passed", within(self.limit_s, check.run, check.name)
        except CheckSkippedError as error:
            return "skipped", str(error)
        except (NeuralakeError, OSError) as error:
            return "failed", reason_of(error)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 (a Rust panic and SystemExit are none)
            return "failed", f"the check itself failed with {named_reason(error)}"


def within(limit_s: float, call: Callable[[], T], name: str) -> T:
    """What a call returns, if it does so in time; it is left behind otherwise.

    Raises
    ------
    CheckFailedError
        If it does not.
    """
    done, _ = in_daemon(call, name)
    try:
        return done.result(limit_s)
    except TimeoutError as error:
        if done.done():  # the call's own
            raise
        raise CheckFailedError(f"no answer within {limit_s:g} s") from error


def _clean(reason: str, secrets: Sequence[str]) -> str:
    """One line that holds no secret."""
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        reason = reason.replace(secret, "***")
    return " ".join("".join(c if c.isprintable() else " " for c in reason).split())
