"""How long each record took, against a model that looks at one record after another."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from neuralake.results.freshness.records import EventArrivals, Load
from neuralake.results.freshness.samples import (
    ANSWER_AGE,
    BATCHES,
    COMMITS,
    DURABLE,
    QUERY_FRESHNESS,
    SIGHTINGS,
    TABLE_LEAST,
    TABLE_MOST,
    VISIBLE_LEAST,
    VISIBLE_MOST,
)
from neuralake.stats.distribution import Distribution
from neuralake.workloads.freshness.analysis import Analysis
from neuralake.workloads.freshness.moments import Records
from tests.more import drawn

S = 1_000_000_000
LOAD = Load(duration_s=1.0, warm_up_s=0.1, pieces=2, pause_s=0.3)
Rows = list[tuple[Any, ...]]
Counts = dict[str, Counter[int | None]]


def table(schema: pa.Schema, rows: Rows) -> pa.Table:
    columns = zip(*rows, strict=True) if rows else [[]] * len(schema)
    arrays = [pa.array(c, f.type) for c, f in zip(columns, schema, strict=True)]
    return pa.Table.from_arrays(arrays, schema=schema)


@st.composite
def rounds(draw: st.DrawFn) -> tuple[Records, Rows, Rows, Rows]:
    """Batches that follow one another, versions that hold some, and answers that hold those."""
    producers = draw(st.integers(1, 2))
    arrivals: EventArrivals = draw(st.sampled_from(["constant", "poisson"]))
    load = replace(LOAD, producers=producers, arrivals=arrivals)
    records = Records(load, draw(st.sampled_from([40.0, 90.0])))
    batches: Rows = []
    versions: list[tuple[int, int, int]] = []
    for producer in range(producers):
        first, count = 0, records.of_producer(producer)
        while first < count:
            size = min(draw(st.integers(1, 30)), count - first)
            due, *_, sent = records.due_ns(producer, first, first + size).tolist() * 2
            durable = draw(st.one_of(st.none(), st.integers(sent, sent + S)))
            batches.append((producer, first, size, due, sent, durable, None))
            first += size
            versions.append((draw(st.integers(sent, sent + S)), producer, first))
    commits: Rows = []
    ends = [0] * producers
    for number, (named, producer, end) in enumerate(sorted(versions)):
        ends[producer] = max(ends[producer], end)
        durable = draw(st.one_of(st.none(), st.integers(named, named + S // 100)))
        commits.append((number, named, False, 1, 0, 1, [(producer, ends[producer])], durable))
    sightings: Rows = []
    asked = 0
    steps = draw(st.lists(st.integers(1, records.spans.end_ns // 4), max_size=8))
    for query, step in enumerate(steps):
        asked += step
        answered = asked + draw(st.integers(0, S // 10))
        held = [0] * producers
        for _, named, *_, pairs, _ in commits:
            if named <= asked:
                held = [dict(pairs).get(p, h) for p, h in enumerate(held)]
        sightings += [(query, asked, answered, p, h) for p, h in enumerate(held)]
        asked = answered
    return records, batches, commits, sightings


class Model:
    """Everything by looking at each record alone; in microseconds, rounded outwards."""

    def __init__(
        self, records: Records, batches: Rows, commits: Rows, sightings: Rows, unsure_ns: int
    ) -> None:
        self.records, self.commits, self.sightings = records, commits, sightings
        self.unsure_ns = unsure_ns
        self.counts: Counts = {}
        for producer, first, size, *_, durable, _ in batches:
            for number in range(first, first + size):
                self.look_at(producer, number, durable)
        for query in sorted({s[0] for s in sightings}):
            self.ask([s for s in sightings if s[0] == query])

    def look_at(self, producer: int, number: int, durable: int | None) -> None:
        due = self.due(producer, number)
        assert due is not None
        if not self.is_in(due):
            return
        self.count(DURABLE, None if durable is None else durable - due, up=True)
        named = self.committed(producer, number)
        self.count(TABLE_LEAST, None if named is None else named - due, up=False)
        latest = self.committed_by(producer, number)
        self.count(TABLE_MOST, None if latest is None else latest - due, up=True)
        own = sorted((s for s in self.sightings if s[3] == producer), key=lambda s: s[2])
        place = next((i for i, s in enumerate(own) if s[4] > number), None)
        before = 0 if not place else own[place - 1][2]
        self.count(VISIBLE_LEAST, None if place is None else before - due, up=False)
        self.count(VISIBLE_MOST, None if place is None else own[place][2] - due, up=True)

    def ask(self, own: Rows) -> None:
        asked, answered = own[0][1], own[0][2]
        if not self.is_in(asked):
            return
        unseen = [(s[3], s[4]) for s in own]
        first_commit = [c for c in (self.committed(*u) for u in unseen) if c is not None]
        oldest = [d for d in (self.due(*u) for u in unseen) if d is not None]
        self.count(QUERY_FRESHNESS, asked - min(first_commit, default=asked), up=True)
        self.count(ANSWER_AGE, answered - min(oldest, default=answered), up=True)

    def is_in(self, moment: int) -> bool:
        return any(begin <= moment < end for begin, end in self.records.spans.beside())

    def count(self, measure: str, took_ns: int | None, *, up: bool) -> None:
        if took_ns is not None:
            took_ns = max(took_ns, 0)
        value = None if took_ns is None else -(-took_ns // 1000) if up else took_ns // 1000
        self.counts.setdefault(measure, Counter())[value] += 1

    def committed(self, producer: int, number: int) -> int | None:
        return min(
            (c[1] for c in self.commits for p, end in c[6] if p == producer and end > number),
            default=None,
        )

    def committed_by(self, producer: int, number: int) -> int | None:
        """When any version that has it was known to be durable, or named for certain."""
        own = (c for c in self.commits for p, end in c[6] if p == producer and end > number)
        known = (c[1] + self.unsure_ns if c[7] is None else c[7] for c in own)
        return min(known, default=None)

    def due(self, producer: int, number: int) -> int | None:
        if number >= self.records.of_producer(producer):
            return None
        return int(self.records.due_ns(producer, number, number + 1)[0])


@given(made=rounds(), unsure_ns=st.sampled_from([0, 4_000_000]), block=st.integers(1, 40))
@settings(max_examples=drawn(40), deadline=None)
def test_every_record_is_counted_as_looking_at_it_alone_would(
    made: tuple[Records, Rows, Rows, Rows], unsure_ns: int, block: int
) -> None:
    records, batches, commits, sightings = made
    analysis = Analysis(
        records,
        table(BATCHES, batches),
        table(SIGHTINGS, sightings),
        table(COMMITS, commits),
        unsure_ns,
        block=block,
    )
    found: Counts = {}
    for measure, slices in analysis.distributions.items():
        every = Distribution.merged(slices.values())
        pairs = zip(every.values.tolist(), every.counts.tolist(), strict=True)
        found[measure] = Counter(dict(pairs))
        if every.unended:
            found[measure][None] = every.unended
    assert found == Model(records, batches, commits, sightings, unsure_ns).counts
    assert analysis.seen_early == 0


def test_a_record_that_is_seen_before_it_is_due_is_told() -> None:
    records = Records(replace(LOAD, producers=1), 100.0)
    batches = [(0, 0, records.count, 0, 0, 0, 0)]
    sightings = [(0, 0, 1, 0, records.count)]
    analysis = Analysis(
        records, table(BATCHES, batches), table(SIGHTINGS, sightings), table(COMMITS, []), 0
    )
    assert analysis.seen_early == records.count - 1
