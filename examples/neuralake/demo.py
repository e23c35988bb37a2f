"""A small platform from end to end, each part checked: ``make demo``.

Rows are written by the writer, transformed by Polars and Spark, joined with a file and a function
on several engines, served, shown on a page and verified. Nothing is left running, however it ends.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime as dt
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import elt
import pyarrow as pa
import pyarrow.parquet as pq

from neuralake import open_catalog
from neuralake.api import OpenCatalog
from neuralake.engines import registry
from neuralake.mortal import mortal

LAKE = Path(__file__).with_name("lake.py")
NEURALAKE = [sys.executable, "-m", "neuralake"]
BY_MODEL = """
    SELECT m.model, m.channels, SUM(r.spikes) AS spikes
    FROM recordings r
    JOIN implants i ON i.implant_id = r.implant_id
    JOIN models m ON m.model = i.model
    GROUP BY m.model, m.channels
    ORDER BY m.model
"""
IMPLANTS, RECORDINGS = 12, 20_000
SPIKES = sum(number % 50 for number in range(RECORDINGS))  # the sum that every part must find


@dataclass(frozen=True)
class Demo:
    """Where everything lies, and the catalog."""

    place: Path
    lake: OpenCatalog


class WrongError(Exception):
    """A part of the platform gave something else than it should."""


def expect(found: object, expected: object, what: str) -> None:
    """Hold what was found against what must be."""
    if found != expected:
        raise WrongError(f"{what}: {found!r}, expected {expected!r}")


def neuralake(*arguments: object, rows: bytes = b"") -> str:
    """Run a command; what it prints."""
    command = mortal([*NEURALAKE, *map(str, arguments), "--catalog", str(LAKE)])
    done = subprocess.run(command, input=rows, capture_output=True, check=False)
    if done.returncode != 0:
        told = (done.stderr or done.stdout).decode().strip()
        raise WrongError(f"neuralake {arguments[0]} ended with {done.returncode}: {told}")
    return done.stdout.decode()


def tables(demo: Demo) -> str:
    """Tables are code; one is a Parquet file that somebody else left there."""
    start = dt.date(2026, 1, 5)
    rows = {
        "implant_id": range(IMPLANTS),
        "model": ["ABC"[number % 3] for number in range(IMPLANTS)],
        "implanted_on": [start + dt.timedelta(weeks=number) for number in range(IMPLANTS)],
    }
    (demo.place / "lake").mkdir(parents=True, exist_ok=True)
    fields = [
        pa.field(c.name, c.type, nullable=c.nullable) for c in demo.lake.table("implants").columns
    ]
    pq.write_table(pa.table(rows, pa.schema(fields)), demo.place / "lake/implants.parquet")
    demo.lake.table("implants").check()
    listed = json.loads(neuralake("catalog", "list", "--json"))
    expect(len(listed), 5, "tables of the catalog")
    return f"{len(listed)} tables, declared in {LAKE.name}"


def writer(demo: Demo) -> str:
    """Rows come from a pipe and are committed to a Delta table as they come."""
    first = dt.datetime.now(dt.UTC).replace(microsecond=0) - dt.timedelta(seconds=RECORDINGS)
    lines = (
        {
            "recording_id": number,
            "implant_id": number % IMPLANTS,
            "recorded_at": (first + dt.timedelta(seconds=number)).isoformat(),
            "spikes": number % 50,
        }
        for number in range(RECORDINGS)
    )
    ndjson = "".join(f"{json.dumps(line)}\n" for line in lines).encode()
    neuralake("writer", "recordings", "--create", "--from", "stdin:ndjson", rows=ndjson)
    counted = demo.lake.sql("SELECT COUNT(*) AS n, SUM(spikes) AS s FROM recordings").to_pylist()
    expect(counted, [{"n": RECORDINGS, "s": SPIKES}], "rows written")
    return f"{RECORDINGS:,} rows written and counted"


def job(demo: Demo) -> str:
    """Polars writes what Spark reads, and Polars reads what Spark writes."""
    expect(elt.sessions_by_polars(demo.lake), RECORDINGS, "rows that Polars read")
    spec = registry.EngineSpec("spark")
    registry.require(spec)
    registry.prepare(spec)
    with contextlib.closing(registry.start(spec)) as spark:
        elt.days_by_spark(demo.lake, spark.new_session())
    expect(elt.spikes_by_polars(demo.lake), SPIKES, "spikes that came back from Spark")
    demo.lake.table("days").check()
    return f"Polars → sessions → Spark → days → Polars: {SPIKES:,} spikes all the way"


def join(demo: Demo) -> str:
    """One query over a Delta table, a Parquet file and a function, on each engine."""
    engines = ["polars", "datafusion", "duckdb"]
    answers = {engine: demo.lake.sql(BY_MODEL, engine=engine).to_pylist() for engine in engines}
    for engine, answer in answers.items():
        expect(answer, answers["polars"], f"answer of {engine}")
    expect(sum(row["spikes"] for row in answers["polars"]), SPIKES, "spikes of all models")
    return f"a Delta table, a Parquet file and a function: {', '.join(engines)} agree"


def api(demo: Demo) -> str:
    """The catalog is served, and a client that knows nothing but HTTP asks it."""
    with serving() as url:
        request = urllib.request.Request(f"{url}/api/sql", BY_MODEL.encode())  # noqa: S310
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
            rows = json.loads(answer.read())
    expect(rows, demo.lake.sql(BY_MODEL).to_pylist(), "answer of the API")
    return f"POST {url}/api/sql answered with {len(rows)} rows"


@contextlib.contextmanager
def serving() -> Iterator[str]:
    """``neuralake serve``, for as long as it is needed."""
    command = mortal([*NEURALAKE, "serve", "--catalog", str(LAKE), "--listen", "127.0.0.1:0"])
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            told = process.stdout.readline() if process.stdout else ""
            yield told.strip().removeprefix("serving on ")
        finally:
            process.terminate()
            expect(process.wait(60), 0, "status of the API")


def site(demo: Demo) -> str:
    """One page that shows the catalog, to look at without a network."""
    neuralake("catalog", "site", "--to", demo.place / "site")
    page = demo.place / "site/index.html"
    text = page.read_text()
    expect([n for n in demo.lake.tables() if n not in text], [], "tables that the site lacks")
    return str(page)


def verification(demo: Demo) -> str:
    """Every table on several engines, its keys and promises, storage and API: for production."""
    report = demo.place / "verification.xml"
    with serving() as url:
        os.environ["NEURALAKE_SERVE_URL"] = url
        told = neuralake("verify", "--engines", "polars,datafusion,duckdb", "--junit", report)
    return f"{told.splitlines()[-1]}; {report}"


Part = Callable[[Demo], str]
PARTS: dict[str, Part] = {
    "tables": tables,
    "writer": writer,
    "elt": job,
    "join": join,
    "api": api,
    "site": site,
    "verify": verification,
}


def main() -> int:
    """Run the parts in their order; 1 if one of them was not right."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--to", type=Path, default=Path("data/demo"), help="a new directory")
    parser.add_argument("--parts", default=",".join(PARTS), help="some of them, with commas")
    parser.add_argument("--stay", action="store_true", help="serve it afterwards, until Ctrl-C")
    options = parser.parse_args()
    place, names = options.to.absolute(), options.parts.split(",")
    if unknown := [name for name in names if name not in PARTS]:
        parser.error(f"no part {unknown[0]!r}: there are {', '.join(PARTS)}")
    if (place / "lake").exists():
        parser.error(f"there is {place / 'lake'} already: remove it, or take another --to")
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that what was started is ended
    os.environ["NEURALAKE_STORAGE_ROOT"] = str(place / "lake")
    demo = Demo(place, open_catalog(LAKE))
    failed = [name for name in names if not run(name, PARTS[name], demo)]
    ending = f"{', '.join(failed)} failed" if failed else "all of it works"
    print(f"\n{ending}; look at {place}, and at {LAKE.parent}")
    if options.stay:
        with serving() as url, contextlib.suppress(KeyboardInterrupt):
            print(f"{url}/docs, until Ctrl-C", flush=True)
            signal.pause()
    return 1 if failed else 0


def run(name: str, part: Part, demo: Demo) -> bool:
    """Run a part and say how it went; whether it went well."""
    start_s = time.monotonic()
    try:
        result = part(demo)
    except Exception as error:  # noqa: BLE001 - whatever it is, the other parts go on
        is_right, result = False, f"{type(error).__name__}: {error}"
    else:
        is_right = True
    took_s = time.monotonic() - start_s
    print(f"{'✓' if is_right else '✗'} {name:8} {took_s:5.1f} s  {result}", flush=True)
    return is_right


if __name__ == "__main__":
    sys.exit(main())
