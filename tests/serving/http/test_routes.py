"""What each route answers."""

from __future__ import annotations

from collections.abc import Iterator

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
