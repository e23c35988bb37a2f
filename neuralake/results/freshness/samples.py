"""What is measured of each batch, poll, answer and commit, in the part files of a run.

Moments are nanoseconds from the one at which the first record of a round is due, by the monotonic
clock, which is the same in all processes of the machine.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from neuralake.results.freshness.records import Parts
from neuralake.results.parts import read_part
from neuralake.stats.distribution import Distribution

# What a producer sent in one message: the records from first_number on, without a gap
BATCHES = pa.schema(
    [
        ("producer", pa.int32()),
        ("first_number", pa.int64()),
        ("records", pa.int64()),
        ("due_ns", pa.int64()),
        ("sent_ns", pa.int64()),
        ("acknowledged_ns", pa.int64()),
        ("version", pa.int64()),
    ]
)
# A poll, and the query that was asked for it: polls that wait together share one
POLLS = pa.schema(
    [
        ("query", pa.int64()),
        ("due_ns", pa.int64()),
        ("asked_ns", pa.int64()),
        ("answered_ns", pa.int64()),
        ("message", pa.string()),
    ]
)
# Which records an answer held: all whose number is below the end, as its figures prove
SIGHTINGS = pa.schema(
    [
        ("query", pa.int64()),
        ("asked_ns", pa.int64()),
        ("answered_ns", pa.int64()),
        ("producer", pa.int32()),
        ("end", pa.int64()),
    ]
)
# A version of the table: when its entry got its name, up to where it has each producer's records,
# and when its writer knew that it is durable
COMMITS = pa.schema(
    [
        ("version", pa.int64()),
        ("named_ns", pa.int64()),
        ("is_compaction", pa.bool_()),
        ("added_files", pa.int32()),
        ("removed_files", pa.int32()),
        ("records", pa.int64()),
        ("ends", pa.map_(pa.int32(), pa.int64())),
        ("durable_ns", pa.int64()),
    ]
)
# Records that came to the writer together: when they were due, on average, how long each stage of
# their way took then, and of the append's own stages what its thread had of a processor
WAYS = pa.schema(
    [
        ("version", pa.int64()),
        ("producer", pa.int32()),
        ("records", pa.int64()),
        ("due_ns", pa.int64()),
        ("send_ns", pa.int64()),
        ("receive_ns", pa.int64()),
        ("decode_ns", pa.int64()),
        ("gather_ns", pa.int64()),
        ("turn_ns", pa.int64()),
        ("encode_ns", pa.int64()),
        ("write_ns", pa.int64()),
        ("commit_ns", pa.int64()),
        ("worked_ns", pa.int64()),
        ("delayed_ns", pa.int64()),
    ]
)
# Microseconds and how often: exact, but for the part of a microsecond, which is rounded outwards.
# Nothing in value_us is what never came to an end.
DISTRIBUTIONS = pa.schema(
    [
        ("measure", pa.string()),
        ("slice", pa.int32()),
        ("value_us", pa.int64()),
        ("count", pa.int64()),
    ]
)

# Measures of the records, most of them with the two ends of an interval, and of the answers
DURABLE = "durable"
TABLE_LEAST, TABLE_MOST = "table_least", "table_most"
VISIBLE_LEAST, VISIBLE_MOST = "visible_least", "visible_most"
QUERY_FRESHNESS = "query_freshness"
ANSWER_AGE = "answer_age"

Distributions = Mapping[str, Mapping[int, Distribution]]


def read_distributions(directory: Path, parts: Parts) -> Distributions:
    """Distributions of a round, by measure and by slice of the round.

    Parameters
    ----------
    directory
        Of the run.
    parts
        Of the round.
    """
    table = read_part(directory, parts.distributions)
    found: dict[str, dict[int, Distribution]] = {}
    keys = table.group_by(["measure", "slice"], use_threads=False).aggregate([]).to_pylist()
    for key in keys:
        measure, number = key["measure"], key["slice"]
        own = table.filter(
            pc.and_(pc.equal(table["measure"], measure), pc.equal(table["slice"], number))
        )
        never = own.filter(pc.is_null(own["value_us"]))["count"].to_pylist()
        kept = own.filter(pc.is_valid(own["value_us"]))
        values, counts = (kept[name].to_numpy() for name in ("value_us", "count"))
        found.setdefault(measure, {})[number] = Distribution(values, counts, sum(never))
    return found


def distribution_rows(found: Distributions) -> Iterator[tuple[str, int, int | None, int]]:
    """The same as rows of ``DISTRIBUTIONS``."""
    for measure, slices in found.items():
        for number, each in slices.items():
            for value, count in zip(each.values.tolist(), each.counts.tolist(), strict=True):
                yield measure, number, value, count
            if each.unended:
                yield measure, number, None, each.unended
