"""Arrow's own JDBC driver asks the server, in Java."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
from decimal import Decimal
from pathlib import Path

import deltalake
import pyarrow as pa
import pytest

from neuralake.catalog.tables import DeltaTable
from neuralake.java.jar import Jar
from neuralake.java.jars import fetch_jars
from neuralake.java.runtime import find_java
from neuralake.serving.service import Service
from tests.serving.flight_sql.conftest import serving

DRIVER = Jar(
    "org.apache.arrow",
    "flight-sql-jdbc-driver",
    "18.3.0",
    "3f418b46c880e263558c5de669bdbede2c5d4375527ced116fb29f795b03704c",
)
SAID = """\
1 1.50 2024-02-29
2 null 2024-02-29
3 12345678901.25 2024-02-29
prepared 3
Neuralake true
TABLE_SCHEM public
TABLE_NAME orders
COLUMN_NAME id
COLUMN_NAME price
COLUMN_NAME day
COLUMN_NAME id
refused
"""


@pytest.mark.more  # 45 MB from Maven, for calls that ADBC makes too
def test_jdbc_runs(tmp_path: Path) -> None:
    prices = [Decimal("1.50"), None, Decimal("12345678901.25")]
    rows = pa.table({"id": [1, 2, 3], "price": prices, "day": [dt.date(2024, 2, 29)] * 3})
    deltalake.write_deltalake(str(tmp_path / "orders"), rows)
    orders = DeltaTable(name="orders", location=str(tmp_path / "orders"), primary_key=("id",))
    (driver,) = fetch_jars([DRIVER], f"flight-sql-jdbc-{DRIVER.revision}", os.environ)
    java = find_java(os.environ)
    with serving(Service({"orders": orders})) as server:
        url = f"jdbc:arrow-flight-sql://127.0.0.1:{server.port}/?useEncryption=false"
        done = subprocess.run(
            [
                *(str(java.executable), "--add-opens=java.base/java.nio=ALL-UNNAMED"),
                *("-cp", str(driver), str(Path(__file__).with_name("Ask.java")), url),
            ],
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
    assert done.stdout == SAID, done.stderr
