"""The page, put in its place whole or not at all."""

from __future__ import annotations

from pathlib import Path

import msgspec

from neuralake.report.placing import put_whole, require_packages
from neuralake.site.facts import CatalogFacts


def write_site(facts: CatalogFacts, directory: Path) -> Path:
    """Write the page of a catalog.

    Parameters
    ----------
    facts
        What it tells.
    directory
        Made if absent, with its parents; an older page of a catalog in it is replaced.

    Returns
    -------
    Path
        Of the page.

    Raises
    ------
    ResultsError
        If a package of the extra ``report`` is missing, the directory cannot be written, or it
        holds anything else.
    """
    require_packages(("htpy",), "a site needs")
    from neuralake.site.page import SITE, catalog_page

    put_whole(directory, SITE, lambda: {SITE.parts[0]: catalog_page(facts).encode()})
    return directory / SITE.parts[0]


def catalog_document(facts: CatalogFacts) -> bytes:
    """What is told of a catalog as one JSON document, for machines."""
    return msgspec.json.format(msgspec.json.encode(facts), indent=1) + b"\n"
