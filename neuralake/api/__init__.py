"""What a program or a notebook uses: a bench, a comparison, a catalog, and what they found.

Each function does what the command of its name does, with the same defaults and the same
settings from the environment (:mod:`neuralake.config`). What is wrong raises a
:class:`~neuralake.errors.NeuralakeError`; nothing prints but progress, where somebody looks.
"""

from neuralake.api.catalogs import OpenCatalog, open_catalog
from neuralake.api.comparisons import ComparedArms, compare
from neuralake.api.runs import BenchRun, bench, open_run

__all__ = [
    "BenchRun",
    "ComparedArms",
    "OpenCatalog",
    "bench",
    "compare",
    "open_catalog",
    "open_run",
]
