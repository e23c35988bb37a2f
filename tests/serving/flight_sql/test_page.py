"""The page on reading over Flight SQL, followed from top to bottom against a real server."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import deltalake
import pyarrow as pa

from neuralake.catalog.tables import DeltaTable
from neuralake.serving.listening import Listening
from neuralake.serving.service import Service
from neuralake.sources.address import Address
from tests.serving.flight_sql.conftest import serving

PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "read-over-flight-sql.md"
_BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_it_can_be_followed(tmp_path: Path, certificate: tuple[Path, Path]) -> None:
    rows = pa.table({"id": range(20), "amount": [50 * number for number in range(20)]})
    deltalake.write_deltalake(str(tmp_path / "orders"), rows)
    tables = {"orders": DeltaTable(name="orders", location=str(tmp_path / "orders"))}
    service = Service(tables)
    tls = Listening(Address("localhost", 0), *certificate)
    found: dict[str, Any] = {"token": "secret", "certificate": certificate[0].read_text()}
    with serving(service) as plain, serving(Service(tables), tls, "secret") as protected:
        text = "\n".join(_BLOCK.findall(PAGE.read_text()))
        text = text.replace("grpc://127.0.0.1:8081", plain.url)
        text = text.replace(":8443", f":{protected.port}")
        exec(compile(text, PAGE.name, "exec"), found)
        try:
            with found["protected"].cursor() as cursor:
                cursor.execute("SELECT 1 AS one")
                assert cursor.fetchall() == [(1,)]
        finally:
            found["protected"].close()
            found["connection"].close()
    assert found["orders"].shape == (20, 2)
    assert found["large"].rows() == [(18, 900), (19, 950)]
    assert [str(kind) for kind in found["frame"].dtypes] == ["int64[pyarrow]"] * 2
    assert found["table"].to_pylist() == [{"n": 9}]
    assert found["schema"].names == ["id", "amount"]
