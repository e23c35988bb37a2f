"""Objects that tests of workers have in the child."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from typing import Any


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
