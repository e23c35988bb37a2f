"""The keys of tables as a picture: boxes in layers, from what refers to what is referred to.

Layers are by the longest way (Sugiyama, Tagawa and Toda, 1981, step 2; circles are cut where they
close), and a box moves to just before the nearest that refers to it; within a layer they stand by
the mean place of what they refer to (step 3, once).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from htpy import Element, Node, a, div, svg

from neuralake.report.text import short
from neuralake.site.facts import TableFacts

_WIDTH, _ROW, _GAP_X, _GAP_Y, _EDGE = 150, 22, 48, 20, 8
_MOST_ROWS = 8
_NAME, _COLUMN = 18, 20

_g, _rect, _path, _text, _title = (
    Element("g"),
    Element("rect"),
    Element("path"),
    Element("text"),
    Element("title"),
)


@dataclass(frozen=True)
class Link:
    """A column that refers to another table's.

    Attributes
    ----------
    table, column
        Whose it is.
    target, target_column
        What it refers to.
    """

    table: str
    column: str
    target: str
    target_column: str


def links_of(tables: Sequence[TableFacts]) -> tuple[Link, ...]:
    """Every reference between some tables, by their full names; those elsewhere are left out."""
    known = {table.full_name for table in tables}
    found = []
    for table in tables:
        for column in table.columns:
            for reference in column.references:
                name, _, referenced = reference.rpartition(".")
                target = name if "." in name else f"{table.database}.{name}"
                if target in known:
                    found.append(Link(table.full_name, column.name, target, referenced))
    return tuple(found)


def picture(tables: Sequence[TableFacts], links: Sequence[Link], label: str) -> Node:
    """Boxes of the tables that have a link, and the links; None if there is none.

    Parameters
    ----------
    tables
        All that the links are of.
    links
        From :func:`links_of`.
    label
        What is seen, for those who do not see it.
    """
    if not links:
        return None
    linked = {name for link in links for name in (link.table, link.target)}
    rows = {t.full_name: _rows(t, links) for t in tables if t.full_name in linked}
    short_names = {t.full_name: t.name for t in tables}
    places = _places(rows, _layers(sorted(linked), links), links)
    width = max(x for x, _ in places.values()) + _WIDTH + _EDGE
    height = max(y + _height(rows[name]) for name, (_, y) in places.items()) + _EDGE
    edges = [_edge(link, places, rows) for link in dict.fromkeys(links)]
    boxes = [_box(name, short_names[name], rows[name], places[name]) for name in rows]
    drawing = svg(
        ".keys",
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {width} {height}",
        width=str(width),
        height=str(height),
        role="group",
        aria_label=label,
    )[edges, boxes]
    return div(".scroll.drawing", tabindex="0", role="region", aria_label=label)[drawing]


def _rows(table: TableFacts, links: Sequence[Link]) -> list[str]:
    """Columns that are part of a key, those of the primary key first."""
    own = {link.column for link in links if link.table == table.full_name}
    own |= {link.target_column for link in links if link.target == table.full_name}
    keys = [column.name for column in table.columns if column.is_primary_key]
    names = [*keys, *(c.name for c in table.columns if c.name in own and c.name not in keys)]
    names = names or sorted(own)
    if len(names) > _MOST_ROWS:  # whatever is linked stays in sight as long as there is room
        names = sorted(names, key=lambda name: name not in own)[:_MOST_ROWS]
    return names


def _layers(names: Sequence[str], links: Sequence[Link]) -> dict[str, int]:
    targets: dict[str, set[str]] = {name: set() for name in names}
    for link in links:
        if link.table != link.target:
            targets[link.table].add(link.target)
    layers: dict[str, int] = {}
    for start in names:  # depth first, without recursion: a chain may be long
        stack, open_names = [(start, iter(sorted(targets[start])))], {start}
        while stack:
            name, left = stack[-1]
            following = next((t for t in left if t not in layers and t not in open_names), None)
            if following is not None:
                open_names.add(following)
                stack.append((following, iter(sorted(targets[following]))))
                continue
            stack.pop()
            open_names.discard(name)
            if name not in layers:
                layers[name] = max((layers[t] + 1 for t in targets[name] if t in layers), default=0)
    for name in sorted(names, key=lambda name: -layers[name]):
        above = [layers[n] for n in names if name in targets[n] and layers[n] > layers[name]]
        if above:
            layers[name] = max(layers[name], min(above) - 1)
    return layers


def _places(
    rows: Mapping[str, Sequence[str]], layers: Mapping[str, int], links: Sequence[Link]
) -> dict[str, tuple[int, int]]:
    places: dict[str, tuple[int, int]] = {}
    by_layer: dict[int, list[str]] = {}
    for name in rows:
        by_layer.setdefault(layers[name], []).append(name)

    def mean_place(name: str) -> tuple[float, str]:
        found = [places[k.target][1] for k in links if k.table == name and k.target in places]
        return (fmean(found) if found else 0, name)

    for layer in sorted(by_layer):
        y = _EDGE
        for name in sorted(by_layer[layer], key=mean_place):
            places[name] = (_EDGE + layer * (_WIDTH + _GAP_X), y)
            y += _height(rows[name]) + _GAP_Y
    return places


def _height(rows: Sequence[str]) -> int:
    return _ROW * (len(rows) + 1)


def _edge(
    link: Link, places: Mapping[str, tuple[int, int]], rows: Mapping[str, Sequence[str]]
) -> Node:
    """A line from a column, with a crow's foot, to the one that it refers to."""
    x, y = places[link.table][0], _middle(link.table, link.column, places, rows)
    right = places[link.target][0] + _WIDTH
    other_y = _middle(link.target, link.target_column, places, rows)
    bend = max(abs(x - right) // 2, _GAP_X // 2)
    if right > x:  # a circle, or the table itself: back along the left side
        right, bend = places[link.target][0], _GAP_X // 2
        line = f"M{x} {y} C{x - bend} {y} {right - bend} {other_y} {right} {other_y}"
    else:
        line = f"M{x} {y} C{x - bend} {y} {right + bend} {other_y} {right} {other_y}"
    foot = f"M{x - 9} {y} L{x} {y - 5} M{x - 9} {y} L{x} {y + 5}"
    return _path(".edge", d=f"{line} {foot}")


def _middle(
    table: str,
    column: str,
    places: Mapping[str, tuple[int, int]],
    rows: Mapping[str, Sequence[str]],
) -> int:
    row = rows[table].index(column) + 1 if column in rows[table] else 0
    return places[table][1] + _ROW * row + _ROW // 2


def _box(full_name: str, name: str, rows: Sequence[str], place: tuple[int, int]) -> Node:
    x, y = place
    head = a(href=f"#{full_name}", aria_label=f"Table {full_name}")[
        _rect(".head", x=str(x), y=str(y), width=str(_WIDTH), height=str(_ROW)),
        _text(".name", x=str(x + 8), y=str(y + 15))[short(name, _NAME)],
    ]
    return _g[
        _title[full_name],
        _rect(".box", x=str(x), y=str(y), width=str(_WIDTH), height=str(_height(rows))),
        head,
        [
            _text(x=str(x + 8), y=str(y + _ROW * number + 15))[short(row, _COLUMN)]
            for number, row in enumerate(rows, 1)
        ],
    ]
