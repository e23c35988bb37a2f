"""A service answers statements over tables as they are at that moment."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import deltalake
import pyarrow as pa
import pytest

from neuralake.catalog.tables import DeltaTable
from neuralake.errors import ServingError
from neuralake.serving.answers import ForbiddenError, RefusedError
from neuralake.serving.service import Service

ORDERS = pa.table({"id": [1, 2, 3], "total": [10, 20, 30]})


@pytest.fixture(scope="module")
def orders(tmp_path_factory: pytest.TempPathFactory) -> str:
    place = tmp_path_factory.mktemp("lake") / "orders"
    deltalake.write_deltalake(place, ORDERS)
    return str(place)


@pytest.fixture(scope="module")
def service(orders: str) -> Iterator[Service]:
    served = Service({"orders": DeltaTable(name="orders", location=orders)})
    yield served
    served.close()


def ask(service: Service, sql: str, *parameters: pa.Scalar) -> pa.Table:
    answer = service.query(sql, parameters)
    return pa.Table.from_batches(list(answer), answer.schema)


def test_a_statement_is_answered_with_the_version_that_it_was_asked_of(service: Service) -> None:
    answer = service.query("SELECT sum(total) AS total FROM orders")
    assert answer.versions == {"orders": 0}
    assert pa.Table.from_batches(list(answer)).to_pylist() == [{"total": 60}]


def test_what_was_committed_before_a_question_is_in_its_answer(tmp_path: Path) -> None:
    place = str(tmp_path / "orders")
    deltalake.write_deltalake(place, ORDERS)
    service = Service({"orders": DeltaTable(name="orders", location=place)})
    for version in range(1, 6):
        deltalake.write_deltalake(place, ORDERS, mode="append")
        answer = service.query("SELECT count(*) AS n FROM orders")
        assert answer.versions == {"orders": version}
        assert pa.Table.from_batches(list(answer)).to_pylist() == [{"n": 3 * (version + 1)}]


def test_parameters_are_values_and_not_text(service: Service) -> None:
    found = ask(service, "SELECT id FROM orders WHERE total = $1", pa.scalar(20))
    assert found.to_pylist() == [{"id": 2}]


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO orders VALUES (4, 40)",
        "CREATE EXTERNAL TABLE t STORED AS PARQUET LOCATION '/etc/'",
        "COPY orders TO '/tmp/stolen.parquet'",
        "SET datafusion.execution.batch_size = 1",
        "EXPLAIN SELECT * FROM orders",
        "DROP TABLE orders",
        "DELETE FROM orders",
    ],
)
def test_only_questions_are_answered(service: Service, sql: str) -> None:
    with pytest.raises(ForbiddenError):
        service.query(sql)


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("SELECT * FROM missing", "no table missing"),
        (
            "SELECT * FROM shop.orders",
            "no table shop.orders: tables are named alone, without their database",
        ),
        (
            "SELECT count(*) FROM orders, a.shop.orders",
            "no table a.shop.orders: tables are named alone, without their database",
        ),
        ('SELECT * FROM "shop.orders"', "no table shop.orders"),
        ("SELECT '\0'", "a column of the answer cannot be told: "),
        ("SELECT '\0' AS \"\0\", count(*)", "a column of the answer cannot be told: "),
        ("SELECT $1", "parameter $2 stands nowhere in the statement"),
        ("SELECT id FROM orders", "parameter $1 stands nowhere in the statement"),
    ],
)
def test_what_cannot_be_meant_is_said_in_a_line(service: Service, sql: str, reason: str) -> None:
    parameters = (pa.scalar(1), pa.scalar(2)) if reason.startswith("parameter") else ()
    with pytest.raises(RefusedError, match=f"^{re.escape(reason)}"):
        service.query(sql, parameters)


def test_what_does_not_exist_is_refused(service: Service) -> None:
    with pytest.raises(RefusedError, match="missing"):
        service.query("SELECT * FROM missing")


def test_a_refused_statement_gives_its_place_back(service: Service) -> None:
    for _ in range(2 * service.turns.places):
        with pytest.raises(ServingError):
            service.query("SELEC")
    assert service.turns.running == 0


def test_what_a_service_starts_ends_when_it_is_closed(orders: str) -> None:
    before = set(threading.enumerate())
    service = Service({f"t{i}": DeltaTable(name=f"t{i}", location=orders) for i in range(8)})
    service.start()
    service.close()
    assert set(threading.enumerate()) == before
    service.close()


UNCLOSED = """
import atexit, sys, threading
atexit.register(lambda: print(threading.enumerate() == [threading.main_thread()]))
from neuralake.catalog import DeltaTable
from neuralake.serving.service import Service
service = Service({f"t{i}": DeltaTable(name=f"t{i}", location=sys.argv[1]) for i in range(20)})
service.start()
"""


def test_a_program_that_closes_no_service_ends_none_of_its_threads_within_a_library(
    orders: str,
) -> None:
    done = subprocess.run([sys.executable, "-c", UNCLOSED, orders], capture_output=True, check=True)
    assert (done.stdout, done.stderr) == (b"True\n", b"")
