"""Whether files hold a NaN that their statistics leave out: what is asked, and of which columns."""

from __future__ import annotations

import math
from pathlib import Path

import deltalake
import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuralake.catalog.tables import DeltaTable, FunctionTable, ParquetTable, pinned
from neuralake.delta.nans import has_floats, hides_nan, open_to_question

NAN = math.nan
FLOATS = {
    kind: pa.array([1, 2, NAN, None], kind) for kind in (pa.float16(), pa.float32(), pa.float64())
}


def written(place: Path, rows: pa.Table, row_group_size: int | None = None) -> pq.FileMetaData:
    pq.write_table(rows, place, row_group_size=row_group_size)
    return pq.read_metadata(place)


def hides(place: Path, rows: pa.Table, row_group_size: int | None = None) -> bool:
    return hides_nan({str(place): written(place, rows, row_group_size)}, {})


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "a.parquet"


@pytest.mark.parametrize("kind", FLOATS, ids=str)
def test_floats_of_every_width_are_asked(kind: pa.DataType, place: Path) -> None:
    values = FLOATS[kind]
    assert hides(place, pa.table({"x": values}))
    assert not hides(place, pa.table({"x": values.slice(0, 2)}))
    assert hides(place, pa.table({"s": pa.StructArray.from_arrays([values], ["y"])}))
    assert hides(place, pa.table({"x": values.dictionary_encode()}))


def test_only_floats_are_asked_of_which_there_are_statistics(place: Path) -> None:
    struct = pa.array([{"y": 1.0, "n": 1}, None])
    rows = pa.table({"id": [1, 2], "x.y": [1.0, 2.0], "s": struct, "l": [[1.0], [NAN]]})
    assert open_to_question(written(place, rows)) == {0: ["x.y", "s.y"]}
    assert not hides(place, rows), "no engine has statistics of what is within a list"
    pq.write_table(pa.table({"x": [1.0, NAN]}), place, write_statistics=False)
    assert open_to_question(pq.read_metadata(place)) == {}


def test_row_groups_are_asked_each_but_those_that_tell(place: Path) -> None:
    values = [1.0, 2.0, NAN, NAN, None, None]
    footer = written(place, pa.table({"x": values}), row_group_size=2)
    assert open_to_question(footer) == {0: ["x"], 1: ["x"]}, "nulls alone hide nothing"
    assert hides_nan({str(place): footer}, {}), "NaN alone in its group is missed by the file's"
    assert not hides(place, pa.table({"x": [NAN, NAN]})), "which has no statistics"


def test_writers_that_tell_of_nan_are_believed(place: Path) -> None:
    duckdb.sql(f"COPY (SELECT 1.5::DOUBLE AS x) TO '{place}'")
    assert open_to_question(pq.read_metadata(place)) == {}
    duckdb.sql(f"COPY (FROM (VALUES (1.5::DOUBLE), ('nan'::DOUBLE)) AS t(x)) TO '{place}'")
    assert not pq.read_metadata(place).row_group(0).column(0).statistics.has_min_max
    pl.DataFrame({"x": [1.5, NAN]}).write_parquet(place)
    assert hides_nan({str(place): pq.read_metadata(place)}, {})


@given(st.lists(st.sampled_from([None, NAN, math.inf, 0.0, 1.0]), min_size=1), st.integers(1, 5))
def test_it_is_so_where_bounds_stand_beside_a_nan(
    tmp_path_factory: pytest.TempPathFactory, values: list[float | None], size: int
) -> None:
    place = tmp_path_factory.mktemp("nans") / "a.parquet"
    there = [value for value in values if value is not None]
    nans = [math.isnan(value) for value in there]
    rows = pa.table({"x": pa.array(values, pa.float64())})
    assert hides(place, rows, size) == (any(nans) and not all(nans))


def test_structs_have_floats_and_lists_none_that_count() -> None:
    assert has_floats(pa.struct([("a", pa.int64()), ("b", pa.struct([("c", pa.float32())]))]))
    assert not has_floats(pa.list_(pa.float64()))
    assert not has_floats(pa.decimal128(9, 2))


class TestPinned:
    def test_a_table_is_asked_once_for_all_who_open_it(self, tmp_path: Path) -> None:
        deltalake.write_deltalake(str(tmp_path / "d"), pa.table({"x": [1.0, NAN]}))
        (tmp_path / "p").mkdir()
        written(tmp_path / "p" / "a.parquet", pa.table({"x": [1.0, NAN]}))
        first = DeltaTable(name="t", location=str(tmp_path / "d"))
        other = ParquetTable(name="t", location=str(tmp_path / "p"))
        assert first.hides_nan is other.hides_nan is None
        known, known_too = pinned(first), pinned(other)
        assert isinstance(known, DeltaTable)
        assert isinstance(known_too, ParquetTable)
        assert (known.version, known.hides_nan, known_too.hides_nan) == (0, True, True)
        assert first.contents().hides_nan, "and by itself where nobody pinned it"
        deltalake.write_deltalake(str(tmp_path / "d"), pa.table({"x": [1.0]}), mode="overwrite")
        later = pinned(first)
        assert isinstance(later, DeltaTable)
        assert (later.version, later.hides_nan) == (1, False)
        assert known.contents().hides_nan, "as it was"

    def test_a_file_that_is_not_there_is_left_to_who_opens_it(self, tmp_path: Path) -> None:
        deltalake.write_deltalake(str(tmp_path), pa.table({"x": [1.0, NAN]}))
        table = DeltaTable(name="t", location=str(tmp_path))
        for file in table.files():
            Path(file).unlink()
        left = pinned(table)
        assert isinstance(left, DeltaTable)
        assert (left.version, left.hides_nan) == (0, None)

    def test_what_has_no_files_stays_as_it_is(self) -> None:
        def nothing() -> pa.Table:
            return pa.table({"x": [NAN]})

        table = FunctionTable(name="t", function=nothing)
        assert pinned(table) is table
