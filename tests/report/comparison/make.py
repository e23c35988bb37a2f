"""Whole comparisons made by hand: every verdict, and troubles of all kinds."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

from neuralake.results.comparison import (
    SCHEMA_VERSION,
    ArmRecord,
    Change,
    Comparison,
    EngineComparison,
    Verdict,
)
from tests.report.run.make import NASTY, TPCH
from tests.results.make import FINGERPRINT

OFFICIAL = "official answer"
BASE = ArmRecord(
    "main",
    "0123456789abcdef0123456789abcdef01234567",
    "Read fewer columns",
    packages={"polars": "2.0.0", "pyarrow": "26.0.1"},
)
CANDIDATE = ArmRecord(
    "HEAD",
    "fedcba9876543210fedcba9876543210fedcba98",
    "Wait a little",
    packages={"polars": "2.0.0", "pyarrow": "26.0.1"},
)


def change(
    query: str | None,
    verdict: Verdict,
    percent: float = 0.0,
    half_width: float = 1.0,
    **fields: object,
) -> Change:
    """A change in percent, and half the width of its interval in points of percent."""
    ratio = 1 + percent / 100
    known: dict[str, object] = {
        "ratio": ratio,
        "low": ratio - half_width / 100,
        "high": ratio + half_width / 100,
        "cpu_ratio": 1 + 0.8 * percent / 100,
        "cpu_low": 1 + 0.8 * percent / 100 - half_width / 100,
        "cpu_high": 1 + 0.8 * percent / 100 + half_width / 100,
        "base_ns": 20e6,
        "pairs": 48,
        "decided_after_pairs": None if verdict == "inconclusive" else 32,
        "fixed_size_pairs": 40.4,
        "spread": 0.12,
    }
    known |= fields
    if known["base_ns"] is not None:
        known.setdefault("candidate_ns", known["base_ns"] * ratio)  # type: ignore[operator]
    return Change(query, verdict, **known)  # type: ignore[arg-type]


def without_time(query: str | None, verdict: Verdict, message: str) -> Change:
    return Change(query, verdict, message=message)


def made_engine(
    engine: str,
    suite: Change,
    queries: Sequence[Change] | None = None,
    **fields: object,
) -> EngineComparison:
    """An engine; its queries are unchanged unless they are given."""
    dice = random.Random(engine)
    known: dict[str, object] = {
        "versions": {side: {engine: "2.0.0"} for side in ("base", "candidate")},
        "settings": {side: {"threads": "2"} for side in ("base", "candidate")},
        "processes": 12,
        "rounds": 4,
        "elapsed_s": 480.0,
        "ending": "decided",
        "verified_against": OFFICIAL,
    }
    calm = [
        change(
            query,
            "unchanged",
            dice.gauss(0, 0.7),
            dice.uniform(1, 3.5),
            base_ns=dice.uniform(9e6, 9e7),
        )
        for query in TPCH
    ]
    kept = tuple(calm if queries is None else queries)
    return EngineComparison(engine=engine, suite=suite, queries=kept, **(known | fields))  # type: ignore[arg-type]


def made_comparison(*engines: EngineComparison, **fields: object) -> Comparison:
    """A comparison of engines."""
    known: dict[str, object] = {
        "schema_version": SCHEMA_VERSION,
        "id": "20260101T000000-tpch-sf0.1-0000",
        "created_at": "2026-01-01T00:00:00.000+00:00",
        "finished_at": "2026-01-01T00:20:00.000+00:00",
        "workload": "tpch",
        "dataset_uri": "/data/tpch/sf0.1",
        "scale_factor": 0.1,
        "base": BASE,
        "candidate": CANDIDATE,
        "effect": 0.02,
        "query_effect": 0.05,
        "suite_alpha": 0.004,
        "queries_alpha": 0.005,
        "max_time_s": 1200.0,
        "fingerprint": FINGERPRINT,
        "tables": {"lineitem": "version 0", "orders": "version 0"},
    }
    return Comparison(engines=engines, **(known | fields))  # type: ignore[arg-type]


def slower_engine(engine: str = "datafusion") -> EngineComparison:
    """3.1 % slower, one query more than the others, some undecided."""
    dice = random.Random(engine)
    queries = []
    for query in TPCH:
        percent, width = dice.gauss(3, 1), dice.uniform(1.5, 5)
        verdict: Verdict = "inconclusive"
        fields: dict[str, object] = {"more_pairs": 24, "base_ns": dice.uniform(8e6, 2e8)}
        if query == "q09":
            percent, width, verdict = 12.0, 3.0, "slower"
        if query == "q17":
            percent, width, fields["more_pairs"] = 1.0, 41.0, None
        if query == "q20":
            percent, width, verdict = 0.2, 1.4, "unchanged"
        if verdict != "inconclusive":
            fields["more_pairs"] = None
        queries.append(change(query, verdict, percent, width, **fields))
    return made_engine(engine, change(None, "slower", 3.1, 0.9), queries, ending="time")


def faster_engine(engine: str = "polars") -> EngineComparison:
    queries = [change(query, "faster", -33.3, 2.0) for query in TPCH]
    return made_engine(engine, change(None, "faster", -33.3, 0.6), queries)


def unchanged_engine(engine: str = "polars") -> EngineComparison:
    return made_engine(engine, change(None, "unchanged", 0.1, 0.5))


def inconclusive_engine(engine: str = "polars", more_pairs: int | None = 48) -> EngineComparison:
    queries = [change(q, "inconclusive", 1, 9, more_pairs=more_pairs) for q in TPCH]
    suite = change(None, "inconclusive", 1.1, 1.9, more_pairs=more_pairs)
    return made_engine(engine, suite, queries, ending="time")


def faulty_engine(engine: str = "duckdb", suite: Verdict = "faster") -> EngineComparison:
    """One query is wrong, and one failed; the others are faster."""
    queries = [
        without_time("q03", "wrong", f"{engine} (candidate) differs from official answer: row 2"),
        without_time("q07", "failed", "candidate: no answer after 60 s"),
        *(change(query, suite, -6.0, 1.0) for query in TPCH if query not in ("q03", "q07")),
    ]
    queries.sort(key=lambda c: c.query or "")
    return made_engine(engine, change(None, suite, -6.0, 0.4), queries)


def single_unit_engine(engine: str = "spark") -> EngineComparison:
    """One pair of processes: no interval, no CPU time."""
    nothing: dict[str, object] = dict.fromkeys(
        ("low", "high", "cpu_ratio", "cpu_low", "cpu_high", "fixed_size_pairs")
    )
    nothing["pairs"] = 4
    queries = [change(query, "inconclusive", 2.5, 1.0, **nothing) for query in TPCH]
    suite = change(None, "inconclusive", 2.5, 1.0, **nothing)
    return made_engine(engine, suite, queries, processes=1, elapsed_s=90.0, ending="interrupted")


def troubled_comparison() -> Comparison:
    """Everything that has to be said, at once."""
    return made_comparison(
        slower_engine(),
        faulty_engine(),
        inconclusive_engine("polars", None),
        single_unit_engine(),
        finished_at=None,
        candidate=replace(
            CANDIDATE,
            requirements=("polars==2.1.0",),
            options=("datafusion:target_partitions=1",),
            packages={"polars": "2.1.0", "numpy": "2.4.0"},
        ),
        only_in_base=("q23",),
        only_in_candidate=("q24", "q25"),
    )


def nasty_comparison() -> Comparison:
    """Every text that may come from elsewhere holds HTML, Markdown, ANSI and more."""
    arm = ArmRecord(NASTY, NASTY, NASTY, (NASTY,), (NASTY,), {NASTY: NASTY, "polars": NASTY})
    about = {"base": {NASTY: NASTY, "a": "1"}, "candidate": {NASTY: f"{NASTY} 2", "b": NASTY}}
    engine = made_engine(
        NASTY,
        change(None, "slower", 3.1),
        [
            change(NASTY, "slower", 30.0),
            without_time("$a$b^{", "failed", NASTY),
            without_time("x" * 300, "wrong", f"{NASTY}\n{NASTY}"),
        ],
        versions=about,
        settings=about,
        verified_against=NASTY,
    )
    nothing = made_engine(
        f"bad {NASTY}", Change(None, "failed", message=NASTY), [], processes=0, ending="failed"
    )
    return made_comparison(
        engine,
        nothing,
        id=NASTY,
        workload=NASTY,
        dataset_uri=NASTY,
        base=arm,
        candidate=replace(arm, packages={}),
        fingerprint=replace(FINGERPRINT, cpu=NASTY, packages={NASTY: NASTY}),
        only_in_base=(NASTY,),
        tables={NASTY: NASTY},
    )
