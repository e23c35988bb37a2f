"""A table on S3 that is kept in memory follows its log as one on disk does."""

from __future__ import annotations

import deltalake
import pytest

from neuralake.catalog.tables import DeltaTable
from neuralake.delta.live_file import LiveFile
from neuralake.serving.hot import HotTable
from neuralake.serving.service import Service
from neuralake.writer import Compactor, Packing, Upkeep, Vacuum, Writer
from tests.s3.conftest import Place
from tests.writer.conftest import EVENTS, events


def answer(service: Service) -> tuple[int, int, int]:
    """The version that was read, and the number and the sum of what is in it."""
    found = service.query("SELECT count(*) AS n, sum(id) AS s FROM t")
    (batch,) = list(found)
    return found.versions["t"], batch.column("n")[0].as_py(), batch.column("s")[0].as_py()


def test_it_is_followed_and_what_was_packed_is_not_fetched_again(
    s3: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = s3.options
    deltalake.DeltaTable.create(
        s3.uri,
        EVENTS,
        configuration={"delta.checkpointInterval": "4"},
        storage_options=options,
    )
    fetched: list[LiveFile] = []
    rows_of = HotTable._rows

    def rows(self: HotTable, file: LiveFile) -> list[object]:
        fetched.append(file)
        return list(rows_of(self, file))

    monkeypatch.setattr(HotTable, "_rows", rows)
    table = DeltaTable(name="t", location=s3.uri, storage_options=options)
    service = Service({"t": table})
    try:
        with Writer(s3.uri, storage_options=options) as writer:
            for number in range(9):
                version = writer.append(events(10 * number)).version
                n = 10 * (number + 1)
                assert answer(service) == (version, n, n * (n - 1) // 2)
        assert len(fetched) == 9
        compactor = Compactor(s3.uri, Packing(), storage_options=options)
        done = compactor.run_once()
        assert done is not None
        assert Upkeep(s3.uri, storage_options=options).run_once() is not None
        Vacuum(s3.uri, retention_s=0, is_forced=True, storage_options=options).run_once()
        assert answer(service) == (done.version, 90, 90 * 89 // 2)
        assert len(fetched) == 9
        deltalake.DeltaTable(s3.uri, storage_options=options).delete("id % 2 = 0")
        assert answer(service) == (done.version + 1, 45, 45 * 45)
    finally:
        service.close()
