"""The document is one, tells of every table, and is enough to ask by."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import deltalake
import pyarrow as pa
import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from neuralake.arrow import plain_schema
from neuralake.catalog.columns import Column
from neuralake.catalog.tables import DeltaTable
from neuralake.engines import registry
from neuralake.engines.registry import EngineSpec
from tests.serving.conftest import Client, Response, serving

ROWS = pa.table(
    {
        "id": pa.array([1, 2**63 - 1], pa.int64()),
        "total": pa.array([Decimal("1.50"), None], pa.decimal128(12, 2)),
        "at": pa.array([datetime(2024, 1, 31, tzinfo=UTC), None], pa.timestamp("us", "UTC")),
        "ratio": [float("nan"), 0.5],
        "tags": pa.array([["a"], None], pa.list_(pa.string())),
        "place": pa.array([{"x": 1}, None], pa.struct([("x", pa.int32())])),
        "raw": pa.array([b"\x00", None], pa.binary()),
    }
)


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    place = tmp_path_factory.mktemp("lake") / "orders"
    deltalake.write_deltalake(place, ROWS)
    columns = tuple(
        Column(f.name, f.type, f"The {f.name}", nullable=f.nullable) for f in ROWS.schema
    )
    table = DeltaTable(
        name="orders", location=str(place), columns=columns, description="An order, as it is"
    )
    with serving({"orders": table}) as client:
        yield client


@pytest.fixture(scope="module")
def document(client: Client) -> Any:
    return client.get("/openapi.json").json()


class Generated:
    """A client that knows nothing but the document."""

    def __init__(self, document: Any, client: Client) -> None:
        self._operations = {
            operation["operationId"]: (path, method, operation)
            for path, methods in document["paths"].items()
            for method, operation in methods.items()
        }
        self._schemas = document["components"]["schemas"]
        self._client = client

    def call(self, name: str, body: Any = None, **arguments: Any) -> Any:
        path, method, operation = self._operations[name]
        known = {parameter["name"] for parameter in operation.get("parameters", ())}
        assert set(arguments) <= known
        query = f"?{urlencode(arguments, doseq=True)}" if arguments else ""
        if method == "get":
            answer = self._client.get(path + query, accept="application/json")
        else:
            kind = next(iter(operation["requestBody"]["content"]))
            answer = self._client.post(json.dumps(body).encode(), query, **{"content-type": kind})
        self._check(operation, answer)
        return answer.json()

    def _check(self, operation: Any, answer: Response) -> None:
        content = operation["responses"][str(answer.status)]["content"]
        kind = answer.headers["content-type"].partition(";")[0]
        root = {"components": {"schemas": self._schemas}, **content[kind]["schema"]}
        Draft202012Validator(root).validate(answer.json())


def test_it_is_valid(document: Any) -> None:
    validate(document)
    assert document["openapi"].startswith("3.1")


def test_it_tells_what_the_catalog_tells(document: Any) -> None:
    row = document["components"]["schemas"]["orders"]
    assert row["description"] == "An order, as it is"
    assert row["properties"]["total"]["description"] == "The total"
    operation = document["paths"]["/api/tables/orders"]["get"]
    assert operation["summary"] == "An order, as it is"


def test_a_client_made_from_it_asks_and_is_answered_as_it_says(
    document: Any, client: Client
) -> None:
    generated = Generated(document, client)
    rows = generated.call("table_orders", where=["id=9223372036854775807"], columns="id,ratio")
    assert rows == [{"id": 2**63 - 1, "ratio": 0.5}]
    assert generated.call("table_orders", where=["total=1.50"])[0]["at"] == (
        "2024-01-31T00:00:00.000000Z"
    )
    asked = {"sql": "SELECT id FROM orders WHERE id = $1", "parameters": [1]}
    assert generated.call("sql", asked) == [{"id": 1}]
    assert generated.call("schema")["tables"][0]["name"] == "orders"
    assert generated.call("health") == {"status": "ok"}
    assert generated.call("table_orders", where=["nothing=1"])["status"] == 400


@pytest.mark.parametrize(
    "sql", ["SELECT * FROM orders", "SELECT a.* FROM orders a CROSS JOIN (SELECT 1)"]
)
def test_arrow_has_what_the_engine_has(client: Client, sql: str) -> None:
    answer = client.sql(sql, "?format=arrow")
    found = pa.ipc.open_stream(answer.body).read_all().sort_by("id")
    session = registry.start(EngineSpec("datafusion")).open(client.service.tables())
    wanted = session.execute(sql).sort_by("id")
    session.close()
    assert plain_schema(found.schema) == plain_schema(wanted.schema)
    assert repr(found.to_pylist()) == repr(wanted.to_pylist())


def test_the_same_is_told_by_the_schema_route(client: Client) -> None:
    (table,) = client.get("/api/schema").json()["tables"]
    assert [column["name"] for column in table["columns"]] == ROWS.schema.names
    assert table["columns"][1] == {
        "name": "total",
        "type": "decimal128(12, 2)",
        "nullable": True,
        "description": "The total",
    }


def test_prometheus_reads_the_metrics(client: Client) -> None:
    from prometheus_client.parser import text_string_to_metric_families

    client.sql("SELECT 1")
    families = {
        f.name: f for f in text_string_to_metric_families(client.get("/metrics").body.decode())
    }
    counted = {
        (s.labels["route"], s.labels["status"])
        for s in families["neuralake_serve_requests"].samples
    }
    assert ("/api/sql", "200") in counted
    assert families["neuralake_serve_version"].samples[0].labels == {"table": "orders"}
