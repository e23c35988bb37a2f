"""TPC-H's generator where what it makes is looked at, and not how: once for the same arguments.

It makes all texts that there may be before its first row, which takes 0.8 s of a processor whatever
the size of the dataset; the tests ask it for the same few datasets and parts a hundred times.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from neuralake.tpch.layout import Layout
from neuralake.tpch.tpchgen import Tpchgen

OWN_COMMAND = Tpchgen.command
# A table is there once all of its files are whole
_LAUNCHER = """\
#!/bin/sh
set -eu
made=$1 directory=$2 known=$3
shift 3
made=$made$(shift "$known"; printf %s "$*")  # what whoever runs it has added
if [ ! -d "$made" ]; then
  making=$made.$$
  "$@" --output-dir="$making"
  mv -T "$making" "$made" 2>/dev/null || rm -r "$making"  # another was first
fi
cp -r "$made" "$directory/.copied"
mv "$directory"/.copied/* "$directory"
rmdir "$directory/.copied"
"""


@contextmanager
def generated_once(kept: Path, launcher: Path) -> Iterator[None]:
    """What the generator makes for this process is kept, and copied from then on.

    Parameters
    ----------
    kept
        Directory for it, which several processes may share.
    launcher
        File for the program that is started in place of the generator.
    """
    kept.mkdir(exist_ok=True)
    launcher.write_text(_LAUNCHER)
    launcher.chmod(0o755)

    def command(self: Tpchgen, scale_factor: float, layout: Layout, directory: Path) -> list[str]:
        to = f"--output-dir={directory}"
        asked = [word for word in OWN_COMMAND(self, scale_factor, layout, directory) if word != to]
        made = kept / hashlib.sha256("\0".join(asked).encode()).hexdigest()[:32]
        return [str(launcher), str(made), str(directory), str(len(asked)), *asked]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Tpchgen, "command", command)
        yield
