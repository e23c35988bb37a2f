"""What the page of every run ends with: failures, settings, and the shell around its sections."""

from __future__ import annotations

from collections.abc import Sequence

from neuralake.report.facts import Group
from neuralake.report.failures import Failure
from neuralake.report.page import parts
from neuralake.report.page.document import Page, Section, document


def page_of_run(
    title: str,
    where: Sequence[str],
    sections: Sequence[Section],
    failures: Sequence[Failure],
    facts: Sequence[Group],
    foot: str | None = None,
) -> str:
    """The whole HTML file of one run.

    Parameters
    ----------
    title
        Of the page.
    where
        Run, time and machine, in a few words each.
    sections
        What was measured.
    failures
        Everything that went wrong.
    facts
        How the run was made.
    foot
        A line at the end.
    """
    ending = (
        Section("failures", f"Failures ({len(failures):,})", parts.failures(failures)),
        Section("settings", "Settings and fingerprint", parts.facts(facts)),
    )
    return document(
        Page(
            title=title,
            eyebrow="Neuralake report of one run",
            where=" · ".join(where),
            sections=[*sections, *ending],
            foot=foot,
        )
    )
