"""Write what is known of a catalog: a page for people, a document for machines."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from neuralake.cli.context import load_tables, open_store, read_settings
from neuralake.cli.options import catalog_option, dataset_option, scale_factor_option
from neuralake.cli.types import Place, Text, Whole

if TYPE_CHECKING:
    from neuralake.site.facts import CatalogFacts

_MOST_ROWS = 100


@click.command()
@catalog_option
@scale_factor_option
@dataset_option
@click.option(
    "--to",
    "place",
    type=Place(),
    required=True,
    metavar="DIR",
    help="Directory of the page; an older one in it is replaced.",
)
@click.option("--title", type=Text(), metavar="TEXT", help="Heading.  [default: the databases]")
@click.option(
    "--sample-rows",
    type=Whole(0, _MOST_ROWS),
    default=5,
    show_default=True,
    metavar="N",
    help="Rows of each table that are shown, without sensitive columns; 0 for none.",
)
def site(
    source: str | None,
    scale_factor: float | None,
    dataset: str | None,
    place: Path,
    title: str | None,
    sample_rows: int,
) -> None:
    """Write one page that shows the catalog, and needs no network.

    A table that cannot be read is shown with the reason.
    """
    from neuralake.site.write import write_site

    facts = _facts(source, scale_factor, dataset, title, sample_rows)
    page = write_site(facts, place)
    _tell_unreadable(facts)
    click.echo(f"site: {page}")


@click.command("json")
@catalog_option
@scale_factor_option
@dataset_option
@click.option("--title", type=Text(), metavar="TEXT", help="Heading.  [default: the databases]")
@click.option(
    "--to", "place", type=Place(), metavar="FILE", help="Where to.  [default: standard output]"
)
def export_json(
    source: str | None,
    scale_factor: float | None,
    dataset: str | None,
    title: str | None,
    place: Path | None,
) -> None:
    """Write what is known of every table as JSON: what the site shows, without rows."""
    from neuralake.results.store import write_export
    from neuralake.site.write import catalog_document

    facts = _facts(source, scale_factor, dataset, title, 0)
    document = catalog_document(facts)
    if place is None:
        click.echo(document, nl=False)
    else:
        write_export(place, document)
    _tell_unreadable(facts)


def _facts(
    source: str | None,
    scale_factor: float | None,
    dataset: str | None,
    title: str | None,
    sample_rows: int,
) -> CatalogFacts:
    from datetime import UTC, datetime

    from neuralake.config import absolute_uri
    from neuralake.site.costs import costs_by_uri
    from neuralake.site.gather import gather
    from neuralake.site.snippets import Opening, snippet_maker
    from neuralake.tpch.dataset import dataset_uri

    catalog = load_tables(source, scale_factor, dataset)
    if source is not None:
        shown, python = source, repr(source)
    else:
        uri = absolute_uri(dataset) if dataset else dataset_uri(read_settings(), scale_factor or 1)
        shown, python = uri, f"dataset={uri!r}"
    uris = [table.uri for _, table in catalog.each_table() if hasattr(table, "uri")]
    return gather(
        catalog,
        title=title or ", ".join(database.name for database in catalog.databases[:5]),
        source=shown,
        now=datetime.now(UTC),
        sample_rows=sample_rows,
        costs=costs_by_uri(open_store(), uris),
        snippets=snippet_maker(catalog, Opening(python)),
    )


def _tell_unreadable(facts: CatalogFacts) -> None:
    unreadable = [table.full_name for table in facts.tables if not table.is_readable]
    if unreadable:
        names = ", ".join(unreadable[:3]) + (" …" if len(unreadable) > 3 else "")
        click.echo(f"neuralake: {len(unreadable):,} tables cannot be read: {names}", err=True)
