"""Changes of Delta tables on S3, by each engine's own path."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import deltalake
import pytest

from neuralake.catalog.tables import DeltaTable
from neuralake.engines import registry
from neuralake.engines.registry import EngineSpec
from neuralake.engines.spark import SparkEngine
from neuralake.engines.writing import Rows, Written, writes_of
from neuralake.errors import EngineError
from neuralake.storage import filesystem
from tests.conftest import FAST_ENGINES
from tests.engines.changes import keys, row, stage, until_done
from tests.more import few
from tests.s3.conftest import Place


@pytest.fixture(params=few(FAST_ENGINES, "duckdb"))
def writes(request: pytest.FixtureRequest, s3: Place) -> Iterator[Any]:
    """What the engine writes by, started with what reaches S3."""
    table = DeltaTable(name="t", location=f"{s3.uri}/t", storage_options=s3.options)
    engine = registry.start(registry.reaching(EngineSpec(request.param), {"t": table}))
    yield writes_of(engine)
    engine.close()


@pytest.fixture
def table(s3: Place) -> DeltaTable:
    return DeltaTable(name="t", location=f"{s3.uri}/t", storage_options=s3.options)


def uploaded(rows: Rows, s3: Place, name: str) -> Rows:
    """The same rows, staged on S3."""
    uris = []
    for number, file in enumerate(rows.files):
        uri = f"{s3.uri}/{name}/{number}.parquet"
        system, path = filesystem(uri, s3.options)
        with system.open_output_stream(path) as stream:
            stream.write(Path(file).read_bytes())
        uris.append(uri)
    return replace(rows, files=tuple(uris), storage_options=s3.options)


def held(table: DeltaTable, version: int | None = None) -> list[dict[str, object]]:
    options = dict(table.storage_options)
    found = deltalake.DeltaTable(table.uri, version=version, storage_options=options)
    return sorted(found.to_pyarrow_table().to_pylist(), key=lambda held: held["id"])


def test_a_table_lives_on_s3(writes: Any, table: DeltaTable, s3: Place, tmp_path: Path) -> None:
    first = [row(key) for key in range(1, 7)]
    rows = uploaded(stage(tmp_path / "first", first[:3], first[3:]), s3, "first")
    version = writes.create(table, rows).version
    assert held(table) == first
    rows = stage(tmp_path / "more", [row(7)])  # on disk
    assert writes.append(table, rows).version == version + 1
    gone = uploaded(keys(tmp_path / "gone", 1, 2), s3, "gone")
    assert writes.delete_keys(table, gone, ("id",)).rows == 2
    assert writes.delete(table, "id = 3").rows == 1
    assert writes.update(table, {"Name": "'z'"}, "id = 4").rows == 1
    rows = uploaded(stage(tmp_path / "upsert", [row(4), row(8)]), s3, "upsert")
    assert writes.merge(table, rows, ("id",)).version == version + 5
    assert writes.append(table, uploaded(stage(tmp_path / "9", [row(9)]), s3, "9")).rows == 1
    assert writes.compact(table).version == version + 7
    assert writes.checkpoint(table).version == version + 7
    last = [row(key) for key in range(4, 10)]
    assert writes.vacuum(table, 0, enforce=False).version == version + 9
    assert held(table) == last


@pytest.mark.more  # another Spark, which a process has room for once it has none
def test_spark_changes_a_table_on_s3(
    no_spark: None, table: DeltaTable, s3: Place, tmp_path: Path
) -> None:
    spec = registry.reaching(EngineSpec("spark", {"memory": "768m"}), {"t": table})
    registry.prepare(spec)
    with closing(registry.start(spec)) as engine:
        writes: Any = writes_of(engine)
        rows = uploaded(stage(tmp_path / "rows", [row(key) for key in range(1, 5)]), s3, "rows")
        assert writes.create(table, rows) == Written(1, 4, SparkEngine.write_paths["create"])
        assert writes.append(table, stage(tmp_path / "more", [row(5)])).version == 2
        assert writes.delete_keys(table, keys(tmp_path / "gone", 1), ("id",)).version == 3
        assert writes.compact(table).version == 4
        assert writes.checkpoint(table).version == 4
    assert held(table) == [row(key) for key in range(2, 6)]


def test_writers_of_one_table_on_s3_lose_nothing(
    writes: Any, table: DeltaTable, tmp_path: Path
) -> None:
    version = writes.create(table, stage(tmp_path / "rows", [row(1)])).version

    def change(key: int) -> Written:
        rows = stage(tmp_path / str(key), [row(key)])
        until_done(partial(writes.update, table, {"part": "part + 1"}, "id = 1"))
        return until_done(partial(writes.append, table, rows))

    with ThreadPoolExecutor(3) as pool:
        done = list(pool.map(change, (2, 4, 5)))
    assert held(table) == [row(1) | {"part": 4}, row(2), row(4), row(5)]
    assert (
        deltalake.DeltaTable(table.uri, storage_options=dict(table.storage_options)).version()
        == version + 6
    )
    for key, one in zip((2, 4, 5), done, strict=True):
        assert one.version is not None
        assert row(key) in held(table, one.version)
        assert row(key) not in held(table, one.version - 1)


def test_what_fails_on_s3_tells_no_secret(
    writes: Any, table: DeltaTable, s3: Place, tmp_path: Path
) -> None:
    rows = stage(tmp_path / "rows", [row(1)])
    writes.create(table, rows)
    options = {**table.storage_options, "aws_secret_access_key": "is-not-it-at-all"}
    wrong = replace(table, storage_options=options)
    with pytest.raises(Exception, match="t") as raised:
        writes.append(wrong, rows)
    assert "is-not-it-at-all" not in str(raised.value)
    with pytest.raises(EngineError, match="nothere") as raised:
        writes.delete(table, "nothere = 1")
    assert s3.server.secret_access_key not in str(raised.value)
