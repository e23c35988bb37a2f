"""Results of airspeed velocity: ``benchmarks.json`` and ``<machine>/<commit>-<environment>.json``.

The format is that of asv 0.6, version 2 (``asv/results.py`` and ``asv/benchmarks.py``).
"""

from __future__ import annotations

import hashlib
import itertools
import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from neuralake.errors import HistoryError
from neuralake.history.records import Key, Measurement, Omission
from neuralake.stats.summary import Interval, median_interval

FORMAT_VERSION = 2
BENCHMARKS = "benchmarks.json"
MACHINE = "machine.json"
_ASV_CONFIDENCE = 0.99

_T = TypeVar("_T")


@dataclass(frozen=True)
class _Benchmark:
    """What ``benchmarks.json`` says of a benchmark, as far as it is needed."""

    name: str
    version: str
    unit: str = "unit"
    param_names: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _File:
    """A result file, as far as it is needed."""

    commit_hash: str
    params: dict[str, Any]
    python: str
    requirements: dict[str, str | None]
    result_columns: list[str]
    results: dict[str, list[Any]]
    env_vars: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class _Row:
    """Results of one benchmark, one entry a combination of its parameters."""

    params: list[list[str]]
    result: list[float | None] | None = None
    version: str | None = None
    samples: list[list[float] | None] | None = None
    stats_ci_99_a: list[float | None] | None = None
    stats_ci_99_b: list[float | None] | None = None


def read_asv(directory: Path) -> tuple[list[Measurement], list[Omission]]:
    """Read all results of all machines; a file that cannot be read is left out, and told.

    Parameters
    ----------
    directory
        asv's ``results_dir``.

    Raises
    ------
    HistoryError
        If what says which benchmarks there are cannot be read, is corrupt, or is of another version
        of the format.
    """
    document = _load(directory / BENCHMARKS)
    benchmarks = {
        name: _convert(value, _Benchmark, directory / BENCHMARKS)
        for name, value in document.items()
        if name != "version"
    }
    measurements: list[Measurement] = []
    omitted: Counter[str] = Counter()
    for path in _result_files(directory):
        try:
            found, left_out = _read_file(path, benchmarks)
        except HistoryError as error:
            found, left_out = [], Counter([f"file: {error}"])
        measurements += found
        omitted += left_out
    return measurements, [Omission(reason, count) for reason, count in omitted.items()]


def _read_file(
    path: Path, benchmarks: Mapping[str, _Benchmark]
) -> tuple[list[Measurement], Counter[str]]:
    """The values in a file, and why how many are left out; ``HistoryError`` if it is none."""
    file = _convert(_load(path), _File, path)
    measurements: list[Measurement] = []
    omitted: Counter[str] = Counter()
    for name, values in file.results.items():
        benchmark = benchmarks.get(name)
        if benchmark is None:
            omitted[f"results of {name}, which {BENCHMARKS} does not know"] += 1
            continue
        named = dict(zip(file.result_columns, values, strict=False))
        row = _convert(named, _Row, path)
        if row.version != benchmark.version:
            omitted[f"results of {name} as it was before its code changed"] += 1
            continue
        found, failed = _row_measurements(file, benchmark, row)
        measurements += found
        if failed:
            omitted[f"values of {name} that failed or were skipped"] += failed
    return measurements, omitted


def _result_files(directory: Path) -> Iterator[Path]:
    """Result files of every directory that is a machine's."""
    try:
        for machine in sorted(path.parent for path in directory.glob(f"*/{MACHINE}")):
            yield from sorted(p for p in machine.glob("*.json") if p.name != MACHINE)
    except OSError as error:
        raise HistoryError(f"{directory} cannot be read: {error.strerror}") from error


def _load(path: Path) -> dict[str, Any]:
    """A JSON document of the version that is known; asv writes NaN and Infinity into it."""
    try:
        document = json.loads(path.read_bytes())
    except OSError as error:
        raise HistoryError(f"asv results {path} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise HistoryError(f"asv results {path} are corrupt: {error}") from error
    if not isinstance(document, dict):
        raise HistoryError(f"asv results {path} are corrupt: expected an object")
    version = document.get("version")
    if version != FORMAT_VERSION:
        raise HistoryError(
            f"asv results {path} have format version {version}: this Neuralake reads "
            f"{FORMAT_VERSION}, which asv 0.6 writes (asv update converts older ones)"
        )
    return document


def _convert(value: Any, kind: type[_T], path: Path) -> _T:
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise HistoryError(f"asv results {path} are corrupt: {error}") from error


def _row_measurements(
    file: _File, benchmark: _Benchmark, row: _Row
) -> tuple[list[Measurement], int]:
    """The values of a row, and how many of its places have none."""
    found: list[Measurement] = []
    results = row.result or [None]
    for index, (value, combination) in enumerate(
        zip(results, itertools.product(*row.params), strict=False)
    ):
        if value is None or not math.isfinite(value) or value <= 0:
            continue
        samples = tuple(s for s in _at(row.samples, index) or () if math.isfinite(s) and s > 0)
        found.append(
            Measurement(
                key=_key(file, benchmark, combination),
                commit=file.commit_hash,
                value=value,
                interval=_interval(row, index, value, samples),
                samples=samples,
                unit=benchmark.unit,
            )
        )
    return found, len(results) - len(found)


def _key(file: _File, benchmark: _Benchmark, combination: Sequence[str]) -> Key:
    names = [*benchmark.param_names, *("" for _ in combination)]
    values = {name: value.strip("'\"") for name, value in zip(names, combination, strict=False)}
    engine, query = values.pop("engine", None), values.pop("query", None)
    return Key(
        benchmark=benchmark.name,
        engine=engine,
        query=query,
        parameters=tuple(f"{name}={value}" for name, value in values.items()),
        machine=str(file.params.get("machine") or "unknown"),
        environment=_environment(file),
        definition=hashlib.sha256(benchmark.version.encode()).hexdigest()[:8],
    )


def _environment(file: _File) -> str:
    packages: Mapping[str, str | None] = file.requirements
    required = [f"{name.removeprefix('pip+')} {number or ''}" for name, number in packages.items()]
    variables = [f"{name}={value}" for name, value in file.env_vars.items()]
    said = [f"Python {file.python}", *sorted(required), *sorted(variables)]
    return ", ".join(part.strip() for part in said)


def _interval(row: _Row, index: int, value: float, samples: tuple[float, ...]) -> Interval | None:
    if len(samples) > 1:
        return median_interval(samples)
    low, high = _at(row.stats_ci_99_a, index), _at(row.stats_ci_99_b, index)
    if low is None or high is None or not (0 < low <= high < math.inf):
        return None
    return Interval(value, low, high, _ASV_CONFIDENCE)


def _at(values: Sequence[_T | None] | None, index: int) -> _T | None:
    """An entry of a list that asv may have cut short, or left out."""
    return values[index] if values is not None and index < len(values) else None
