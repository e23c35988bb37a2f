"""TPC-H's generator where what it makes is looked at, and not how: once for the same arguments.

It makes all texts that there may be before its first row, which takes 0.8 s of a processor whatever
the size of the dataset; the tests ask it for the same few datasets and parts a hundred times.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from neuralake.tpch.layout import Layout
from neuralake.tpch.tpchgen import Tpchgen

OWN_COMMAND = Tpchgen.command
# A file grows under another name until it is whole, as under the generator's own hands
_LAUNCHER = """\
#!/bin/sh
set -eu
program=$1
shift
key=
for argument do
  shift
  case $argument in
    --output-dir=*) directory=${{argument#*=}} ;;
    *) key="$key $argument"; set -- "$@" "$argument" ;;
  esac
done
made={kept}/$(printf %s "$key" | sha256sum | cut -c1-32)
if [ ! -d "$made" ]; then
  making=$made.$$
  "$program" "$@" --output-dir="$making"
  mv -T "$making" "$made" 2>/dev/null || rm -r "$making"  # another was first
fi
cd "$made"
for file in */*; do
  mkdir -p "$directory/${{file%/*}}"
  cp "$file" "$directory/$file.inprogress"
  mv "$directory/$file.inprogress" "$directory/$file"
done
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
    launcher.write_text(_LAUNCHER.format(kept=shlex.quote(str(kept))))
    launcher.chmod(0o755)

    def command(self: Tpchgen, scale_factor: float, layout: Layout, directory: Path) -> list[str]:
        return [str(launcher), *OWN_COMMAND(self, scale_factor, layout, directory)]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Tpchgen, "command", command)
        yield
