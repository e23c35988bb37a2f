"""``python -m neuralake.broker``: a broker to play with, until Ctrl-C."""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path

from neuralake.broker.server import Broker
from neuralake.broker.topics import make_topic
from neuralake.errors import NeuralakeError


def main() -> int:
    """Start a broker with a topic, say how it is used, and end it."""
    parser = argparse.ArgumentParser(prog="python -m neuralake.broker", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="on 127.0.0.1  [a free one]")
    parser.add_argument("--topic", default="events", help="that is made  [events]")
    parser.add_argument("--partitions", type=int, default=2, help="of the topic  [2]")
    parser.add_argument(
        "--directory", type=Path, help="where it keeps what it has  [gone at the end]"
    )
    options = parser.parse_args()
    signals = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)  # none is lost between here and sigwait
    is_new = options.directory is None or not (options.directory / "data").exists()
    try:
        with Broker(options.directory, port=options.port) as broker:
            if is_new:
                make_topic(broker.address, options.topic, options.partitions)
            where = f"{broker.address}/{options.topic}"
            print(
                f"# a broker is at {broker.address}, its topic {options.topic}; send events to it\n"
                f"python -m neuralake.broker.produce {where.replace('/', ' ')} --rate 1000\n"
                f"# and write them into a table\n"
                f"neuralake writer TABLE --from kafka://{where} --from-beginning\n"
                f"# Ctrl-C here ends it",
                flush=True,
            )
            signal.sigwait(signals)
    except NeuralakeError as error:
        print(f"neuralake: {error}", file=sys.stderr)
        return error.exit_status
    return 0


if __name__ == "__main__":
    sys.exit(main())
