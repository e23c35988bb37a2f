"""What it costs to compare two large answers: seconds, processor time and peak memory.

Two answers of the same rows are written as an engine's would be, the second in another order, in
other encodings and with other last bits in its floats; then a process of its own opens and compares
them. A third, in which one row is another, must be found to be wrong.

    python -m benchmarks.answers.large_answers --rows 10000000
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from neuralake.queries.answers import compare
from neuralake.queries.digest import digest
from neuralake.queries.query import Query, SortKey
from neuralake.workloads.executor import open_answer, write_answer

ORDERS = {
    "unordered": Query("q", "", "SELECT 1"),
    "ordered": Query("q", "", "SELECT 1", order_by=(SortKey("day", True),)),
}


def rows(count: int) -> pa.Table:
    """Rows as of a fact table: keys, a flag, a day, texts, amounts and a float, with nulls."""
    random = np.random.default_rng(12)
    keys = pa.array(np.arange(count))
    return pa.table(
        {
            "key": keys,
            "customer": pa.array(random.integers(0, count // 10 + 1, count)),
            "flag": pa.array(["A", "N", "R"]).take(pa.array(random.integers(0, 3, count))),
            "day": pa.array(np.sort(random.integers(8000, 11000, count))[::-1].astype("i4")).cast(
                pa.date32()
            ),
            "name": pc.binary_join_element_wise("order ", keys.cast(pa.string()), ""),
            "amount": pa.array(random.integers(0, 10**7, count)).cast(pa.decimal128(21, 2)),
            "rate": pa.array(random.random(count), mask=random.random(count) < 0.01),
        }
    )


def other(table: pa.Table, *, ordered: bool) -> pa.Table:
    """The same rows: texts are views, whole numbers narrower, floats off by some last bits."""
    if not ordered:
        order = np.random.default_rng(7).permutation(table.num_rows)
        table = table.take(pa.array(order)).combine_chunks()
    rate = pc.multiply(table.column("rate"), 1 + 2**-50)
    table = table.set_column(6, "rate", rate)
    table = table.set_column(1, "customer", table.column("customer").cast(pa.int32()))
    return table.set_column(4, "name", table.column("name").cast(pa.string_view()))


def wrong(table: pa.Table) -> pa.Table:
    """All rows but the middle one, which is the first one's double."""
    middle = table.num_rows // 2
    return pa.concat_tables([table.slice(0, middle), table.slice(0, 1), table.slice(middle + 1)])


def measure(directory: Path, name: str, right: bool) -> None:
    """Compare in this process, and print what it took."""
    began, cpu = time.perf_counter(), time.process_time()
    answers = [open_answer(directory / f"{side}.arrow") for side in ("one", "other")]
    mismatch = compare(answers[1], answers[0], ORDERS[name])
    wall_s, cpu_s = time.perf_counter() - began, time.process_time() - cpu
    # that of getrusage is inherited from who started the process
    status = Path("/proc/self/status").read_text().split("VmHWM:")[1]
    peak_gib = int(status.split()[0]) / 2**20
    if (mismatch is None) != right:
        raise SystemExit(f"{name}: expected right to be {right}, found {mismatch}")
    print(
        f"{name:<10} {'right' if right else 'wrong':<6} {wall_s:6.1f} s  {cpu_s:6.1f} s CPU  "
        f"peak {peak_gib:5.2f} GiB"
    )


def main() -> None:
    """Write the answers, and compare each pair in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--compare", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.compare:
        directory, name, right = arguments.compare
        measure(Path(directory), name, right == "True")
        return
    table = rows(arguments.rows)
    began = time.process_time()
    digest(table, ["day"])
    print(
        f"{arguments.rows:,} rows of 7 columns; the digest takes "
        f"{time.process_time() - began:.1f} s CPU"
    )
    with tempfile.TemporaryDirectory() as directory:
        write_answer(table, Path(directory) / "one.arrow")
        for name in ORDERS:
            same = other(table, ordered=name == "ordered")
            for right in (True, False):
                write_answer(same if right else wrong(same), Path(directory) / "other.arrow")
                command = [sys.executable, __file__, "--compare", directory, name, str(right)]
                subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
