"""What each route answers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import deltalake
import pyarrow as pa
import pytest

from neuralake.catalog.tables import DeltaTable
from tests.serving.conftest import Client, serving

ORDERS = pa.table({"id": [1, 2, 3], "total": [10, 20, 30], "name": ["Ann", None, "Bo"]})


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    place = tmp_path_factory.mktemp("lake") / "orders"
    deltalake.write_deltalake(place, ORDERS)
    table = DeltaTable(
        name="orders", location=str(place), description="An order", primary_key=("id",)
    )
    with serving({"orders": table}) as client:
        yield client


def test_a_statement_is_answered_as_json_with_the_versions_it_is_of(client: Client) -> None:
    answer = client.sql("SELECT id, name FROM orders WHERE id < 3 ORDER BY id")
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["neuralake-versions"] == "orders=0"
    assert answer.json() == [{"id": 1, "name": "Ann"}, {"id": 2, "name": None}]


def test_parameters_come_in_a_json_body(client: Client) -> None:
    body = b'{"sql": "SELECT id FROM orders WHERE total = $1", "parameters": [20]}'
    answer = client.post(body, **{"content-type": "application/json"})
    assert answer.json() == [{"id": 2}]


def test_csv_and_arrow_are_asked_for_by_accept(client: Client) -> None:
    sql = "SELECT id, name FROM orders ORDER BY id"
    text = client.sql(sql, accept="text/csv")
    assert text.body == b'"id","name"\r\n1,"Ann"\r\n2,\r\n3,"Bo"\r\n'
    stream = client.sql(sql, accept="application/vnd.apache.arrow.stream")
    assert pa.ipc.open_stream(stream.body).read_all() == ORDERS.select(["id", "name"])


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("", [1, 2, 3]),
        ("?where=id>=2", [2, 3]),
        ("?where=id%20in%20(1,3)", [1, 3]),
        ("?where=name%20is%20null", [2]),
        ("?where=name%20is%20not%20null&where=total>10", [3]),
        ("?where=name~A%25", [1]),
        ("?sort=-total&limit=2", [3, 2]),
        ("?limit=1&offset=1", [2]),
        ("?where=name=this%20is%20null", []),
        ("?where=name!=what%20is%20not%20null", [1, 3]),
        ("?where=name=x%20in%20(1)", []),
        ("?where=name~%25o", [3]),
        ("?where=%20id%20%3C%3D2", [1, 2]),
    ],
)
def test_a_table_is_asked_by_its_address(client: Client, query: str, ids: list[int]) -> None:
    answer = client.get(f"/api/tables/orders{query}")
    assert answer.status == 200, answer.body
    assert [row["id"] for row in answer.json()] == ids


def test_an_unknown_table_is_a_problem_document(client: Client) -> None:
    answer = client.get("/api/tables/order")
    assert (answer.status, answer.headers["content-type"]) == (404, "application/problem+json")
    assert "did you mean orders?" in answer.json()["detail"]


def test_a_column_may_have_what_conditions_are_made_of(tmp_path: Path) -> None:
    names = ["a", "a!b", "a<b", "a is", "a~"]
    place = tmp_path / "odd"
    deltalake.write_deltalake(place, pa.table({name: [i, 9] for i, name in enumerate(names)}))
    with serving({"odd": DeltaTable(name="odd", location=str(place))}) as client:
        for i, name in enumerate(names):
            for condition in (f"{name}={i}", f"{name} in ({i}, 7)", f"{name}<{i + 1}"):
                answer = client.get(f"/api/tables/odd?where={quote(condition)}&columns=a")
                assert (answer.status, answer.json()) == (200, [{"a": 0}]), condition


def test_a_value_that_its_column_cannot_have_is_compared_with_nothing(tmp_path: Path) -> None:
    inf = float("inf")
    rows = pa.table({"x": [1.5, inf, -inf], "at": pa.array([0, 1, 2], pa.timestamp("us"))})
    deltalake.write_deltalake(tmp_path / "odd", rows)
    with serving({"odd": DeltaTable(name="odd", location=str(tmp_path / "odd"))}) as client:

        def ask(condition: str) -> tuple[int, object]:
            answer = client.get(f"/api/tables/odd?columns=x&where={quote(condition)}")
            found = answer.json()
            return answer.status, found["detail"] if answer.status == 400 else len(found)

        assert ask("x=1e400") == (400, "column x is double: '1e400' is none")
        assert ask("x>-1e999") == (400, "column x is double: '-1e999' is none")
        assert ask("x=Infinity") == (200, 1)
        assert ask("at=1970-01-01T00:00:00") == (200, 1)
        refused = "column at is timestamp[us]: '1970-01-01T01:00:00+01:00' is none"
        assert ask("at=1970-01-01T01:00:00+01:00") == (400, refused)


ARROW = "application/vnd.apache.arrow.stream"


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("application/json;q=0.1, text/csv;q=0.9", "text/csv"),
        ("application/json;q=0, */*", "text/csv"),
        ("*/*;q=0.1, text/csv", "text/csv"),
        ("text/*;q=0.5, text/csv;q=0.1, application/json;q=0.3", "application/json"),
        (f"text/csv;q=0.5,{ARROW}", ARROW),
        ("TEXT/CSV; header=present ; Q=1.000", "text/csv"),
        ("text/csv, application/json", "text/csv"),
        ("text/html,application/xhtml+xml,*/*;q=0.8", "application/json"),
        ("", "application/json"),
    ],
)
def test_the_format_that_is_wished_for_most(client: Client, accept: str, kind: str) -> None:
    answer = client.sql("SELECT 1 AS n", accept=accept)
    assert answer.headers["content-type"].partition(";")[0] == kind


@pytest.mark.parametrize("accept", ["application/json;q=0", "text/html", "*/*;q=0"])
def test_a_format_that_is_not_wished_for_is_not_sent(client: Client, accept: str) -> None:
    assert client.sql("SELECT 1 AS n", accept=accept).status == 406


@pytest.mark.parametrize(
    ("query", "detail"),
    [
        ("?as_off=0", "no parameter 'as_off': there are as_of, format, max_rows, timeout"),
        ("?limit=1", "no parameter 'limit'"),
        ("?as_of=0&as_of=1", "as_of is there 2 times: say it once"),
    ],
)
def test_what_is_asked_of_a_statement_is_not_passed_over(
    client: Client, query: str, detail: str
) -> None:
    """An answer of the newest state would be taken for one of the state that was asked for."""
    answer = client.sql("SELECT 1 AS n", query)
    assert (answer.status, detail in answer.json()["detail"]) == (400, True)
    of_table = client.get(f"/api/tables/orders{query.replace('limit', 'limt')}")
    assert of_table.status == 400


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        ("decimal(5, 2)", "1.5", '"1.50"'),
        ("decimal(38, 2)", "1e22", '"10000000000000000000000.00"'),
        ("int64", "9007199254740993", "9007199254740993"),
        ("int64", "3.0", "3"),
        ("float64", "3", "3.0"),
        ("bool", "true", "true"),
    ],
)
def test_a_parameter_of_a_type_is_its_value(
    client: Client, kind: str, value: str, text: str
) -> None:
    body = f'{{"sql": "SELECT $1 AS n", "parameters": [{{"type": "{kind}", "value": {value}}}]}}'
    answer = client.post(body.encode(), **{"content-type": "application/json"})
    assert answer.body.decode() == f'[{{"n":{text}}}]\n'


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("decimal(5, 2)", "1.005"),
        ("int64", "9007199254740993.0"),
        ("int64", "true"),
        ("int64", "1.5"),
        ("bool", "5"),
        ("timestamp", "1767225600"),
        ("string", "[1]"),
    ],
)
def test_a_parameter_is_never_rounded_or_guessed_at(client: Client, kind: str, value: str) -> None:
    body = f'{{"sql": "SELECT $1 AS n", "parameters": [{{"type": "{kind}", "value": {value}}}]}}'
    answer = client.post(body.encode(), **{"content-type": "application/json"})
    assert (answer.status, "parameter $1 does not fit" in answer.body.decode()) == (400, True)


def test_bytes_are_asked_for_as_they_are_answered(tmp_path: Path) -> None:
    place = tmp_path / "raw"
    deltalake.write_deltalake(place, pa.table({"raw": [b"\0\xff", b"AP8=", None]}))
    with serving({"raw": DeltaTable(name="raw", location=str(place))}) as client:
        answer = client.get("/api/tables/raw?where=raw=AP8=")
        assert answer.json() == [{"raw": "AP8="}]
        assert client.get("/api/tables/raw?where=raw=x").status == 400
