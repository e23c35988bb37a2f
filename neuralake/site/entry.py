"""One table on the page: a line that opens."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from htpy import (
    Node,
    a,
    article,
    b,
    button,
    caption,
    code,
    dd,
    details,
    div,
    dl,
    dt,
    fragment,
    h3,
    h4,
    li,
    p,
    pre,
    script,
    span,
    summary,
    tbody,
    td,
    th,
    thead,
    tr,
    ul,
)
from htpy import table as table_element
from markupsafe import Markup

from neuralake.catalog.about import About
from neuralake.quantities import duration_text
from neuralake.report.numbers import in_ms, size
from neuralake.report.text import one_line
from neuralake.site.facts import (
    ColumnFacts,
    CostFacts,
    FieldFacts,
    FreshnessFacts,
    Snippet,
    TableFacts,
)

NONE = "–"
_DEEPEST = 6


@dataclass(frozen=True)
class Badge:
    """A state in a word, with the class that colours it."""

    text: str
    kind: str


BADGES = {
    "unreadable": Badge("cannot be read", "bad"),
    "stale": Badge("stale", "bad"),
    "fresh": Badge("fresh", "good"),
    "deprecated": Badge("deprecated", "open"),
    "sensitive": Badge("sensitive columns", "open"),
}


def badges_of(table: TableFacts) -> list[str]:
    """Names of what is to be known of a table at first sight."""
    fresh = table.freshness
    found = {
        "unreadable": not table.is_readable,
        "deprecated": table.about.deprecated is not None,
        "stale": fresh is not None and fresh.outcome == "failed",
        "fresh": fresh is not None and fresh.outcome == "passed",
        "sensitive": any(column.is_sensitive for column in table.columns),
    }
    return [name for name, is_so in found.items() if is_so]


def entry(table: TableFacts, neighbours: Node, *, later: bool) -> Node:
    """A table, closed.

    Parameters
    ----------
    table
        Which.
    neighbours
        A picture of what its keys lead to, where it has one of its own.
    later
        Whether what is inside is kept as text until it is opened: a browser takes seconds to build
        what a thousand tables have inside, and nobody opens them all.
    """
    words = " ".join(one_line(text) for text in _words(table)).casefold()
    counts = (
        span(".rows")[NONE if table.rows is None else f"{table.rows:,} rows"],
        span(".bytes")[NONE if table.bytes is None else size(table.bytes)],
    )
    inside = fragment[
        _problems(table),
        _facts(table),
        _columns(table.columns, table),
        neighbours and fragment[h3["Keys"], neighbours],
        _sample(table),
        _commits(table),
        _costs(table.costs),
        _snippets(table.snippets),
    ]
    badges = [span(f".badge.{BADGES[n].kind}")[BADGES[n].text] for n in badges_of(table)]
    return article(".entry", id=table.full_name, data_words=words)[
        details[
            summary[
                span(".title")[span(".fine")[f"{table.database}."], b[table.name]],
                span(".about")[table.description],
                span(".counts")[counts, badges],
            ],
            div(".inside")[_kept(inside) if later else inside],
        ]
    ]


def _kept(inside: Node) -> Node:
    """Markup as the text of an element that no browser runs or shows.

    Nothing ends that element early: in markup every ``<`` of a text is escaped.
    """
    return script(type="text/html")[Markup(str(inside))]  # noqa: S704 (made here, and escaped)


def _words(table: TableFacts) -> Iterator[str]:
    """What a search looks through."""
    about = table.about
    yield from (table.full_name, table.description, about.owner, about.source, table.format)
    yield from (BADGES[name].text for name in badges_of(table))
    for column in table.columns:
        yield from (column.name, column.description)


def _problems(table: TableFacts) -> Node:
    found = [("Cannot be told" if table.is_readable else "Cannot be read", table.problems)]
    if table.about.deprecated is not None:
        found.append(("Deprecated", (table.about.deprecated,)))
    items = [
        li(class_="error" if title.startswith("Cannot") else "warning")[b[f"{title}: "], line]
        for title, lines in found
        for line in lines
    ]
    return ul(".notes")[items] if items else None


def _facts(table: TableFacts) -> Node:
    about, fresh = table.about, table.freshness
    successor = about.successor and a(href=f"#{_target(table, about.successor)}")[about.successor]
    notebook: Node = about.notebook
    if about.notebook and About(notebook=about.notebook).has_web_notebook:
        notebook = a(href=about.notebook, rel="noopener noreferrer")[about.notebook]
    changed = None
    if fresh is not None and fresh.changed_at is not None:
        changed = f"{fresh.changed_at:%Y-%m-%d %H:%M} UTC"
    known: tuple[tuple[str, Node], ...] = (
        ("Owner", about.owner),
        ("Source", about.source),
        ("Use instead", successor),
        ("Notebook", notebook),
        ("Format", table.format),
        ("Location", table.location),
        ("Version", None if table.version is None else str(table.version)),
        ("Rows", None if table.rows is None else f"{table.rows:,}"),
        ("Newest row", table.newest),
        ("Files", None if table.files is None else f"{table.files:,}"),
        ("Size", None if table.bytes is None else size(table.bytes)),
        ("Primary key", ", ".join(table.primary_key)),
        ("Partitioned by", ", ".join(table.partition_columns)),
        ("Promised freshness", None if fresh is None else duration_text(fresh.promised_s)),
        ("Rows last changed", changed),
        ("Freshness", _outcome(fresh)),
        ("Example filters", about.example_filters and [code[f] for f in about.example_filters]),
    )
    return dl(".known")[[(dt[name], dd[value]) for name, value in known if value]]


def _outcome(fresh: FreshnessFacts | None) -> Node:
    return None if fresh is None else span(class_=_KIND[fresh.outcome])[fresh.detail]


_KIND = {"passed": "good", "failed": "bad", "skipped": "open"}


def _columns(columns: Sequence[ColumnFacts], table: TableFacts) -> Node:
    if not columns:
        return p(".fine")["Its columns are not declared, and not known as it cannot be read."]
    heads = ("column", "type", "null", "key", "description", "least", "greatest", "missing")
    rows: list[Node] = []
    for column in columns:
        keys: list[Node] = ["primary "] if column.is_primary_key else []
        for reference in column.references:
            target = _target(table, reference.rpartition(".")[0])
            keys += ["→ ", a(href=f"#{target}")[reference], " "]
        hidden = span(".open")["sensitive"] if column.is_sensitive else NONE
        rows.append(
            tr[
                th(scope="row")[column.name],
                td[column.type],
                td["yes" if column.nullable else "no"],
                td[keys],
                td(".text")[
                    column.description,
                    column.expression and [" = ", code[column.expression]],
                ],
                td[hidden if column.least is None else column.least],
                td[hidden if column.greatest is None else column.greatest],
                td(".n")[NONE if column.nulls is None else f"{column.nulls:,}"],
            ]
        )
        rows.extend(_within(column.fields, column.name, 1))
    return fragment[
        h3["Columns"], _table("Columns", heads, rows, f"Columns of {table.full_name}", {7})
    ]


def _within(fields: Sequence[FieldFacts], path: str, depth: int) -> Iterator[Node]:
    """Rows of what is within a column, each with its whole path for who does not see the indent."""
    for field in fields:
        whole = f"{path}{field.name}" if field.name == "[]" else f"{path}.{field.name}"
        yield tr(class_=f"within depth-{min(depth, _DEEPEST)}")[
            th(scope="row")[span(".fine")[path], whole.removeprefix(path)],
            td[field.type],
            td["yes" if field.nullable else "no"],
            [td for _ in range(5)],
        ]
        yield from _within(field.fields, whole, depth + 1)


def _sample(table: TableFacts) -> Node:
    sample = table.sample
    if sample is None or not sample.columns:
        return None
    rows = [
        tr[[td[span(".fine")["null"] if value is None else value] for value in row]]
        for row in sample.rows
    ]
    left_out = len(table.columns) - len(sample.columns)
    note = f"; {left_out} sensitive left out" if left_out else ""
    return _folded(
        f"Sample rows ({len(rows)}{note})",
        _table("Rows", sample.columns, rows, f"Sample rows of {table.full_name}", set()),
    )


def _commits(table: TableFacts) -> Node:
    if not table.commits:
        return None
    rows = [
        tr[
            td(".n")[str(commit.version)],
            td[f"{commit.committed_at:%Y-%m-%d %H:%M:%S}"],
            td[commit.operation or NONE],
            td(".n")[str(commit.files_added)],
            td(".n")[str(commit.files_removed)],
            td[commit.engine or NONE],
        ]
        for commit in table.commits
    ]
    heads = ("version", "time (UTC)", "operation", "files added", "removed", "by")
    whole = _table("Versions", heads, rows, f"Versions of {table.full_name}", {0, 3, 4})
    return _folded(f"Newest versions ({len(rows)})", whole)


def _costs(costs: Sequence[CostFacts]) -> Node:
    if not costs:
        return None
    engines = list(dict.fromkeys(cost.engine for cost in costs))
    by_key = {(cost.query, cost.engine): cost for cost in costs}
    queries = sorted({cost.query for cost in costs})
    rows = [
        tr[th(scope="row")[query], [_cost(by_key.get((query, engine))) for engine in engines]]
        for query in queries
    ]
    newest = max(costs, key=lambda cost: cost.measured_at)
    heads = ("query", *(f"{engine} (ms)" for engine in engines))
    told = f"What its queries cost: medians of hot runs, last measured in run {newest.run}"
    return _folded(
        f"What its queries cost ({len(queries)})",
        _table("Costs", heads, rows, told, set(range(1, len(heads)))),
    )


def _cost(cost: CostFacts | None) -> Node:
    if cost is None:
        return td(".n")[NONE]
    if cost.latency_s is None:
        return td(".n.failed")[cost.status]
    return td(".n")[in_ms(cost.latency_s)]


def _snippets(snippets: Sequence[Snippet]) -> Node:
    if not snippets:
        return None
    shown = [
        div(".snippet")[
            h4[snippet.name],
            button(".copy", type="button", aria_label=f"Copy {snippet.name}")["Copy"],
            pre(".code", tabindex="0", role="region", aria_label=f"{snippet.name} code")[
                snippet.text
            ],
        ]
        for snippet in snippets
    ]
    opener = ", ".join(snippet.name for snippet in snippets)
    return _folded(f"Read it with {opener}", div(".snippets")[shown])


def _folded(opener: str, content: Node) -> Node:
    return details[summary[opener], content]


def _table(
    name: str, heads: Sequence[str], rows: Iterable[Node], told: str, numbers: set[int]
) -> Node:
    cells = [
        th(scope="col", class_="n" if place in numbers else None)[head]
        for place, head in enumerate(heads)
    ]
    return div(".scroll", tabindex="0", role="region", aria_label=told)[
        table_element(data_name=name.lower())[
            caption(".unseen")[told], thead[tr[cells]], tbody[list(rows)]
        ]
    ]


def _target(table: TableFacts, name: str) -> str:
    return name if "." in name else f"{table.database}.{name}"
