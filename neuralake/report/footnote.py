"""What must stand below whatever shows times of a workload."""

from __future__ import annotations

DISCLAIMER = "Derived from TPC-H; not comparable with published TPC-H results."


def footnote(workload: str) -> str | None:
    """The last line of a table, a figure or a page of a workload; None if it needs none."""
    return DISCLAIMER if workload == "tpch" else None
