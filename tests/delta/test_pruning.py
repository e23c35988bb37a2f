"""Row groups that a filter finds nothing in are passed over, and no row is lost by it."""

from __future__ import annotations

import math
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import fs

from neuralake.delta.pruning import may_hold
from neuralake.delta.rows import FilesDataset, PlainFiles
from neuralake.delta.snapshot import DataFile

SCHEMA = pa.schema(
    [
        ("id", pa.int64()),
        ("s", pa.string()),
        ("x", pa.float64()),
        ("later", pa.int32()),
        ("k", pa.string()),
    ]
)
ROWS = pa.table(
    {
        "id": range(6),
        "s": ["a", "a", "b", None, "c", "d"],
        "x": [1.0, math.nan, 2.0, 2.0, 3.0, None],
    }
)
LOCAL = fs.LocalFileSystem()


def groups(root: Path, filter: ds.Expression, value: str | None = "v") -> list[int]:
    pq.write_table(ROWS, root / "a.parquet", row_group_size=2)
    partition = {"k": pa.scalar(value, pa.string())}
    return may_hold(str(root / "a.parquet"), LOCAL, filter, SCHEMA, partition)[1]


ID, S, X, LATER, K = map(pc.field, SCHEMA.names)


@pytest.mark.parametrize(
    ("filter", "expected"),
    [
        (ID > 3, [2]),
        ((ID > 1) & (S == "b"), [1]),
        (S.isin(["a", "d"]), [0, 2]),
        (ID.is_null(), []),
        (S.is_null(), [1]),
        (K == "w", []),
        (K == "v", [0, 1, 2]),
        ((K == "v") & (ID < 2), [0]),
        (X > 2.5, [0, 1, 2]),
        ((X > 2.5) & (ID > 3), [0, 1, 2]),
        (LATER > 0, [0, 1, 2]),
        (pc.utf8_length(S) > 1, [1, 2]),
    ],
    ids=str,
)
def test_only_row_groups_that_may_have_rows_are_read(
    filter: ds.Expression, expected: list[int], tmp_path: Path
) -> None:
    assert groups(tmp_path, filter) == expected


def test_a_missing_partition_value_is_null(tmp_path: Path) -> None:
    assert groups(tmp_path, K == "v", None) == []
    assert groups(tmp_path, K.is_null(), None) == [0, 1, 2]


def test_nothing_is_said_of_a_column_that_is_otherwise_in_the_file(tmp_path: Path) -> None:
    stored = pa.table({"id": pa.array([1, 2], pa.int32()), "k": ["w", "w"]})
    pq.write_table(stored, tmp_path / "a.parquet")
    for condition in (ID > 5, K == "w"):
        partition = {"k": pa.scalar("v")}
        _, found = may_hold(str(tmp_path / "a.parquet"), LOCAL, condition, SCHEMA, partition)
        assert found == [0]


VALUES = {
    "id": st.one_of(st.none(), st.integers(-3, 3)),
    "s": st.one_of(st.none(), st.sampled_from(["", "a", "b", "ab", "x" * 100])),
    "x": st.one_of(st.none(), st.sampled_from([math.nan, math.inf, -1.0, 0.0, 1.0])),
}
LITERALS = {"id": st.integers(-3, 3), "s": st.sampled_from(["", "a", "b"]), "x": st.floats(-1, 1)}


@st.composite
def files(draw: st.DrawFn) -> tuple[pa.Table, int, pa.BooleanArray | None, str | None]:
    """Rows, rows a row group, which are kept, and the value of the partition."""
    count = draw(st.integers(0, 12))
    columns = {n: draw(st.lists(v, min_size=count, max_size=count)) for n, v in VALUES.items()}
    arrays = [pa.array(columns[n], SCHEMA.field(n).type) for n in VALUES]
    kept = draw(
        st.none() | st.lists(st.booleans(), max_size=count).map(lambda v: pa.array(v, pa.bool_()))
    )
    return (
        pa.table(arrays, list(VALUES)),
        draw(st.integers(1, 5)),
        kept,
        draw(st.sampled_from([None, "v", "w"])),
    )


@st.composite
def filters(draw: st.DrawFn, depth: int = 2) -> ds.Expression:
    """A condition as engines hand down."""
    if depth and draw(st.booleans()):
        one = draw(filters(depth - 1))
        other = draw(filters(depth - 1))
        return draw(st.sampled_from([one & other, one | other, ~one]))
    name = draw(st.sampled_from([*LITERALS, "k", "later"]))
    field = pc.field(name)
    if draw(st.booleans()) and draw(st.booleans()):
        return draw(st.sampled_from([field.is_null(), field.is_valid()]))
    literals = {**LITERALS, "k": st.sampled_from(["v", "w"]), "later": st.integers(0, 1)}
    value = pa.scalar(draw(literals[name]), SCHEMA.field(name).type)
    compared = [field == value, field != value, field < value, field <= value, field > value]
    return draw(st.sampled_from([*compared, field >= value, field.isin([value.as_py()])]))


def spelled(rows: pa.Table) -> list[str]:
    """Rows in words, in which NaN is itself."""
    return list(map(str, rows.to_pylist()))


@given(st.lists(files(), min_size=1, max_size=3), filters())
def test_no_row_is_lost_or_found(
    tmp_path_factory: pytest.TempPathFactory,
    made: list[tuple[pa.Table, int, pa.BooleanArray | None, str | None]],
    filter: ds.Expression,
) -> None:
    root = tmp_path_factory.mktemp("pruning")
    data = []
    for number, (rows, size, kept, value) in enumerate(made):
        place = root / f"{number}.parquet"
        pq.write_table(rows, place, row_group_size=size)
        data.append(DataFile(str(place), {"k": pa.scalar(value, pa.string())}, kept=kept))
    dataset = FilesDataset(PlainFiles(SCHEMA, data))
    expected = dataset.to_table().filter(filter)
    assert spelled(dataset.to_table(filter=filter)) == spelled(expected)
    assert dataset.count_rows(filter=filter) == expected.num_rows
    found = [
        f.scanner(columns=["id"], filter=filter).to_table() for f in dataset.get_fragments(filter)
    ]
    assert pa.concat_tables(found).equals(expected.select(["id"]))
