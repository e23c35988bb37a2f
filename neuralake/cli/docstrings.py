"""The help of commands where Python has left docstrings out: ``PYTHONOPTIMIZE=2``."""

from __future__ import annotations

import sys

import click

_WITHOUT_DOCSTRINGS = 2


def restore_help(command: click.Command) -> None:
    """Give a command the docstring of its function as its help, as it stands in the source."""
    if sys.flags.optimize < _WITHOUT_DOCSTRINGS or command.callback is None or command.help:
        return
    import ast
    import inspect
    import textwrap

    try:
        source = ast.parse(textwrap.dedent(inspect.getsource(command.callback)))
    except OSError:  # an installation of bytecode alone: then there is none
        return
    function = source.body[0]
    if isinstance(function, ast.FunctionDef):
        command.help = ast.get_docstring(function)
