"""The commands by their names, each loaded when it is asked for: a command starts without the rest.

Who lists them, as the help does, has all of them loaded.
"""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from importlib import import_module

import click

from neuralake.cli.context import checked

# Which file of this directory has it, as an attribute of its name
_FILES = {
    "bench": "bench",
    "calibrate": "compare",
    "catalog": "listing",
    "compare": "compare",
    "engines": "listing",
    "freshness": "freshness",
    "generate": "generate",
    "history": "history",
    "ingest": "ingest",
    "lifecycle": "lifecycle",
    "pipeline": "pipeline",
    "query": "query",
    "report": "results",
    "results": "results",
    "serve": "serve",
    "serving": "serving",
    "shell": "shell",
    "streams": "streams",
    "tpch": "tpch",
    "verify": "verify",
    "writer": "writer",
}


class Commands(MutableMapping[str, click.Command]):
    """What a group of click's has for its commands; each checks the environment first."""

    def __init__(self) -> None:
        self._commands: dict[str, click.Command | None] = dict.fromkeys(_FILES)

    def __getitem__(self, name: str) -> click.Command:
        command = self._commands[name]
        if command is None:
            module = import_module(f"neuralake.cli.{_FILES[name]}")
            command = self._commands[name] = checked(getattr(module, name))
        return command

    def __setitem__(self, name: str, command: click.Command) -> None:
        self._commands[name] = command

    def __delitem__(self, name: str) -> None:
        del self._commands[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._commands)

    def __len__(self) -> int:
        return len(self._commands)

    def __contains__(self, name: object) -> bool:
        return name in self._commands
