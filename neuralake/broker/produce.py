"""``python -m neuralake.broker.produce HOST:PORT TOPIC``: send events; the figures as JSON."""

from __future__ import annotations

import argparse
import signal
import sys

import msgspec

from neuralake.broker.producer import EventProducer
from neuralake.errors import NeuralakeError


def main() -> int:
    """Send events until the time is over or a signal comes."""
    parser = argparse.ArgumentParser(prog="python -m neuralake.broker.produce", description=__doc__)
    parser.add_argument("brokers", metavar="HOST:PORT")
    parser.add_argument("topic", metavar="TOPIC")
    parser.add_argument("--rate", type=float, default=1000.0, help="events a second  [1000]")
    parser.add_argument("--seconds", type=float, help="how long  [until Ctrl-C]")
    parser.add_argument("--rows", type=int, help="how many")
    parser.add_argument("--arrivals", choices=("constant", "poisson"), default="constant")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    if not 0 < options.rate <= 1e7:
        parser.error(f"--rate is {options.rate:g}: expected more than 0, at most 10 million")
    try:
        producer = EventProducer(
            options.brokers,
            options.topic,
            rate=options.rate,
            arrivals=options.arrivals,
            seed=options.seed,
        )
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: producer.stop())
        produced = producer.run(seconds=options.seconds, rows=options.rows)
    except NeuralakeError as error:
        print(f"neuralake: {error}", file=sys.stderr)
        return error.exit_status
    print(msgspec.json.encode(produced).decode())
    return 1 if produced.failed else 0


if __name__ == "__main__":
    sys.exit(main())
