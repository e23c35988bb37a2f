"""Engines by name, and their options from text."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuralake.engines.datafusion import DataFusionOptions
from neuralake.engines.polars import PolarsOptions
from neuralake.engines.registry import (
    EngineSpec,
    describe_engines,
    engine_names,
    engine_type,
    parse_options,
    parse_specs,
)
from neuralake.errors import EngineError


def test_the_engines_that_come_along() -> None:
    assert {"polars", "datafusion", "spark", "duckdb"} <= set(engine_names())
    for info in describe_engines():
        assert info.available == (info.reason is None)
        assert engine_type(info.name).name == info.name
    described = {info.name: info for info in describe_engines()}
    assert described["polars"].options == {
        "engine": "streaming",
        "threads": "0",
        "delta_reader": "snapshot-files",
        "memory": "auto",
        "spill_limit": "auto",
    }
    assert described["polars"].writes["append"] == "polars sink_delta"
    assert described["polars"].sessions_at_once
    assert described["polars"].package == "neuralake-bench"
    assert set(described["datafusion"].versions) == {"datafusion", "deltalake"}


def test_engines_keep_the_order_in_which_they_were_named() -> None:
    specs = parse_specs(
        ["duckdb", "polars"], ["polars:threads=2", "duckdb:threads=1", "polars:engine=in-memory"]
    )
    assert specs == (
        EngineSpec("duckdb", {"threads": "1"}),
        EngineSpec("polars", {"threads": "2", "engine": "in-memory"}),
    )


def test_options_get_the_types_that_are_declared() -> None:
    spec = EngineSpec("polars", {"threads": "2", "engine": "in-memory"})
    assert parse_options(spec) == PolarsOptions("in-memory", 2)
    assert parse_options(EngineSpec("polars")) == PolarsOptions()


def test_a_key_with_a_dot_is_the_engines_own_setting() -> None:
    spec = EngineSpec(
        "datafusion", {"datafusion.execution.batch_size": "1", "target_partitions": "3"}
    )
    expected = DataFusionOptions(3, config={"datafusion.execution.batch_size": "1"})
    assert parse_options(spec) == expected


@pytest.mark.parametrize(
    ("names", "options", "message"),
    [
        (
            ["oracle"],
            [],
            "unknown engine 'oracle': expected one of daft, datafusion, duckdb, polars",
        ),
        ([""], [], "unknown engine ''"),
        (["polars"], ["oracle:a=1"], "unknown engine 'oracle'"),
        (["polars"], ["duckdb:threads=1"], "duckdb is not among the engines of this run (polars)"),
        (["polars"], ["polars"], "engine option 'polars': expected NAME:KEY=VALUE"),
        (["polars"], ["polars:threads"], "expected NAME:KEY=VALUE"),
        (["polars"], ["polars:=1"], "expected NAME:KEY=VALUE"),
        (["polars"], ["polars:cores=1"], "has no option 'cores': it has delta_reader, engine"),
        (["polars"], ["polars:a.b=1"], "has no option 'a.b'"),
        (["polars"], ["polars:threads=many"], "option threads is 'many': expected a whole number"),
        (["polars"], ["polars:threads=1.5"], "option threads is '1.5': expected a whole"),
        (
            ["polars"],
            ["polars:threads=-1"],
            "polars: threads is -1: expected 0 (all cores) or more",
        ),
        (["polars"], ["polars:engine=gpu"], "option engine is 'gpu': expected one of streaming"),
        (["duckdb"], ["duckdb:threads=-1"], "duckdb: threads is -1"),
        (["duckdb"], ["duckdb:async_threads=-2"], "duckdb: async_threads is -2: expected -1"),
        (["datafusion"], ["datafusion:target_partitions=-1"], "target_partitions is -1"),
        (["datafusion"], ["datafusion:config=x"], "has no option 'config': it has delta_reader, "),
    ],
)
def test_a_mistake_is_said_before_anything_starts(
    names: list[str], options: list[str], message: str
) -> None:
    with pytest.raises(EngineError, match=re.escape(message)):
        parse_specs(names, options)


@given(st.text(max_size=20))
def test_any_text_is_an_option_or_an_error(text: str) -> None:
    try:
        (spec,) = parse_specs(["polars"], [text])
    except EngineError:
        return
    assert isinstance(parse_options(spec), PolarsOptions)


def test_an_engine_that_was_installed_meanwhile_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    os.utime(tmp_path, (1, 1))  # long before
    assert "newer" not in engine_names()
    metadata = tmp_path / "newer-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: newer\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[neuralake.engines]\nnewer = newer:Engine\n")
    assert "newer" in engine_names()
