"""``python -m benchmarks.s3``: an S3 server to play with, until Ctrl-C or a command's end."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
from pathlib import Path

from benchmarks.s3.server import ServerError, serving
from benchmarks.s3.shared import keep


def main() -> int:
    """Start a server, say how it is reached, and end it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.s3", description=__doc__)
    parser.add_argument("--port", type=int, help="of the S3 service  [default: a free one]")
    parser.add_argument("--keep", type=Path, metavar="DIR", help=argparse.SUPPRESS)
    parser.add_argument(
        "command", nargs="*", help="after --: run with the variables set, in place of waiting"
    )
    options = parser.parse_args()
    if options.keep is not None:
        return keep(options.keep)
    if options.command:
        return run_with_server(options.command, options.port)
    signals = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)  # none is lost between here and sigwait
    try:
        with serving(port=options.port) as server:
            for name, value in server.environ.items():
                print(f"export {name}={value}", flush=True)
            print(
                "# paste these lines into another shell; Ctrl-C here ends the server, "
                "and what was stored is gone",
                flush=True,
            )
            signal.sigwait(signals)
    except ServerError as error:
        print(f"make s3: {error}", file=sys.stderr)
        return 2
    return 0


def run_with_server(command: list[str], port: int | None) -> int:
    """Run a command with a server of its own, and return its exit status."""
    try:
        with serving(port=port) as server:
            environment = {**os.environ, **server.environ}
            return subprocess.run(command, env=environment, check=False).returncode
    except ServerError as error:
        print(f"make s3: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
