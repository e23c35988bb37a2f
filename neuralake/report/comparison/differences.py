"""What differs between two arms: the first thing that a reader of a verdict asks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from neuralake.report.numbers import NONE
from neuralake.report.text import one_line, short
from neuralake.results.comparison import SIDES, ArmRecord, Comparison, EngineComparison

COMMIT_CHARACTERS = 10
_MOST_NAMED = 5


@dataclass(frozen=True)
class Difference:
    """A named value in both arms, which may lack it.

    Attributes
    ----------
    name
        Of a package, a setting, an option.
    base, candidate
        Its values.
    """

    name: str
    base: str | None
    candidate: str | None

    def __str__(self) -> str:
        """``polars 2.0.0 → 2.1.0``."""
        return f"{self.name} {self.base or NONE} → {self.candidate or NONE}"


def commit(arm: ArmRecord) -> str:
    """The commit, abbreviated; empty for what was installed here."""
    return (arm.commit or "")[:COMMIT_CHARACTERS]


def arm_line(arm: ArmRecord) -> str:
    """``main: 0123456789 Add a filter, with polars==2.1.0, polars:streaming=true``."""
    extra = [*arm.requirements, *arm.options]
    added = f", with {', '.join(map(one_line, extra))}" if extra else ""
    what = f"{commit(arm)} {one_line(arm.subject)}".strip()
    return f"{one_line(arm.text)}: {what}{added}"


def packages(comparison: Comparison, *, every: bool = False) -> tuple[Difference, ...]:
    """Packages whose versions differ, or every one, by name."""
    return _differences(comparison.base.packages, comparison.candidate.packages, every)


def settings(engine: EngineComparison, *, every: bool = False) -> tuple[Difference, ...]:
    """Versions and settings of an engine that differ between the arms, or every one."""
    found: list[Difference] = []
    for kind, prefix in ((engine.versions, "version of "), (engine.settings, "")):
        base, candidate = (
            {f"{prefix}{name}": str(value) for name, value in kind.get(side, {}).items()}
            for side in SIDES
        )
        found += _differences(base, candidate, every)
    return tuple(found)


def arms(comparison: Comparison) -> tuple[Difference, ...]:
    """Everything that says what the arms are, the same or not."""
    base, candidate = comparison.base, comparison.candidate

    def both(name: str, *values: str) -> Difference:
        return Difference(name, *(value or None for value in values))

    return (
        both("as asked for", base.text, candidate.text),
        both("commit", commit(base), commit(candidate)),
        both("subject", base.subject, candidate.subject),
        both("requirements", ", ".join(base.requirements), ", ".join(candidate.requirements)),
        both("options", ", ".join(base.options), ", ".join(candidate.options)),
    )


def difference_line(comparison: Comparison) -> str:
    """In one sentence all that differs between the arms: commit, packages, options."""
    found = list(_named(comparison))
    if not found:
        return "The arms do not differ: one commit, one set of packages, one set of options."
    return f"The arms differ in: {'; '.join(found)}."


def _named(comparison: Comparison) -> Iterator[str]:
    base, candidate = comparison.base, comparison.candidate
    if base.commit != candidate.commit:
        subject = f" ({short(candidate.subject, 72)})" if candidate.subject else ""
        yield f"commit {commit(base) or NONE} → {commit(candidate) or NONE}{subject}"
    changed = [str(package) for package in packages(comparison)]
    yield from changed[:_MOST_NAMED]
    if len(changed) > _MOST_NAMED:
        yield f"{len(changed) - _MOST_NAMED} more packages"
    if base.options != candidate.options:
        options = [" ".join(arm.options) or "none" for arm in (base, candidate)]
        yield f"options {options[0]} → {options[1]}"


def _differences(
    base: Mapping[str, str], candidate: Mapping[str, str], every: bool
) -> tuple[Difference, ...]:
    return tuple(
        Difference(name, base.get(name), candidate.get(name))
        for name in sorted(base.keys() | candidate.keys())
        if every or base.get(name) != candidate.get(name)
    )
