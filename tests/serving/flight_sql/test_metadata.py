"""What there is, as clients ask for it: tables, columns, keys, and the server itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import deltalake
import pyarrow as pa
import pytest
from pyarrow import flight

from neuralake.catalog.tables import DeltaTable, ForeignKey
from neuralake.serving.flight_sql import metadata
from neuralake.serving.flight_sql.commands import pack
from neuralake.serving.flight_sql.info import SCHEMA as INFO
from neuralake.serving.service import Service
from tests.serving.flight_sql.conftest import connected, serving


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    root = tmp_path_factory.mktemp("shop")
    rows = pa.table({"id": [1], "customer": [1], "part": [1]})
    for name in ("orders", "customers"):
        deltalake.write_deltalake(str(root / name), rows)
    key = ForeignKey(("customer", "part"), "shop.customers", ("id", "part"))
    tables = {
        "orders": DeltaTable(
            name="orders",
            location=str(root / "orders"),
            primary_key=("id", "part"),
            foreign_keys=(key,),
        ),
        "customers": DeltaTable(name="customers", location=str(root / "customers")),
        "gone": DeltaTable(name="gone", location=str(root / "gone")),
    }
    with serving(Service(tables)) as server:
        yield server.url


@pytest.fixture
def client(url: str) -> Iterator[flight.FlightClient]:
    with flight.connect(url) as client:
        yield client


def fetch(client: flight.FlightClient, name: str, *fields: tuple[int, Any]) -> pa.Table:
    """As a client does it: information, then the answer, which must be as was told."""
    descriptor = flight.FlightDescriptor.for_command(pack(name, *fields))
    info = client.get_flight_info(descriptor)
    table = client.do_get(info.endpoints[0].ticket).read_all()
    assert table.schema == info.schema
    assert client.get_schema(descriptor).schema == info.schema
    return table


def names(table: pa.Table) -> list[str]:
    return list(table["table_name"].to_pylist())


def test_schemas(client: flight.FlightClient) -> None:
    assert fetch(client, "CommandGetCatalogs").schema == metadata.CATALOGS
    rows = [{"catalog_name": None, "db_schema_name": "public"}]
    assert fetch(client, "CommandGetDbSchemas").to_pylist() == rows
    assert fetch(client, "CommandGetDbSchemas", (2, "pub%")).to_pylist() == rows
    assert fetch(client, "CommandGetDbSchemas", (2, "other")).num_rows == 0
    assert fetch(client, "CommandGetDbSchemas", (1, "other")).num_rows == 0


def test_tables(client: flight.FlightClient) -> None:
    assert names(fetch(client, "CommandGetTables")) == ["customers", "gone", "orders"]
    assert names(fetch(client, "CommandGetTables", (3, "o%"))) == ["orders"]
    assert names(fetch(client, "CommandGetTables", (3, "gon_"))) == ["gone"]
    assert names(fetch(client, "CommandGetTables", (3, "g.n."))) == []
    assert names(fetch(client, "CommandGetTables", (4, "VIEW"))) == []
    assert len(names(fetch(client, "CommandGetTables", (4, "VIEW"), (4, "TABLE")))) == 3
    assert fetch(client, "CommandGetTableTypes")["table_type"].to_pylist() == ["TABLE"]


def test_a_table_that_cannot_be_read_hides_no_other(client: flight.FlightClient) -> None:
    found = fetch(client, "CommandGetTables", (5, True))
    assert found.schema == metadata.TABLES_WITH_SCHEMA
    assert names(found) == ["customers", "orders"]
    schema = pa.ipc.read_schema(pa.py_buffer(found["table_schema"][0].as_py()))
    assert schema.names == ["id", "customer", "part"]


def test_keys_are_those_of_the_declarations(client: flight.FlightClient) -> None:
    primary = fetch(client, "CommandGetPrimaryKeys", (3, "orders"))
    assert primary.schema == metadata.PRIMARY_KEYS
    assert primary["column_name"].to_pylist() == ["id", "part"]
    assert primary["key_sequence"].to_pylist() == [1, 2]
    for command, fields in {
        "CommandGetImportedKeys": [(3, "orders")],
        "CommandGetExportedKeys": [(3, "customers")],
        "CommandGetCrossReference": [(3, "customers"), (6, "orders")],
    }.items():
        keys = fetch(client, command, *fields)
        assert keys.schema == metadata.FOREIGN_KEYS
        assert keys["fk_column_name"].to_pylist() == ["customer", "part"]
        assert keys["pk_column_name"].to_pylist() == ["id", "part"]
        assert set(keys["pk_table_name"].to_pylist()) == {"customers"}
    assert fetch(client, "CommandGetImportedKeys", (3, "customers")).num_rows == 0
    assert fetch(client, "CommandGetPrimaryKeys", (3, "nowhere")).num_rows == 0


def test_the_server_says_that_it_is_read_only(client: flight.FlightClient) -> None:
    found = fetch(client, "CommandGetSqlInfo", (1, 3), (1, 8), (1, 999_999))
    assert found.schema == INFO
    assert found.to_pydict() == {"info_name": [3, 8], "value": [True, 0]}
    assert fetch(client, "CommandGetSqlInfo").num_rows > 20


def test_types_are_none_but_valid(client: flight.FlightClient) -> None:
    assert fetch(client, "CommandGetXdbcTypeInfo").schema == metadata.XDBC_TYPES


def test_adbc_sees_tables_and_columns(url: str) -> None:
    with connected(url) as cursor:
        connection = cursor.connection
        (catalog,) = connection.adbc_get_objects(depth="columns").read_all().to_pylist()
        (schema,) = catalog["catalog_db_schemas"]
        tables = {t["table_name"]: t["table_columns"] for t in schema["db_schema_tables"]}
        assert [column["column_name"] for column in tables["orders"]] == ["id", "customer", "part"]
        assert connection.adbc_get_info()["vendor_name"] == "Neuralake"
        assert connection.adbc_get_table_types() == ["TABLE"]
        assert connection.adbc_get_table_schema("orders").names == ["id", "customer", "part"]


def test_actions(client: flight.FlightClient) -> None:
    assert {action.type for action in client.list_actions()} == {
        "ClosePreparedStatement",
        "CloseSession",
        "CreatePreparedStatement",
    }
