"""The command line of the commit that is measured."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def said(*arguments: str, **variables: str) -> str:
    """Standard output of ``neuralake``; a wrong answer or table is an error of it."""
    command = Path(sys.executable).with_name("neuralake")
    return subprocess.run(
        [str(command), *arguments],
        env={**os.environ, **variables},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout


def has(command: str) -> bool:
    """Whether the commit has a command."""
    return command in said("--help")
