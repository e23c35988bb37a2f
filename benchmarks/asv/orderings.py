"""The orders in which streams run the queries: TPC-H specification, appendix A.

Row 0 is the power stream's, row s that of throughput stream s (clause 5.3.5.4). All streams run
the queries with the validation parameters: the texts are the same in every commit.
"""

from __future__ import annotations

from typing import Final

ORDERINGS: Final = (
    (14, 2, 9, 20, 6, 17, 18, 8, 21, 13, 3, 22, 16, 4, 11, 15, 1, 10, 19, 5, 7, 12),
    (21, 3, 18, 5, 11, 7, 6, 20, 17, 12, 16, 15, 13, 10, 2, 8, 14, 19, 9, 22, 1, 4),
    (6, 17, 14, 16, 19, 10, 9, 2, 15, 8, 5, 22, 12, 7, 13, 18, 1, 4, 20, 3, 11, 21),
    (8, 5, 4, 6, 17, 7, 1, 18, 22, 14, 9, 10, 15, 11, 20, 2, 21, 19, 13, 16, 12, 3),
    (5, 21, 14, 19, 15, 17, 12, 6, 4, 9, 8, 16, 11, 2, 10, 18, 1, 13, 7, 22, 3, 20),
)


def ordering(stream: int) -> tuple[str, ...]:
    """Names of the 22 queries in a stream's order; stream 0 is the power stream."""
    return tuple(f"q{number:02d}" for number in ORDERINGS[stream])
