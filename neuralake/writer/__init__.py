"""Writes Delta tables fast: batches that are durable when they return, compaction, and vacuum."""

from neuralake.writer.append import Writer
from neuralake.writer.result import Commit, Steps

__all__ = ["Commit", "Steps", "Writer"]
