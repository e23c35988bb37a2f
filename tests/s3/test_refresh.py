"""Refresh sets of a dataset on S3 are those of the same dataset on disk."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from neuralake.errors import StorageError
from neuralake.tpch.generate import generate
from neuralake.tpch.refresh.checks import check_tables, table_totals
from neuralake.tpch.refresh.stage import stage
from neuralake.tpch.tables import at
from tests.conftest import Cli
from tests.s3.conftest import Place


def test_sets_are_staged_from_s3_and_tables_there_are_checked(
    s3: Place, tmp_path: Path, typed: Cli
) -> None:
    generate(0.003, s3.uri, storage_options=s3.options)
    generate(0.003, str(tmp_path / "disk"))
    local = stage(str(tmp_path / "disk"), [1, 999], tmp_path / "local")
    remote = stage(s3.uri, [1, 999], tmp_path / "remote", storage_options=s3.options)
    for one, other in zip(local.sets, remote.sets, strict=True):
        for name in ("orders", "lineitem", "deleted_orders", "deleted_lineitem"):
            a, b = (pq.read_table(getattr(each, name).path) for each in (one, other))
            assert a.equals(b)
    tables = at(s3.uri, s3.options)
    fresh = table_totals(tables["orders"], tables["lineitem"])
    assert all(check.passed for check in check_tables(tables, fresh, remote, (), ()))
    place = tmp_path / "typed"
    done = typed(
        *("tpch", "refresh", "--set", "1", "--dataset", s3.uri, "--to", place),
        environment=s3.environ,
    )
    assert (done.returncode, done.stdout.strip()) == (0, str(place)), done.stderr


def test_a_service_that_refuses_leaves_nothing_behind(s3: Place, tmp_path: Path) -> None:
    generate(0.001, s3.uri, storage_options=s3.options)
    wrong = dict(s3.options) | {"aws_secret_access_key": "wrong"}
    with pytest.raises(StorageError):
        stage(s3.uri, [1], tmp_path / "out" / "sets", storage_options=wrong)
    assert not (tmp_path / "out").exists()
