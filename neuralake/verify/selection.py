"""Which checks are made, by their names."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from neuralake.errors import ConfigError, did_you_mean

# The first part of every name, in the order in which they are made
ROOMS = (
    *("settings", "storage", "catalog", "table", "engine", "rows", "primary_key", "foreign_key"),
    *("promise", "api", "kafka"),
)


@dataclass(frozen=True)
class Selection:
    """Patterns of the checks to make, and of those to leave out.

    A pattern is a name, the beginning of one up to a point (``storage``, ``rows.shop``), or has
    ``*`` and ``?`` in it.

    Attributes
    ----------
    only
        Those to make; all if empty.
    skip
        Those of them to leave out.

    Raises
    ------
    ConfigError
        If a pattern is of no kind of check.
    """

    only: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for pattern in (*self.only, *self.skip):
            room = pattern.partition(".")[0]
            if not any(fnmatchcase(known, room) for known in ROOMS):
                raise ConfigError(
                    f"no check is called {pattern!r}: expected one of {', '.join(ROOMS)}, alone or "
                    f"with more of its name, such as storage.clock{did_you_mean(room, ROOMS)}"
                )

    def has(self, name: str) -> bool:
        """Whether a check is made."""
        chosen = not self.only or any(_fits(pattern, name) for pattern in self.only)
        return chosen and not any(_fits(pattern, name) for pattern in self.skip)

    def require_all(self, names: Sequence[str]) -> None:
        """Refuse a pattern that is of none of the checks that there are.

        Raises
        ------
        ConfigError
            Naming the pattern, and checks of its room.
        """
        for pattern in (*self.only, *self.skip):
            if not any(_fits(pattern, name) for name in names):
                raise ConfigError(
                    f"no check is called {pattern!r}: there are {', '.join(_like(pattern, names))}"
                    f"{did_you_mean(pattern, names)}"
                )


def _fits(pattern: str, name: str) -> bool:
    return fnmatchcase(name, pattern) or fnmatchcase(name, f"{pattern}.*")


def _like(pattern: str, names: Iterable[str]) -> list[str]:
    room = pattern.partition(".")[0]
    found = list(names)
    return [name for name in found if name.partition(".")[0] == room] or found
