"""New keys: values that no row has or had, whatever the column holds."""

from __future__ import annotations

import polars as pl
import pytest

from neuralake.errors import LifecycleError
from neuralake.workloads.lifecycle.keys import NewKeys


@pytest.mark.parametrize(
    ("there", "new"),
    [
        (pl.Series([None, None], dtype=pl.Int64), [1, 2]),
        (pl.Series([], dtype=pl.Int32), [1, 2]),
        (pl.Series([-5, None, -7], dtype=pl.Int16), [-4, -3]),
        (pl.Series([125], dtype=pl.Int8), [126, 127]),
        (pl.Series(["a", None, "x~1"]), ["x~1~", "x~2"]),
    ],
)
def test_new_keys_come_after_those_that_there_are(there: pl.Series, new: list[object]) -> None:
    old = ["x", "x"] if there.dtype == pl.String else [0, 0]
    assert NewKeys(there).take(old, "t").to_list() == new


@pytest.mark.parametrize("last", [pl.Series([126], dtype=pl.Int8), pl.Series([2**63 - 1])])
def test_a_type_without_room_for_more_is_said(last: pl.Series) -> None:
    said = rf"table t: a key of {last.dtype} has no room for 2 more from [\d,]+ on: expected fewer"
    with pytest.raises(LifecycleError, match=said):
        NewKeys(last).take([1, 1], "t")
