"""What people look at of a comparison of two arms: terminal, Markdown, page."""

from __future__ import annotations

from neuralake.report.comparison.markdown import comparison_markdown
from neuralake.report.comparison.report import write_comparison_report
from neuralake.report.comparison.terminal import print_comparison

__all__ = ["comparison_markdown", "print_comparison", "write_comparison_report"]
