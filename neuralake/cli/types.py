"""Values of options, each refused in words that say what would be right."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

_MOST = 1_000_000


class Whole(click.ParamType[int]):
    """A whole number from ``least`` to ``most``; whoever has his own words leaves them out."""

    name = "whole number"

    def __init__(self, least: int | None = None, most: int = _MOST) -> None:
        self._least, self._most = least, most

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The number of a text."""
        try:
            number = int(value)
        except ValueError:
            if self._least is None:
                self.fail(f"{value!s:.40} is no whole number: expected one such as 1", param, ctx)
            number = self._least - 1
        if self._least is not None and not self._least <= number <= self._most:
            self.fail(
                f"{value!s:.40} is no whole number from {self._least} to {self._most}", param, ctx
            )
        return number


class Number(click.ParamType[float]):
    """A number from ``least`` to ``most``; whoever has a message of his own leaves them out."""

    name = "number"

    def __init__(self, least: float | None = None, most: float | None = None) -> None:
        self._bounds = None if least is None or most is None else (least, most)

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """The number of a text."""
        expected = (
            "such as 0.01" if self._bounds is None else "from {:g} to {:g}".format(*self._bounds)
        )
        try:
            number = float(value)
        except ValueError:
            self.fail(f"{value!r} is no number: expected one {expected}", param, ctx)
        if self._bounds is not None and not self._bounds[0] <= number <= self._bounds[1]:
            self.fail(f"{value} is out of range: expected a number {expected}", param, ctx)
        return number


class Text(click.ParamType[str]):
    """A text that says something: a shell makes an empty one of a variable that is not set."""

    name = "text"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The text."""
        if not str(value).strip():
            self.fail(_empty(param), param, ctx)
        return str(value)


class Place(click.ParamType[Path]):
    """A path, which an empty text is not: it would be the working directory."""

    name = "path"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """The path, from the home directory where it begins with ``~``."""
        return Path(_placed(value, param, ctx))


class Location(click.ParamType[str]):
    """A path, or what else may stand in its place: a URI, a module, the id of a run."""

    name = "location"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The text, from the home directory where it begins with ``~``."""
        return _placed(value, param, ctx)


def _placed(value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
    from neuralake.config import expanded

    if not str(value).strip():
        raise click.BadParameter(_empty(param), ctx, param)
    return expanded(str(value))


def _empty(param: click.Parameter | None) -> str:
    metavar = param.metavar if param is not None and param.metavar else "a value"
    return f"it is empty: expected {metavar}"
