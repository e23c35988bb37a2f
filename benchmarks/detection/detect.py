"""Print how often changes are found, and how often one is seen where there is none.

    neuralake calibrate --engines polars --max-time 10m
    python -m benchmarks.detection.detect results/comparisons/…/pairs.jsonl --keep .

Without a file the recordings that come with the repository are used (``recordings/``). For each,
thousands of trials of up to `--minutes` are drawn, judged as ``neuralake compare`` judges, and the
same samples are given to asv's rule, pytest-benchmark's and min-of-N.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.detection.rivals import rules
from benchmarks.detection.rows import Row
from benchmarks.detection.trials import (
    MORE_UNITS,
    Outcome,
    Recording,
    carry_out,
    draw,
    fixed_pairs,
    planned,
    quieter,
    read_recording,
    write_recording,
)
from neuralake.stats.paired import Question, query_units, suite_units

Array = npt.NDArray[np.float64]
HERE = Path(__file__).parent / "recordings"
IN_ORDER = "nothing, in order"
SLOWDOWNS = (0.01, 0.02, 0.03, 0.05, 0.10)


def main() -> None:
    """Draw the trials and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recordings", nargs="*", type=Path)
    parser.add_argument("--trials", type=int, default=2000)
    parser.add_argument("--minutes", type=float, default=10.0, help="time of a trial at most")
    parser.add_argument("--effect", type=float, default=0.02)
    parser.add_argument("--query-effect", type=float, default=0.05)
    parser.add_argument("--rival-pairs", type=int, default=96, help="pairs that the others get")
    parser.add_argument("--noise", type=float, default=1.0, help="times the recorded noise")
    parser.add_argument("--keep", type=Path, help="write the recordings to this directory")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--figure", type=Path, help="draw what was found (.png or .svg)")
    arguments = parser.parse_args()
    files = arguments.recordings or sorted(HERE.glob("*.npz"))
    rows: list[Row] = []
    others: list[dict[str, object]] = []
    question = Question(arguments.effect, arguments.query_effect)
    for file in files:
        recording = read_recording(file)
        if arguments.keep:
            write_recording(recording, arguments.keep / f"{recording.name}.npz")
        if arguments.noise != 1:
            recording = planned(quieter(recording, arguments.noise), question)
        rng = np.random.default_rng(1)
        seconds = arguments.minutes * 60
        units = recording.units_within(seconds)
        print(f"{recording.name}: {units} units of {recording.rounds} rounds", file=sys.stderr)
        rows += ours(recording, question, arguments.trials, seconds, rng)
        others += theirs(recording, max(arguments.trials // 10, 100), arguments.rival_pairs, rng)
    print_ours(rows)
    print_theirs(others)
    if arguments.json:
        text = json.dumps({"ours": [asdict(row) for row in rows], "others": others}, indent=1)
        arguments.json.write_text(text)
    if arguments.figure:
        from benchmarks.detection.figure import draw_figure

        draw_figure(rows, others, arguments.figure)


def ours(
    recording: Recording,
    question: Question,
    trials: int,
    seconds: float,
    rng: np.random.Generator,
) -> list[Row]:
    """Neuralake's verdicts: nothing slowed down, everything, one query in turn.

    Nothing is slowed down in units drawn at random, and once more in units as they followed one
    another, with the drift of the machine in them.
    """
    count = len(recording.queries)
    units = MORE_UNITS * recording.units_within(seconds)
    rows = []
    for where, slowdown in [
        ("nothing", 0.0),
        (IN_ORDER, 0.0),
        *(("all", s) for s in SLOWDOWNS),
        *(("one query", s) for s in SLOWDOWNS),
    ]:
        if where != "one query":
            drawn = draw(recording, trials, units, rng, in_order=where == IN_ORDER)
            change = np.full(count, math.log1p(slowdown))
            slowed = np.full((trials, count), where == "all")
            outcome = carry_out(recording, drawn, change, question, seconds)
            rows.append(_row(recording, where, slowdown, outcome, slowed, question))
        else:
            found = []
            for query in range(count):
                part = draw(recording, max(trials // count, 50), units, rng)
                one = np.zeros(count)
                one[query] = math.log1p(slowdown)
                outcome = carry_out(recording, part, one, question, seconds)
                mask = np.zeros(outcome.queries.shape, dtype=bool)
                mask[:, query] = True
                found.append(_row(recording, where, slowdown, outcome, mask, question))
            rows.append(_mean(found))
        print(f"{recording.name}: {where} {slowdown:.0%}", file=sys.stderr)
    return rows


def _row(
    recording: Recording,
    where: str,
    slowdown: float,
    outcome: Outcome,
    slowed: npt.NDArray[np.bool_],
    question: Question,
) -> Row:
    logs = list(recording.log_ratios())
    query_sd = np.sqrt(np.mean(query_units(logs).values ** 2, axis=0))
    suite_sd = float(np.sqrt(np.mean(suite_units(logs).values ** 2)))
    design = question.query_design(len(recording.queries))
    fixed = np.array([fixed_pairs(float(sd), design, recording.rounds) for sd in query_sd])
    changed = slowed if slowed.any() else np.ones_like(slowed)
    if slowed.any():
        suite, queries = outcome.suite > 0, outcome.queries > 0
    else:
        suite, queries = np.abs(outcome.suite) > 0, np.abs(outcome.queries) > 0
    alarms = np.abs(np.nan_to_num(outcome.queries)) > 0
    ratio_error = np.expm1(outcome.query_errors)
    return Row(
        recording=recording.name,
        where=where,
        slowdown=slowdown,
        suite=float(suite.mean()),
        queries=float(queries[changed].mean()),
        any_alarm=float((alarms.any(axis=1) | (np.abs(np.nan_to_num(outcome.suite)) > 0)).mean()),
        suite_inconclusive=float(np.isnan(outcome.suite).mean()),
        query_inconclusive=float(np.isnan(outcome.queries[changed]).mean()),
        suite_pairs=float(outcome.suite_pairs.mean()),
        suite_fixed=fixed_pairs(suite_sd, question.suite_design(), recording.rounds),
        query_pairs=float(outcome.query_pairs[changed].mean()),
        query_fixed=float(np.broadcast_to(fixed, slowed.shape)[changed].mean()),
        suite_coverage=float(outcome.suite_covered.mean()),
        query_coverage=float(outcome.queries_covered.mean()),
        suite_bias=float(np.expm1(outcome.suite_error).mean()),
        query_bias=float(ratio_error[changed].mean()),
    )


def _mean(rows: list[Row]) -> Row:
    first = asdict(rows[0])
    numbers = {
        name: float(np.mean([getattr(row, name) for row in rows]))
        for name, value in first.items()
        if isinstance(value, float)
    }
    return Row(**{**first, **numbers})


def theirs(
    recording: Recording, trials: int, pairs: int, rng: np.random.Generator
) -> list[dict[str, object]]:
    """What the others' rules say of the same samples, interleaved and in two blocks."""
    found: list[dict[str, object]] = []
    units = -(-pairs // recording.rounds)
    available = recording.base_s.shape[0]
    for layout in ("interleaved", "two blocks"):
        samples = []
        for _ in range(trials):
            if layout == "interleaved":
                chosen = rng.integers(0, available, units)
                base, candidate = recording.base_s[chosen], recording.candidate_s[chosen]
            else:  # one arm, and then the other, as two commits are usually measured
                start = int(rng.integers(0, max(available - 2 * units, 1)))
                base = recording.base_s[start : start + units]
                candidate = recording.base_s[start + units : start + 2 * units]
                if len(candidate) < units:
                    continue
            samples.append(tuple(x.reshape(-1, x.shape[2])[:pairs] for x in (base, candidate)))
        if not samples:
            continue
        for name, rule in rules().items():
            for slowdown in (0.0, *SLOWDOWNS):
                flags = np.array(
                    [
                        [
                            rule(base[:, q], candidate[:, q] * (1 + slowdown))
                            for q in range(base.shape[1])
                        ]
                        for base, candidate in samples
                    ]
                )
                found.append(
                    {
                        "recording": recording.name,
                        "rule": name,
                        "layout": layout,
                        "slowdown": slowdown,
                        "pairs": pairs,
                        "queries": float(flags.mean()),
                        "any": float(flags.any(axis=1).mean()),
                    }
                )
    return found


def print_ours(rows: list[Row]) -> None:
    """Neuralake's table."""
    print(
        f"{'recording':<24}{'slowed down':<18}{'suite':>8}{'query':>8}{'any':>8}{'s.inc':>7}"
        f"{'q.inc':>7}{'s.pairs/fixed':>16}{'q.pairs/fixed':>16}{'s.cov':>7}{'q.cov':>7}"
        f"{'s.bias':>9}{'q.bias':>9}"
    )
    for r in rows:
        print(
            f"{r.recording:<24}{r.where + f' {r.slowdown:.0%}':<18}{r.suite:>8.4f}"
            f"{r.queries:>8.4f}{r.any_alarm:>8.4f}{r.suite_inconclusive:>7.3f}"
            f"{r.query_inconclusive:>7.3f}{f'{r.suite_pairs:.0f}/{r.suite_fixed:.0f}':>16}"
            f"{f'{r.query_pairs:.0f}/{r.query_fixed:.0f}':>16}{r.suite_coverage:>7.3f}"
            f"{r.query_coverage:>7.3f}{r.suite_bias:>9.3%}{r.query_bias:>9.3%}"
        )


def print_theirs(rows: list[dict[str, object]]) -> None:
    """The others' table."""
    columns = (0.0, *SLOWDOWNS)
    print(
        f"\n{'rule':<30}{'recording':<24}{'layout':<13}"
        + "".join(f"{c:>8.0%}" for c in columns)
        + f"{'any at 0 %':>12}"
    )
    groups: dict[tuple[str, str, str], dict[float, dict[str, object]]] = {}
    for row in rows:
        key = (str(row["rule"]), str(row["recording"]), str(row["layout"]))
        groups.setdefault(key, {})[float(str(row["slowdown"]))] = row
    for (rule, recording, layout), by in groups.items():
        shares = "".join(f"{float(str(by[c]['queries'])):>8.4f}" for c in columns)
        print(f"{rule:<30}{recording:<24}{layout:<13}{shares}{float(str(by[0.0]['any'])):>12.3f}")


if __name__ == "__main__":
    main()
