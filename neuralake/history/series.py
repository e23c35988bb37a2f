"""Series in the order of the commits, made of all that was measured."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from neuralake.errors import HistoryError
from neuralake.history.anchor import against_anchors, anchor_of
from neuralake.history.asv import BENCHMARKS, read_asv
from neuralake.history.commits import Line, why_absent
from neuralake.history.direction import TIMES, is_higher_better
from neuralake.history.records import Key, Measurement, Omission, Point, Series
from neuralake.history.runs import read_runs
from neuralake.results.store import RunStore


@dataclass(frozen=True)
class Chosen:
    """What the user wants to see.

    Attributes
    ----------
    benchmark
        Pattern of names, with ``*`` and ``?``; None is all.
    engine
        Name; None is all.
    """

    benchmark: str | None = None
    engine: str | None = None


def read_measurements(root: Path) -> tuple[list[Measurement], list[Omission]]:
    """Read ``asv/`` and ``runs/`` of a results root, or asv's own directory.

    Raises
    ------
    HistoryError
        If there is nothing to read, or nothing that can be.
    """
    own = (root / BENCHMARKS).is_file()
    directory, store = (root if own else root / "asv"), RunStore(root)
    measurements: list[Measurement] = []
    omissions: list[Omission] = []
    has_asv, has_runs = own or (directory / BENCHMARKS).is_file(), not own and bool(store.ids())
    if not has_asv and not has_runs:
        raise HistoryError(
            f"no results in {root}: expected asv/{BENCHMARKS}, which asv run makes, or "
            "runs/, which neuralake bench makes"
        )
    for found, left_out in (
        *([read_asv(directory)] if has_asv else []),
        *([read_runs(store)] if has_runs else []),
    ):
        measurements += found
        omissions += left_out
    if not measurements:
        said = _in_words(omissions) or "everything failed, or nothing was run yet"
        raise HistoryError(f"the results hold no value: {said}")
    return measurements, omissions


def _in_words(omissions: Sequence[Omission]) -> str:
    return "; ".join(f"{o.count} {o.reason}" for o in omissions)


def make_series(
    measurements: Sequence[Measurement], line: Line, chosen: Chosen
) -> tuple[list[Series], list[Omission]]:
    """Choose, divide by anchors, and put in the order of the commits.

    Raises
    ------
    HistoryError
        If nothing is left of what was chosen.
    """
    wanted = _choose(measurements, chosen)
    wanted, repeated = _without_repeated(wanted)
    wanted, restated = _without_restated(wanted)
    wanted, ratios, no_anchor = against_anchors(wanted)
    placed: defaultdict[Key, dict[str, Measurement]] = defaultdict(dict)
    strangers: Counter[str] = Counter()
    for measurement in wanted:
        if measurement.commit in line.by_hash:
            placed[measurement.key][measurement.commit] = measurement
        else:
            strangers[measurement.commit] += 1
    reasons: Counter[str] = Counter()
    for name, why in why_absent(line, strangers).items():
        reasons[f"values at commits {why}"] += strangers[name]
    omissions = [*repeated, *restated, *no_anchor, *(Omission(r, n) for r, n in reasons.items())]
    series = [_series(key, placed[key], line, ratios.get(key)) for key in sorted(placed)]
    if not series:
        said = _in_words(omissions) or "no value was measured"
        raise HistoryError(f"no value is left to analyse at the commits of HEAD: {said}")
    return series, omissions


def _series(key: Key, by_commit: dict[str, Measurement], line: Line, anchor: str | None) -> Series:
    ordered = sorted(by_commit.values(), key=lambda m: line.by_hash[m.commit].position)
    points = tuple(
        Point(
            line.by_hash[m.commit],
            m.value,
            m.interval.low if m.interval else None,
            m.interval.high if m.interval else None,
        )
        for m in ordered
    )
    unit = ordered[-1].unit
    higher = is_higher_better(unit, key.benchmark) if anchor is None else False
    return Series(key, unit, higher, anchor, points)


def _choose(measurements: Sequence[Measurement], chosen: Chosen) -> list[Measurement]:
    known = frozenset(m.key.benchmark for m in measurements)
    pattern = chosen.benchmark or "*"
    names = {name for name in known if fnmatchcase(name, pattern)}
    if not names:
        listed = ", ".join(sorted(known)[:5]) or "none"
        raise HistoryError(f"no benchmark matches {pattern!r}: there are {listed}")
    engines = {m.key.engine for m in measurements if m.key.engine}
    if chosen.engine is not None and chosen.engine not in engines:
        listed = ", ".join(sorted(engines)) or "none"
        raise HistoryError(f"nothing was measured on engine {chosen.engine!r}: there are {listed}")
    names |= {anchor for name in names if (anchor := anchor_of(name, known))}
    return [
        m
        for m in measurements
        if m.key.benchmark in names and chosen.engine in (None, m.key.engine)
    ]


def _without_repeated(
    measurements: Sequence[Measurement],
) -> tuple[list[Measurement], list[Omission]]:
    """Drop what is told again of a key and commit: results that lie in two directories."""
    seen: set[tuple[Key, str]] = set()
    kept, dropped = [], Counter[str]()
    for measurement in measurements:
        place = measurement.key, measurement.commit
        if place in seen:
            name = measurement.key.benchmark
            dropped[f"values of {name} at a commit of which another file tells it, too"] += 1
        else:
            kept.append(measurement)
        seen.add(place)
    return kept, [Omission(reason, count) for reason, count in dropped.items()]


def _without_restated(
    measurements: Sequence[Measurement],
) -> tuple[list[Measurement], list[Omission]]:
    """Drop rates whose class also has the times that they are made of.

    Both are one measurement: judging it twice doubles every false alarm, and only the times have
    an anchor.
    """
    timed = {_owner(m.key) for m in measurements if m.unit in TIMES}
    kept, dropped = [], Counter[str]()
    for measurement in measurements:
        name = measurement.key.benchmark
        if is_higher_better(measurement.unit, name) and _owner(measurement.key) in timed:
            dropped[f"values of {name}, which restates the times of {_owner(measurement.key)}"] += 1
        else:
            kept.append(measurement)
    return kept, [Omission(reason, count) for reason, count in dropped.items()]


def _owner(key: Key) -> str:
    return key.benchmark.rpartition(".")[0] or key.benchmark
