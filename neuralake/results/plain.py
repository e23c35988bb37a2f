"""What JSON can hold, and how a text shows that it is none."""

from __future__ import annotations

import math
from collections.abc import Mapping

import msgspec

# What is raised of a text that is no JSON, is none of the record that is looked for, or is nested
# as deeply as no record is
UNDECODABLE = (
    msgspec.DecodeError,
    UnicodeDecodeError,
    RecursionError,
)


def without_infinity(value: object) -> object:
    """A value for JSON, which has no infinity: what is infinite is ``"never"``."""
    if isinstance(value, float) and not math.isfinite(value):
        return "never"
    if isinstance(value, Mapping):
        return {key: without_infinity(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [without_infinity(inner) for inner in value]
    return value
