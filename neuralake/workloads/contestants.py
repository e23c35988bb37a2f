"""What is measured side by side, by the name that a command knows it by."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from neuralake.errors import did_you_mean


def contestant_class(
    name: str, classes: Mapping[str, str], failure: Callable[[str], Exception]
) -> Any:
    """The class of a contestant, whose module is imported only now.

    Parameters
    ----------
    name
        As somebody wrote it.
    classes
        ``module:class`` by name.
    failure
        Makes what is raised of a message.

    Raises
    ------
    Exception
        By ``failure``, if there is none of that name.
    """
    if name not in classes:
        raise failure(
            f"unknown contestant {name!r}: expected one of {', '.join(classes)}"
            f"{did_you_mean(name, classes)}"
        )
    module, _, attribute = classes[name].partition(":")
    return getattr(import_module(module), attribute)
