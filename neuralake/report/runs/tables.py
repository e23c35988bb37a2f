"""The tables of several runs."""

from __future__ import annotations

from neuralake.report import numbers
from neuralake.report.runs.summary import RunsSummary
from neuralake.report.tables import Column, Entry, Table, text_columns


def runs_table(runs: RunsSummary) -> Table:
    """One row a run."""
    rows = []
    for number, run in enumerate(runs.runs, start=1):
        header = run.header
        factor = header.scale_factor
        judged = len(run.verifications)
        verified = sum(v.verdict == "verified" for v in run.verifications)
        rows.append(
            (
                Entry(f"run {number}"),
                Entry(header.id),
                Entry(numbers.NONE if factor is None else f"{factor:g}", factor),
                Entry(", ".join(engine.name for engine in run.engines)),
                Entry(
                    f"{verified}/{judged}", verified, mark="" if verified == judged else "failed"
                ),
                Entry("finished" if run.finished_at else "interrupted"),
            )
        )
    columns = (
        *(*text_columns("run", "id"), Column("scale factor")),
        *(*text_columns("engines"), Column("verified"), *text_columns("state")),
    )
    return Table("runs", "The runs; run 1 is the base of every ratio", columns, tuple(rows))


def differences_table(runs: RunsSummary) -> Table:
    """Every fact that is not the same in all runs."""
    numbered = range(1, len(runs.runs) + 1)
    return Table(
        "differences",
        "Facts that are not the same in all runs",
        text_columns("fact", *(f"run {n}" for n in numbered)),
        tuple(
            (Entry(difference.label), *map(Entry, difference.values))
            for difference in runs.differences
        ),
    )


def means_table(runs: RunsSummary) -> Table:
    """Geometric mean of the ratios, by engine and later run."""
    later = range(1, len(runs.runs))
    rows = []
    for engine in runs.engines:
        entries = []
        for number in later:
            mean = runs.means.get((number, engine))
            small = (
                "" if mean is None else f"over {numbers.count(mean.queries, 'query', 'queries')}"
            )
            ratio = mean.ratio if mean else None
            entries.append(Entry(numbers.times(ratio, 3), ratio, small))
        rows.append((Entry(engine), *entries))
    columns = (Column("engine", numeric=False), *(Column(f"run {n + 1} ÷ run 1") for n in later))
    return Table("means", "Geometric mean of the ratios", columns, tuple(rows))


def ratios_table(runs: RunsSummary) -> Table:
    """Ratio of medians of each query and engine with its interval, by later run."""
    later = range(1, len(runs.runs))
    rows = []
    for query in runs.queries:
        for engine in runs.engines:
            entries = []
            for number in later:
                ratio = runs.ratios.get((number, query, engine))
                if ratio is None:
                    entries.append(Entry("no pair", mark="failed"))
                    continue
                entries.append(
                    Entry(numbers.times(ratio.ratio, 3), ratio.ratio, numbers.ends(ratio, 3))
                )
            rows.append((Entry(query), Entry(engine), *entries))
    columns = (
        *text_columns("query", "engine"),
        *(Column(f"run {n + 1} ÷ run 1") for n in later),
    )
    return Table("run-ratios", "Ratio of medians and its 95 % interval", columns, tuple(rows))


def scaling_table(runs: RunsSummary) -> Table:
    """Latency at each scale factor, and the fitted exponent with its interval."""
    factors = runs.scale_factors
    rows = []
    for query in runs.queries:
        for engine in runs.engines:
            law = runs.laws.get((query, engine))
            found = dict(runs.points(query, engine))
            times = [found.get(factor) for factor in factors]
            exponent = law.exponent if law else None
            rows.append(
                (
                    Entry(query),
                    Entry(engine),
                    Entry(numbers.decimal(exponent), exponent, numbers.ends(law) if law else ""),
                    *(Entry(numbers.in_ms(time), time) for time in times),
                )
            )
    columns = (
        *(*text_columns("query", "engine"), Column("exponent")),
        *(Column(f"at {factor:g} (ms)") for factor in factors),
    )
    caption = "Exponent of latency against scale factor with its 95 % interval, and the medians"
    return Table("exponent-numbers", caption, columns, tuple(rows))
