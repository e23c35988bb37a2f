"""Writes Delta tables fast: batches that are durable when they return, compaction, and vacuum."""

from neuralake.writer.append import Writer
from neuralake.writer.bins import Packing
from neuralake.writer.compact import Compactor
from neuralake.writer.compaction import Compaction
from neuralake.writer.result import Commit, Steps
from neuralake.writer.upkeep import Upkeep, Upkept
from neuralake.writer.vacuum import Vacuum, Vacuumed

__all__ = [
    "Commit",
    "Compaction",
    "Compactor",
    "Packing",
    "Steps",
    "Upkeep",
    "Upkept",
    "Vacuum",
    "Vacuumed",
    "Writer",
]
