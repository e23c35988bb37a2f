"""Whether what is printed has colours."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import Any


def console_options(
    *, stderr: bool = False, environ: Mapping[str, str] = os.environ
) -> dict[str, Any]:
    """Options of a console of rich: never a colour with ``NO_COLOR``, and elsewhere as rich does.

    ``FORCE_COLOR`` and its like, by which rich takes a file for a terminal, come after it.

    Parameters
    ----------
    stderr
        Whether it prints on standard error, and not on standard output.
    environ
        Where the variable is looked up.
    """
    options = {"stderr": stderr, "highlight": False}
    if environ.get("NO_COLOR"):
        stream = sys.stderr if stderr else sys.stdout
        options |= {"no_color": True, "force_terminal": stream is not None and stream.isatty()}
    return options
