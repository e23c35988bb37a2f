"""The command's way in, and a look at who else installed a package ``neuralake``.

The distribution is called ``neuralake-bench``, since ``neuralake`` on PyPI is another project's.
Both install a package ``neuralake`` into the same directory, where the later one overwrites files
of the earlier one. So this stands outside of that directory, and imports nothing from it to look.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path
from typing import NoReturn

DISTRIBUTION = "neuralake-bench"


def main() -> NoReturn:
    """Run the command line, if the package that would run is this distribution's alone."""
    fault = other_distribution()
    if fault is not None:
        sys.stderr.write(f"neuralake: {fault}\n")
        sys.exit(2)
    from neuralake.cli import main as run
    from neuralake.cli.leaving import leave_after
    from neuralake.pandas_on_demand import import_pandas_on_demand

    import_pandas_on_demand()
    leave_after(run)


def other_distribution() -> str | None:
    """What is wrong if the distribution ``neuralake`` has written where this one is, or None.

    Beside a clone that Python imports from there is no other, whatever else is installed.
    """
    spec = find_spec("neuralake")
    if spec is None or not spec.origin or not spec.submodule_search_locations:
        return (
            f"the package neuralake is not there, or not whole: pip uninstall {DISTRIBUTION}, "
            "then install it again"
        )
    directory = Path(next(iter(spec.submodule_search_locations)))
    for found in directory.parent.glob("neuralake-*.dist-info"):
        version = found.name.removesuffix(".dist-info").removeprefix("neuralake-")
        return (
            f"the distribution neuralake {version}, which is not {DISTRIBUTION}, is installed "
            f"into the same {directory}: pip uninstall neuralake {DISTRIBUTION}, then install "
            f"{DISTRIBUTION} again"
        )
    return None
