"""How large datasets become, beside the estimate that the generator makes before it starts.

python benchmarks/generation/sizes.py --scale-factors 0.1,1
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from neuralake.tpch.generate import generate
from neuralake.tpch.layout import Layout
from neuralake.tpch.scale import estimate_bytes

LAYOUTS = (
    Layout(),
    Layout(compression="UNCOMPRESSED"),
    Layout(compression="LZ4_RAW"),
    Layout(compression="ZSTD(1)"),
    Layout(compression="ZSTD(3)"),
    Layout(compression="GZIP(1)"),
    Layout(compression="BROTLI(1)"),
    Layout(row_group_bytes=2**20),
    Layout(row_group_bytes=128 * 2**20),
    Layout(files_per_table=20),
)


def main() -> None:
    """Print size and estimate of each layout at each scale factor."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--scale-factors", default="0.01,0.1")
    parser.add_argument("--directory", type=Path, default=None, help="where to write")
    options = parser.parse_args()
    print("scale factor  compression   row group  files        bytes     estimate  ratio")
    for scale_factor in map(float, options.scale_factors.split(",")):
        for layout in (layout.at(scale_factor) for layout in LAYOUTS):
            with tempfile.TemporaryDirectory(dir=options.directory) as home:
                size_bytes = generate(scale_factor, f"{home}/dataset", layout=layout).size_bytes
            estimate = estimate_bytes(scale_factor, layout)
            print(
                f"{scale_factor:12g}  {layout.compression:12} {layout.row_group_bytes:10} "
                f"{layout.files_per_table:6} {size_bytes:12} {estimate:12} "
                f"{size_bytes / estimate:6.2f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
