"""How a service runs."""

from __future__ import annotations

from dataclasses import dataclass, field

from neuralake.serving.answers import Limits
from neuralake.serving.hot import LARGE_BYTES


@dataclass(frozen=True)
class ServiceOptions:
    """What a service may take, all requests together.

    Attributes
    ----------
    hot_bytes
        Memory for tables that are kept as Arrow; 0 keeps none.
    large_file_bytes
        Size of a data file from which on it is not read into memory while a request waits.
    limits
        Of one request, which may ask for less.
    concurrency
        Requests that run at once; 0 is two a core, and of ROAPI four.
    queue
        Requests that wait for their turn; further ones are refused.
    queue_s
        How long one waits before it is refused.
    workers
        Statements that run at once behind the fence, each in a process; 0 is one a core.
    text_bytes
        Length of a statement.
    max_staleness_s
        How old what an answer is made of may be; 0 looks for new commits at every request.
    """

    hot_bytes: int = 1 << 30
    large_file_bytes: int = LARGE_BYTES
    limits: Limits = field(default_factory=Limits)
    concurrency: int = 0
    queue: int = 128
    queue_s: float = 1.0
    workers: int = 0
    text_bytes: int = 1 << 18
    max_staleness_s: float = 0.0
