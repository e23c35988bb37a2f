"""Do others measure what our driver measures? The null server, asked by both at the same rates.

    python -m benchmarks.serving.cross_check --rates 200,1000

The other is vegeta (``go install github.com/tsenart/vegeta/v12@latest``) or oha (``cargo install
oha``), whichever is on the path: open loops at a constant rate, as ours is. Rounds alternate. Ours
counts from the moment at which a request was due; vegeta from when it was sent, oha with
``--latency-correction`` from when it was due: at rates that the server carries these are the same.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import repeat
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from neuralake.errors import LoadError
from neuralake.starting import free_ports
from neuralake.stats.percentiles import percentiles
from neuralake.workloads.serving.contestants.null import NullServer
from neuralake.workloads.serving.contestants.protocol import HOST, Site
from neuralake.workloads.serving.outcomes import Outcomes
from neuralake.workloads.serving.over_http import HttpDriver
from neuralake.workloads.serving.pace import ClosedLoop, Pace
from neuralake.workloads.serving.requests import Request
from neuralake.workloads.serving.server import ServerProcess

LEVELS = ("50", "90", "99")
CONNECTIONS = 64
_S = 1_000_000_000


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rates", default="200,1000", help="requests a second, such as 200,1000")
    parser.add_argument("--seconds", type=float, default=10.0, help="of each round")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    other = next((name for name in OTHERS if shutil.which(name)), None)
    if other is None:
        sys.exit(f"none of {', '.join(OTHERS)} is on the path")
    print(f"rate  driver      {'  '.join(f'p{level:<5}' for level in LEVELS)} ms")
    with null_server() as server:
        ours(server, 200.0, 1.0)  # both sides of it are warm then
        for rate in map(float, arguments.rates.split(",")):
            for _ in range(arguments.rounds):
                told(rate, "neuralake", ours(server, rate, arguments.seconds))
                told(
                    rate,
                    other,
                    {"vegeta": vegeta, "oha": oha}[other](server, rate, arguments.seconds),
                )


def told(rate: float, driver: str, found: Mapping[str, float]) -> None:
    """Print a line."""
    values = "  ".join(f"{found.get(level, float('nan')):<6.3f}" for level in LEVELS)
    print(f"{rate:<5g} {driver:<11} {values}", flush=True)


@contextmanager
def null_server() -> Iterator[NullServer]:
    """The null server in a process of its own."""
    first, second = free_ports(HOST, (0, 0), "a server", LoadError)
    with TemporaryDirectory() as directory:
        site = Site({}, Path(directory), Path(directory), (first, second))
        process = ServerProcess()
        try:
            process.start("null", site, 60)
            yield NullServer(site)
        finally:
            process.close()


def ours(server: NullServer, rate: float, seconds: float) -> Mapping[str, float]:
    """Percentiles in milliseconds by our driver."""
    message = server.message("SELECT 1")
    driver = HttpDriver(server.address, lambda _: message, CONNECTIONS)
    outcomes = Outcomes(10 * _S)
    requests = repeat(Request(0, 0))
    driver.run(Outcomes(10 * _S), ClosedLoop(4, _S // 5), requests, time.monotonic_ns())
    pace = Pace("constant", rate, round(seconds * _S))
    driver.run(outcomes, pace, requests, time.monotonic_ns())
    driver.close()
    latency = (outcomes.column("done") - outcomes.column("intended")) / 1e6
    return percentiles(np.asarray(latency), LEVELS)


def vegeta(server: NullServer, rate: float, seconds: float) -> Mapping[str, float]:
    """The same by vegeta."""
    host, port = server.address
    attack = subprocess.run(
        [
            *("vegeta", "attack", f"-rate={rate:g}", f"-duration={seconds:g}s"),
            *(f"-connections={CONNECTIONS}", "-keepalive=true", "-timeout=10s"),
        ],
        input=f"POST http://{host}:{port}/api/sql\n".encode(),
        stdout=subprocess.PIPE,
        check=True,
    )
    report = subprocess.run(
        ["vegeta", "encode", "-to=json"], input=attack.stdout, stdout=subprocess.PIPE, check=True
    )
    latency = [json.loads(line)["latency"] / 1e6 for line in report.stdout.splitlines()]
    return percentiles(latency, LEVELS)


def oha(server: NullServer, rate: float, seconds: float) -> Mapping[str, float]:
    """The same by oha."""
    host, port = server.address
    done = subprocess.run(
        [
            *("oha", "-q", f"{rate:g}", "-z", f"{seconds:g}s", "-c", str(CONNECTIONS)),
            *("--latency-correction", "--output-format", "json", "--no-tui"),
            *("-m", "POST", "-d", "SELECT 1", f"http://{host}:{port}/api/sql"),
        ],
        stdout=subprocess.PIPE,
        check=True,
    )
    found = json.loads(done.stdout)["latencyPercentiles"]
    return {level: found[f"p{level}"] * 1e3 for level in LEVELS}


OTHERS: Mapping[str, Callable[[NullServer, float, float], Mapping[str, float]]] = {
    "vegeta": vegeta,
    "oha": oha,
}

if __name__ == "__main__":
    main()
