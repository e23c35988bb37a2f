"""Profiles of counted executions: instructions by function, and which functions took more of them.

A profile is a file of Valgrind's callgrind, one for each counted execution, which KCachegrind opens
too (Callgrind Format Specification, Valgrind manual, "cl-format").
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from tempfile import TemporaryFile

from neuralake.errors import ResultsError
from neuralake.results.names import file_stem

EVENT = "Ir"
_NAMED = re.compile(r"\((\d+)\)(?: (.*))?")
# What a compiler or Valgrind adds to a name: the clone, the depth of recursion, a crate's hash
_ADDED = re.compile(r"( \[clone [^]]*\])+$|'\d+$|::h[0-9a-f]{16}$")
_ADDRESS = re.compile(r"0x[0-9a-fA-F]+")


@dataclass(frozen=True)
class Growth:
    """One function in both arms.

    Attributes
    ----------
    function
        Its name, demangled; functions without one are together those of their file.
    base, candidate
        Instructions of its own in an execution on average, without what it calls.
    share
        What it grew by, as a fraction of all instructions of the base; below 0 if it shrank.
    """

    function: str
    base: float
    candidate: float
    share: float


def profile_path(directory: Path, engine: str, query: str, side: str) -> Path:
    """File of the profile of a query in an arm, by a name that KCachegrind looks for."""
    return directory / f"callgrind.out.{file_stem(engine, query)}-{side}"


def require_place(directory: Path) -> None:
    """Make a directory for profiles, if there is none.

    Raises
    ------
    ResultsError
        If nothing can be written there.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=directory):
            pass
    except OSError as error:
        raise ResultsError(
            f"profiles cannot be kept in {directory}: {error.strerror}; expected a directory that "
            "can be written"
        ) from error


def remove_profiles(
    directory: Path, engine: str, queries: Iterable[str], sides: Iterable[str]
) -> None:
    """Remove what an earlier comparison has left under the names of this one.

    A query that fails now has no profile, and would be taken to have that one.

    Raises
    ------
    ResultsError
        If it stays.
    """
    for query, side in product(queries, sides):
        path = profile_path(directory, engine, query, side)
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise ResultsError(f"{path} cannot be removed: {error.strerror}") from error


def read_profile(path: Path) -> Counter[str]:
    """Instructions of each function itself, without those of what it calls.

    Raises
    ------
    ResultsError
        If it cannot be read, or is no profile with instructions.
    """
    try:
        with path.open(errors="replace") as lines:
            return _own_instructions(lines, path)
    except OSError as error:
        raise ResultsError(f"profile {path} cannot be read: {error.strerror}") from error


def grown(
    base: Sequence[Mapping[str, int]], candidate: Sequence[Mapping[str, int]], most: int = 10
) -> tuple[Growth, ...]:
    """The functions whose instructions changed most, those that grew first.

    Parameters
    ----------
    base, candidate
        Profiles of executions of the same query, one or more each.
    most
        How many functions at most.
    """
    before, after = _mean(base), _mean(candidate)
    total = sum(before.values()) or 1.0
    found = (
        Growth(name, before.get(name, 0.0), after.get(name, 0.0), change / total)
        for name in before.keys() | after.keys()
        if (change := after.get(name, 0.0) - before.get(name, 0.0))
    )
    greatest = sorted(found, key=lambda g: (-abs(g.share), g.function))[:most]
    return tuple(sorted(greatest, key=lambda g: (-g.share, g.function)))


def _mean(profiles: Sequence[Mapping[str, int]]) -> dict[str, float]:
    totals: Counter[str] = Counter()
    for profile in profiles:
        totals.update(profile)
    return {name: count / len(profiles) for name, count in totals.items()}


def _own_instructions(lines: Iterable[str], path: Path) -> Counter[str]:
    reader = _Reader()
    for line in lines:
        reader.take(line)
    if reader.events is None:
        raise ResultsError(f"{path} is no profile: expected a file of callgrind's")
    if EVENT not in reader.events:
        raise ResultsError(f"profile {path} has no instructions: expected the event {EVENT}")
    return reader.found


@dataclass
class _Reader:
    """What was read so far: where the file is, and the instructions found."""

    found: Counter[str] = field(default_factory=Counter)
    events: list[str] | None = None
    positions: int = 1
    function: str = ""
    program: str = ""
    is_called: bool = False
    functions: dict[str, str] = field(default_factory=dict)
    programs: dict[str, str] = field(default_factory=dict)

    def take(self, line: str) -> None:
        """Read one line."""
        key, equals, value = line.rstrip("\n").partition("=")
        if equals:
            self._take_name(key, value)
        elif line[:1] in "0123456789+-*":
            if not self.is_called:
                self._take_costs(line.split())
            self.is_called = False
        elif line.startswith("events:"):
            self.events = line.split()[1:]
        elif line.startswith("positions:"):
            self.positions = len(line.split()) - 1

    def _take_name(self, key: str, value: str) -> None:
        match key:
            case "fn":
                self.function = _name(self.functions, value)
            case "cfn":  # it may be written out here for the first time
                _name(self.functions, value)
            case "ob":
                self.program = _name(self.programs, value)
            case "cob":
                _name(self.programs, value)
            case "calls":
                self.is_called = True  # the next line is what was called, and all that it called

    def _take_costs(self, words: list[str]) -> None:
        if self.events is None or EVENT not in self.events:
            return
        costs = words[self.positions :]
        column = self.events.index(EVENT)
        if len(costs) > column:  # zeros at the end of a line are left out
            self.found[_shown(self.function, self.program)] += int(costs[column])


def _name(known: dict[str, str], value: str) -> str:
    """A name, which a file writes out once and then tells by its number."""
    match = _NAMED.fullmatch(value)
    if match is None:
        return value
    number, name = match.groups()
    if name is not None:
        known[number] = name
    return known.get(number, value)


def _shown(function: str, program: str) -> str:
    if _ADDRESS.match(function):
        return f"without a name in {Path(program).name}"
    while (plain := _ADDED.sub("", function)) != function:
        function = plain
    return function
