"""Objects that tests of workers have in the child."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from threading import Thread
from typing import Any

from neuralake.measure.callgrind import Callgrind, CallgrindCounter
from neuralake.measure.execution import count
from neuralake.measure.massif import MassifCounter
from neuralake.measure.valgrind import offered_features


class Target:
    def echo(self, value: Any) -> Any:
        return value

    def pid(self) -> int:
        return os.getpid()

    def environ(self, name: str) -> str | None:
        return os.environ.get(name)

    def fail(self) -> None:
        raise ValueError("no\nsuch thing")

    def fail_silently(self) -> None:
        raise KeyError

    def fail_without_words(self) -> None:
        class SpeechlessError(Exception):
            def __str__(self) -> str:
                raise ConnectionRefusedError

        raise SpeechlessError

    def exit_politely(self) -> None:
        sys.exit("goodbye")

    def exit(self, status: int) -> None:
        os._exit(status)

    def abort(self) -> None:
        os.abort()

    def kill(self) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def hang(self) -> None:
        signal.pause()

    def say(self) -> None:
        print("said on standard output", flush=True)
        print("said on standard error", file=sys.stderr, flush=True)
        os.write(1, b"written to descriptor 1\n")

    def answer_with_what_cannot_be_sent(self) -> Any:
        return lambda: None

    def companion(self) -> int:
        """Start a process that would outlive its parent."""
        return subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]).pid

    def leave_a_file(self) -> str:
        """Write a temporary file; its name is returned."""
        descriptor, name = tempfile.mkstemp()
        os.write(descriptor, b"spilled")
        os.close(descriptor)
        return name

    def hold(self, size_bytes: int) -> int:
        self.held = b"x" * size_bytes
        return len(self.held)

    def allocate(self) -> None:
        blocks = []
        while True:
            blocks.append(b"x" * 2**20)

    def allocate_in_child(self) -> None:
        script = "blocks = []\nwhile True: blocks.append(b'x' * 2**20)"
        subprocess.run([sys.executable, "-c", script], check=True)

    def forgotten(self) -> int:
        """Start a process in a session of its own, whose parent ends at once."""
        script = (
            "import os, time\n"
            "if os.fork() == 0:\n"
            "    os.setsid()\n"
            "    print(os.getpid(), flush=True)\n"
            "    os.close(1)\n"
            "    time.sleep(600)\n"
        )
        return int(subprocess.check_output([sys.executable, "-c", script]))

    def nap(self, seconds: float) -> str:
        time.sleep(seconds)
        return "rested"


class Closing:
    """Says when it is closed."""

    def close(self) -> None:
        print("closed", flush=True)


class Stubborn(Target):
    """Ignores what it is asked."""

    def close(self) -> None:
        signal.pause()


def broken() -> Any:
    raise RuntimeError("cannot be made")


class CountedTarget:
    """Counts what it does, under Valgrind."""

    def __init__(self) -> None:
        self._counter: CallgrindCounter | MassifCounter | None = None

    def count_with(self, tool: str, log: str) -> None:
        is_callgrind = tool == Callgrind.tool
        self._counter = CallgrindCounter(Path(log)) if is_callgrind else MassifCounter()

    def features(self) -> tuple[str, ...]:
        return offered_features()

    def loop(self, turns: int, profile: str | None = None) -> tuple[int, int | None]:
        return self._count(lambda: sum(range(turns)), profile)

    def fail(self, profile: str) -> None:
        self._count(broken, profile)

    def loop_in_a_thread_that_ends(self, turns: int) -> tuple[int, int | None]:
        def call() -> None:
            thread = Thread(target=lambda: sum(range(turns)))
            thread.start()
            thread.join()

        return self._count(call)

    def bare_loop(self, turns: int, times: int) -> list[int]:
        """Count by the requests alone, with nothing else of Neuralake's between them."""
        assert self._counter is not None
        found = []
        for _ in range(times):
            self._counter.start()
            sum(range(turns))
            found.append(self._counter.stop().instructions or 0)
        return found

    def abort(self) -> None:
        os.abort()

    def _count(self, call: Callable[[], Any], profile: str | None = None) -> tuple[int, int | None]:
        assert self._counter is not None
        if profile is not None:
            assert isinstance(self._counter, CallgrindCounter)
            self._counter.keep_profile(Path(profile))
        _, execution = count(call, self._counter)
        assert execution.instructions is not None
        return execution.instructions, execution.cycles


class Arrow:
    """Makes a value of Arrow, as all engines do."""

    def __init__(self) -> None:
        import pyarrow as pa

        pa.scalar(1)

    def loaded(self, module: str) -> bool:
        return module in sys.modules
