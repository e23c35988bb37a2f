"""Lists that people write: names with commas between them, each of them once."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable


def names_in(text: str) -> list[str]:
    """The names in a list such as ``a,b``."""
    return [name.strip() for name in text.split(",")]


def require_once(names: Iterable[Hashable], what: str, failure: Callable[[str], Exception]) -> None:
    """Refuse a list that names something twice: nobody can tell what that was to mean.

    Parameters
    ----------
    names
        What the list names, however it was spelled.
    what
        What each of them is, for the message.
    failure
        Makes what is raised of a message.

    Raises
    ------
    Exception
        By ``failure``, of the first that is there already.
    """
    seen = set()
    for name in names:
        if name in seen:
            raise failure(f"{what} {name} is named twice: expected each once")
        seen.add(name)
