"""A catalog at hand in IPython; a notebook has its completions by ``%load_ext neuralake.shell``."""

from __future__ import annotations

from typing import Any


def load_ipython_extension(shell: Any) -> None:
    """Complete tables, columns and engines in queries, and tell mistakes in a line.

    Parameters
    ----------
    shell
        IPython's, which calls this.
    """
    from neuralake.shell.extension import load

    load(shell)
