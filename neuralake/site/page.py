"""The page of a catalog: complete without script, which searches and copies."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.resources import files

from htpy import (
    Node,
    a,
    div,
    fragment,
    h1,
    h2,
    header,
    label,
    li,
    main,
    nav,
    noscript,
    ol,
    output,
    p,
    section,
)
from htpy import input as input_element

from neuralake.report.numbers import size
from neuralake.report.page.document import house_style, shell
from neuralake.report.page.parts import table as table_of
from neuralake.report.placing import Kind
from neuralake.report.tables import Entry, Table, text_columns
from neuralake.site.entry import BADGES, badges_of, entry
from neuralake.site.facts import CatalogFacts, DatabaseFacts, TableFacts
from neuralake.site.picture import Link, links_of, picture

SITE = Kind("site", "Neuralake catalog", ("index.html",))
# More boxes than that are a thicket: each table then has a picture of its neighbours
MOST_IN_A_PICTURE = 40
_MOST_NEIGHBOURS = 16
MOST_IN_SIGHT = 12
# What more tables have inside is built when one of them is opened
MOST_IN_FULL = 200

WITHOUT_SCRIPT = (
    "So many tables open with script alone. Without it, neuralake catalog export json has the same."
)


def catalog_page(facts: CatalogFacts) -> str:
    """The whole HTML file; whatever a catalog or a file says is text in it and nothing else."""
    links = links_of(facts.tables)
    sections = [_database(database, facts, links) for database in facts.databases]
    contents = [("overview", "Overview"), ("find", "Find a table")]
    contents += [(_anchor(database), database.name) for database in facts.databases]
    return shell(
        generator=SITE.generator,
        title=facts.title,
        css=house_style() + _resource("site.css"),
        code=_resource("site.js"),
        skip="Skip to the tables",
        content=div(".page")[
            header[
                p(".eyebrow")["Catalog"],
                h1[facts.title],
                p(".where")[
                    f"{facts.source} · as it was on {facts.made_at:%Y-%m-%d %H:%M:%S} UTC · "
                    f"Neuralake {facts.neuralake}"
                ],
            ],
            div(".body")[
                nav(aria_label="Contents")[
                    ol[[li[a(href=f"#{name}")[title]] for name, title in contents]]
                ],
                main(id="results")[_overview(facts), _find(facts), sections],
            ],
        ],
    )


def _overview(facts: CatalogFacts) -> Node:
    tables = facts.tables
    rows = sum(table.rows or 0 for table in tables)
    stored = sum(table.bytes or 0 for table in tables)
    told = (
        f"{_counted(len(tables), 'table')} in {_counted(len(facts.databases), 'database')}: "
        f"{rows:,} rows in {size(stored)}, as far as logs and footers tell."
    )
    wanting = [table for table in tables if set(badges_of(table)) & {"unreadable", "stale"}]
    return section(id="overview")[
        h2["Overview"],
        p(".lead")[told],
        _wanting(wanting) if wanting else p(".good")[_all_is_well(tables)],
    ]


def _all_is_well(tables: Sequence[TableFacts]) -> str:
    promising = sum(table.freshness is not None for table in tables)
    if not promising:
        return "Every table can be read; none promises how fresh it is."
    return f"Every table can be read, and is as fresh as promised ({promising:,} promise it)."


def _wanting(tables: list[TableFacts]) -> Node:
    """Tables that are not what they are said to be, which whoever keeps the catalog looks for."""
    rows = tuple(
        (
            Entry(table.full_name),
            Entry(", ".join(BADGES[badge].text for badge in badges_of(table))),
            Entry(table.about.owner),
            Entry(table.problems[0] if table.problems else _promise(table)),
        )
        for table in tables
    )
    columns = text_columns("table", "state", "owner", "why")
    caption = "Tables that cannot be read, or are older than promised"
    return table_of(Table("wanting", caption, columns, rows), folded=len(rows) > MOST_IN_SIGHT)


def _promise(table: TableFacts) -> str:
    return "" if table.freshness is None else table.freshness.detail


def _find(facts: CatalogFacts) -> Node:
    there_are = _counted(len(facts.tables), "table")
    return section(".find", id="find")[
        h2["Find a table"],
        div(".search", role="search")[
            label(for_="search")["Name, column, description or owner"],
            input_element(
                "#search",
                type="search",
                autocomplete="off",
                spellcheck="false",
                aria_describedby="found",
            ),
        ],
        output("#found.fine", for_="search", data_all=there_are)[there_are],
        noscript[p(".fine")[WITHOUT_SCRIPT]] if len(facts.tables) > MOST_IN_FULL else None,
    ]


def _database(database: DatabaseFacts, facts: CatalogFacts, links: tuple[Link, ...]) -> Node:
    own = {table.full_name for table in database.tables}
    linking = [link for link in links if link.table in own or link.target in own]
    linked = {name for link in linking for name in (link.table, link.target)}
    is_small = len(linked) <= MOST_IN_A_PICTURE
    words = f"Keys of {database.name}: " + _in_words(linking)
    whole = picture(facts.tables, linking, words) if is_small else None
    note = None
    if not is_small:
        note = p(".fine")[
            f"{len(linked):,} tables have keys that refer to each other: each has a picture of "
            "those next to it."
        ]
    entries = [
        entry(
            table,
            None if is_small else _neighbours(table, facts, links),
            later=len(facts.tables) > MOST_IN_FULL,
        )
        for table in database.tables
    ]
    return section(".database", id=_anchor(database))[
        h2[database.name],
        database.description and p[database.description],
        whole,
        note,
        fragment[entries],
    ]


def _neighbours(table: TableFacts, facts: CatalogFacts, links: tuple[Link, ...]) -> Node:
    near = [link for link in links if table.full_name in (link.table, link.target)]
    near = near[:_MOST_NEIGHBOURS]
    names = {name for link in near for name in (link.table, link.target)}
    tables = [found for found in facts.tables if found.full_name in names]
    return picture(tables, near, f"Keys of {table.full_name}: {_in_words(near)}")


def _in_words(links: list[Link]) -> str:
    return "; ".join(
        f"{link.table}.{link.column} refers to {link.target}.{link.target_column}"
        for link in dict.fromkeys(links)
    )


def _anchor(database: DatabaseFacts) -> str:
    return f"database-{database.name}"


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


@cache
def _resource(name: str) -> str:
    return (files("neuralake.site") / name).read_text(encoding="utf-8")
