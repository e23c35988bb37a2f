"""Sessions of one engine that are open at once: each has its tables, and its query, to itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest

from neuralake.catalog.tables import DeltaTable
from neuralake.engines.protocol import Engine, Interruptible, Session
from neuralake.engines.registry import EngineSpec, engine_type, start
from neuralake.engines.spark import SparkEngine
from neuralake.engines.writing import sessions_at_once
from tests.conftest import FAST_ENGINES
from tests.delta.make import File, write_table
from tests.engines.changes import row, table_of
from tests.more import few

ROUNDS = 3


def make(root: Path, engine: Engine, *keys: int) -> DeltaTable:
    """A table of rows with these keys; to DuckDB one of which it must make several things."""
    rows, deleted = table_of(row(key) for key in keys), []
    if engine.name == "duckdb":
        rows, deleted = table_of(row(key) for key in (0, *keys)), [0]
    features = ("deletionVectors", "timestampNtz")
    write_table(root, rows.schema, [File(rows, "a.parquet", deleted=deleted)], features=features)
    return DeltaTable(name=root.name, location=str(root))


def ask(session: Session, sql: str) -> dict[str, Any]:
    found: dict[str, Any] = session.execute(sql).to_pylist()[0]
    return found


def both(first: Callable[[], Any], second: Callable[[], Any]) -> tuple[Any, Any]:
    """What two threads find that begin together."""
    begin = Barrier(2)

    def run(call: Callable[[], Any]) -> Any:
        begin.wait()
        return call()

    with ThreadPoolExecutor(2) as pool:
        found = [pool.submit(run, call) for call in (first, second)]
        return found[0].result(), found[1].result()


@pytest.fixture
def tables(engine: Engine, tmp_path: Path) -> Mapping[str, DeltaTable]:
    few, many = tmp_path / "few", tmp_path / "many"
    return {"few": make(few, engine, 1, 2), "many": make(many, engine, 1, 2, 4, 5)}


def test_an_engine_says_whether_it_takes_sessions_at_once(engine: Engine) -> None:
    assert sessions_at_once(engine_type(engine.name))


@pytest.mark.more_of("spark")
def test_a_name_is_the_sessions_own(engine: Engine, tables: Mapping[str, DeltaTable]) -> None:
    """Two threads call other tables by one name, again and again at the same time."""
    sql = "SELECT count(*) AS n, sum(id) AS ids FROM t"

    def session(table: str, own: str) -> Session:
        return engine.open({"t": tables[table], own: tables[table]})

    def asked(session: Session) -> list[dict[str, Any]]:
        return [ask(session, sql) for _ in range(ROUNDS)]

    few, many = both(lambda: session("few", "a"), lambda: session("many", "b"))
    found = both(lambda: asked(few), lambda: asked(many))
    assert found == ([{"n": 2, "ids": 3}] * ROUNDS, [{"n": 4, "ids": 12}] * ROUNDS)
    with pytest.raises(Exception, match="b"):
        few.execute("SELECT * FROM b")
    few.close()
    assert ask(many, sql) == {"n": 4, "ids": 12}
    many.close()


@pytest.mark.more_of("spark")
def test_a_session_reads_the_version_that_it_was_opened_at(engine: Engine, tmp_path: Path) -> None:
    """Whatever is committed meanwhile, by whoever has another session."""
    import deltalake

    root = tmp_path / "t"
    deltalake.write_deltalake(str(root), table_of([row(1)]))
    table = DeltaTable(name="t", location=str(root))
    before = engine.open({"t": table.pinned()})
    deltalake.write_deltalake(str(root), table_of([row(2)]), mode="append")
    after = engine.open({"t": table.pinned()})
    sql = "SELECT max(id) AS newest FROM t"
    assert both(lambda: ask(before, sql), lambda: ask(after, sql)) == ({"newest": 1}, {"newest": 2})
    after.close()
    assert ask(before, sql) == {"newest": 1}
    before.close()


@pytest.mark.parametrize("times", few([5, 40]))
@pytest.mark.parametrize("name", FAST_ENGINES)
def test_no_file_is_read_that_another_writes_meanwhile(
    name: str, times: int, tmp_path: Path
) -> None:
    """Files are rewritten while tables are opened: whichever version is read has every row once."""
    import deltalake

    engine = start(EngineSpec(name))
    for number in range(times):
        root = tmp_path / str(number)
        for key in (1, 2):
            deltalake.write_deltalake(str(root), table_of([row(key)]), mode="append")
        table = DeltaTable(name="t", location=str(root))

        def rewrite(root: Path = root) -> None:
            deltalake.DeltaTable(str(root)).update({"flag": "true"})

        def read(table: DeltaTable = table) -> list[object]:
            found = []
            for _ in range(8):
                session = engine.open({"t": table.pinned()})
                found.append(ask(session, "SELECT count(*) AS n FROM t")["n"])
                session.close()
            return found

        _, counts = both(rewrite, read)
        assert counts == [2] * len(counts)
    engine.close()


LONG = {  # hours: whoever interrupts may come late
    "duckdb": "SELECT sum(range % 7) AS n FROM range(1000000000000)",
    "spark": "SELECT sum(id % 7) AS n FROM range(1000000000000)",
}


@pytest.mark.more_of("spark")
@pytest.mark.parametrize("engine", LONG, indirect=True)
def test_an_interruption_ends_the_sessions_own_query_alone(
    engine: Engine, tables: Mapping[str, DeltaTable]
) -> None:
    ended, going_on = engine.open({"t": tables["few"]}), engine.open({"t": tables["many"]})
    assert isinstance(ended, Interruptible)
    count = "SELECT count(*) AS n FROM t"
    with ThreadPoolExecutor(2) as pool:
        long = pool.submit(ended.execute, LONG[engine.name])
        other = pool.submit(lambda: [ask(going_on, count) for _ in range(ROUNDS)])
        while not wait([long], timeout=0.05).done:  # one that comes too early does nothing
            ended.interrupt()
        assert long.exception() is not None
        assert other.result() == [{"n": 4}] * ROUNDS
    assert ask(ended, count) == {"n": 2}  # it can be asked again
    ended.close()
    going_on.close()


@pytest.mark.more
@pytest.mark.parametrize("engine", ["spark"], indirect=True)
def test_each_thread_has_a_pool_of_sparks_fair_scheduler(
    engine: SparkEngine, tables: Mapping[str, DeltaTable]
) -> None:
    assert engine.settings["scheduler"] == "fair"
    session = engine.open({"t": tables["few"]})
    context = engine.new_session().sparkContext

    def pool() -> Any:
        session.execute("SELECT count(*) AS n FROM t")
        return context.getLocalProperty("spark.scheduler.pool")

    first, second = both(pool, pool)
    assert first != second
    pools = context._jsc.sc().getAllPools()
    assert {first, second} <= {pools.apply(place).name() for place in range(pools.size())}
    session.close()
