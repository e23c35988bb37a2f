"""`neuralake verify` of views on Spark, which is the one that other tests have started."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from neuralake.catalog.load import load_catalog
from neuralake.engines import registry
from neuralake.engines.registry import EngineSpec
from neuralake.verify import tables
from neuralake.verify.selection import Selection
from neuralake.verify.verification import Plan, verify
from tests.conftest import Spark
from tests.engines.sessions import KeptOpen
from tests.verify.views import ROWS_OF_VIEWS, make_views

ENGINES = ("polars", "spark")


class Here:
    """What a process of a check holds, in this one: a JVM takes a quarter of a minute to start."""

    def __init__(self, target: str, *_: object) -> None:
        module, name = target.split(":")
        self._held = getattr(import_module(module), name)()
        self.first: object = None

    def call(self, method: str, *arguments: Any) -> Any:
        return getattr(self._held, method)(*arguments)

    def close(self) -> None:
        """It ends with what holds it."""


@pytest.mark.more  # on each engine by themselves, and on the others when verified
def test_views_and_a_table_of_a_database_are_on_spark_what_they_are_on_polars(
    tmp_path: Path, shared_spark: Spark, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_views(tmp_path / "shop.py", tmp_path)
    start, spark = registry.start, KeptOpen(shared_spark.engine())
    monkeypatch.setattr(tables, "Process", Here)
    monkeypatch.setattr(registry, "start", lambda s: spark if s.name == "spark" else start(s))
    plan = Plan(
        {"NEURALAKE_STORAGE_ROOT": str(tmp_path)},
        lambda settings: load_catalog(str(tmp_path / "shop.py"), settings),
        engines=tuple(map(EngineSpec, ENGINES)),
        selection=Selection(("table", "engine", "rows", "primary_key")),
    )
    found = {result.name: result for result in verify(plan, lambda _: None).results}
    asked = {name: result for name, result in found.items() if "." in name}
    assert {result.status for result in asked.values()} == {"passed"}, asked
    for name, number in ROWS_OF_VIEWS.items():
        said = found[f"rows.shop.{name}"].reason
        assert said.startswith(f"{number} rows on polars, spark; checksum "), said
