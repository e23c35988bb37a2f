"""Keys as a picture: whatever refers to whatever, each box is drawn once and each link too."""

from __future__ import annotations

import re
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from neuralake.catalog.describe import AboutSummary
from neuralake.site.facts import ColumnFacts, TableFacts
from neuralake.site.picture import Link, links_of, picture

NAMES = "abcdef"


def made(name: str, targets: Sequence[str], database: str = "d") -> TableFacts:
    columns = [ColumnFacts("id", "int64", nullable=False, is_primary_key=True)]
    columns += [
        ColumnFacts(f"to_{n}", "int64", nullable=True, references=(f"{target}.id",))
        for n, target in enumerate(targets)
    ]
    return TableFacts(
        database, name, "delta", None, "", ("id",), AboutSummary(), columns=tuple(columns)
    )


def boxes(svg: str) -> dict[str, tuple[int, int]]:
    found = re.findall(r'<title>([^<]+)</title><rect class="box" x="(\d+)" y="(\d+)"', svg)
    return {name: (int(x), int(y)) for name, x, y in found}


def test_what_is_referred_to_stands_before_what_refers() -> None:
    tables = [made("orders", ["customers"]), made("customers", ["nations"]), made("nations", [])]
    places = boxes(str(picture(tables, links_of(tables), "keys")))
    assert places["d.nations"][0] < places["d.customers"][0] < places["d.orders"][0]


def test_a_box_stands_just_before_the_nearest_that_refers_to_it() -> None:
    tables = [made("a", []), made("b", ["a"]), made("c", ["b", "late"]), made("late", [])]
    places = boxes(str(picture(tables, links_of(tables), "keys")))
    assert places["d.late"][0] == places["d.b"][0]


def test_links_go_across_databases_and_those_to_nowhere_are_left_out() -> None:
    tables = [made("a", ["other.b", "nowhere"]), made("b", [], database="other")]
    assert links_of(tables) == (Link("d.a", "to_0", "other.b", "id"),)
    assert set(boxes(str(picture(tables, links_of(tables), "keys")))) == {"d.a", "other.b"}


def test_without_keys_there_is_no_picture() -> None:
    assert picture([made("a", [])], (), "keys") is None


@given(st.lists(st.lists(st.sampled_from(NAMES), max_size=12), min_size=6, max_size=6))
def test_circles_and_crowds_are_drawn(targets: list[list[str]]) -> None:
    tables = [made(name, found) for name, found in zip(NAMES, targets, strict=True)]
    links = links_of(tables)
    svg = str(picture(tables, links, "keys"))
    places = boxes(svg)
    assert set(places) == {name for link in links for name in (link.table, link.target)}
    assert len(set(places.values())) == len(places)  # none upon another
    assert svg.count('class="edge"') == len(links)
