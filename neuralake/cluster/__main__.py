"""``python -m neuralake.cluster``: a cluster of Spark to play with, until Ctrl-C."""

from __future__ import annotations

import argparse
import signal
import sys

from neuralake.cluster.server import Cluster
from neuralake.errors import NeuralakeError


def _told(cluster: Cluster, workers: int, is_connect: bool) -> str:
    address = cluster.connect_address if is_connect else cluster.address
    lines = [
        f"neuralake bench --engines spark --engine spark:master={address}",
        "# Ctrl-C here ends it",
    ]
    if is_connect:
        lines.insert(0, f"# Spark Connect is at {address}")
    if workers:
        lines.insert(
            0,
            f"# a master is at {cluster.address} with {workers} workers; its page is "
            f"{cluster.page}",
        )
    return "\n".join(lines)


def main() -> int:
    """Start a cluster, say how it is used, and end it."""
    parser = argparse.ArgumentParser(prog="python -m neuralake.cluster", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="of the master on 127.0.0.1  [free]")
    parser.add_argument(
        "--workers", type=int, default=2, help="how many; none for Spark Connect alone  [2]"
    )
    parser.add_argument("--cores", type=int, default=1, help="of each worker  [1]")
    parser.add_argument("--memory", default="1g", help="of each worker  [1g]")
    parser.add_argument(
        "--connect",
        type=int,
        metavar="PORT",
        help="start Spark Connect, too, which takes all workers; 0 is a free port  [none]",
    )
    options = parser.parse_args()
    if options.workers < (1 if options.connect is None else 0):
        parser.error(f"--workers is {options.workers}: expected 1 or more, or --connect")
    signals = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)  # none is lost between here and sigwait
    try:
        with Cluster(
            workers=options.workers,
            cores=options.cores,
            memory=options.memory,
            port=options.port,
            connect_port=options.connect,
        ) as cluster:
            print(_told(cluster, options.workers, options.connect is not None), flush=True)
            signal.sigwait(signals)
    except NeuralakeError as error:
        print(f"neuralake: {error}", file=sys.stderr)
        return error.exit_status
    return 0


if __name__ == "__main__":
    sys.exit(main())
