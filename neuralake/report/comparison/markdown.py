"""A comparison for a pull request, harmless wherever Markdown is rendered."""

from __future__ import annotations

from neuralake.report.comparison import both, grown, tables, verdicts
from neuralake.report.comparison.differences import difference_line, settings
from neuralake.report.comparison.headline import overall, sentences, title, where
from neuralake.report.comparison.method import failures, reading
from neuralake.report.comparison.notes import comparison_notes, error_rates
from neuralake.report.footnote import footnote
from neuralake.report.markdown import (
    folded,
    joined_blocks,
    markdown,
    notes_markdown,
    table_markdown,
)
from neuralake.results.comparison import Comparison

_MOST_FAILURES = 10


def comparison_markdown(comparison: Comparison) -> str:
    """The whole comment: what was found above, everything else folded away."""
    sign = verdicts.SIGNS[overall(comparison)]
    notable = tables.notable_table(comparison)
    numbered = list(enumerate(comparison.engines, start=1))
    blocks = [
        f"### {sign} {markdown(title(comparison))}",
        "\n".join(f"- **{markdown(sentence)}**" for sentence in sentences(comparison)),
        markdown(difference_line(comparison)),
        table_markdown(tables.engines_table(comparison)) if comparison.engines else None,
        table_markdown(notable) if notable.rows else None,
        _failures(comparison),
        notes_markdown(comparison_notes(comparison)),
        *(folded(tables.queries_table(comparison, engine, number)) for number, engine in numbered),
        *(folded(table) for table in grown.grown_tables(comparison)),
        *(
            f"**{markdown(table.caption)}**\n\n{table_markdown(table)}"
            for table in both.both_tables(comparison)
        ),
        *_counted(comparison),
        *_differences(comparison),
        _reading(comparison),
        " · ".join(map(markdown, where(comparison))),
        footnote(comparison.workload),
    ]
    return joined_blocks(blocks)


def _reading(comparison: Comparison) -> str:
    opener = "<details><summary>How to read this</summary>"
    return f"{opener}\n\n{reading(comparison)}\n\n{error_rates(comparison)}\n\n</details>"


def _counted(comparison: Comparison) -> list[str | None]:
    """What was counted beside the times."""
    counted = comparison.counted
    if counted is None:
        return []
    notable = tables.notable_table(counted)
    return [
        f"#### Counted instructions, scale factor {counted.scale_factor or 0:g}",
        "\n".join(f"- **{markdown(sentence)}**" for sentence in sentences(counted)),
        table_markdown(tables.engines_table(counted)) if counted.engines else None,
        table_markdown(notable) if notable.rows else None,
        _failures(counted),
        *(folded(table) for table in grown.grown_tables(counted)),
        *(
            folded(tables.queries_table(counted, engine, number))
            for number, engine in enumerate(counted.engines, start=1)
        ),
        _reading(counted),
    ]


def _failures(comparison: Comparison) -> str | None:
    found = failures(comparison)
    lines = [
        f"- {markdown(f.engine)} {markdown(f.query or '')} {f.status}: {markdown(f.message)}"
        for f in found[:_MOST_FAILURES]
    ]
    if len(found) > _MOST_FAILURES:
        lines.append(f"- and {len(found) - _MOST_FAILURES:,} more: see the page")
    return "\n".join(lines) or None


def _differences(comparison: Comparison) -> list[str]:
    packages = tables.packages_table(comparison)
    found = [tables.arms_table(comparison), *([packages] if packages.rows else [])]
    found += [
        tables.settings_table(engine, number)
        for number, engine in enumerate(comparison.engines, start=1)
        if settings(engine)
    ]
    return [folded(table) for table in found]
