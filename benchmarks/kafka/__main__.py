"""``python -m benchmarks.kafka --keep DIR``: what :func:`benchmarks.sharing.shared` starts."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from benchmarks.kafka.shared import keep

parser = argparse.ArgumentParser(prog="python -m benchmarks.kafka", description=__doc__)
parser.add_argument("--keep", type=Path, metavar="DIR", required=True)
sys.exit(keep(parser.parse_args().keep))
