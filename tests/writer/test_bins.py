"""Small files of one partition and one order of magnitude become one; others are left alone."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuralake.delta.actions import Add, DeletionVector
from neuralake.delta.live_file import LiveFile
from neuralake.writer.bins import Bin, Packing, is_candidate, plan

NOW = 1_000_000_000
FRESH = NOW - 1_000
OLD = NOW - 61_000
PACKING = Packing(target_bytes=1_000_000, min_files=4)


def file(
    name: object, size: int = 1_000, made: int = FRESH, deleted: int = 0, part: str | None = None
) -> LiveFile:
    vector = DeletionVector(
        storage_type="i", path_or_inline_dv=f"x{deleted}", size_in_bytes=1, cardinality=deleted
    )
    add = Add(
        path=str(name),
        partition_values={} if part is None else {"k": part},
        size=size,
        modification_time=made,
        data_change=True,
        deletion_vector=vector if deleted else None,
    )
    return LiveFile(str(name), add, 100, 1)


def bins(files: Sequence[LiveFile], packing: Packing = PACKING) -> list[list[str]]:
    candidates = [f for f in files if is_candidate(f, packing)]
    return [[f.place for f in each.files] for each in plan(candidates, packing, NOW)]


def test_as_many_as_it_takes_are_packed_in_their_order() -> None:
    assert bins([file(i) for i in range(3)]) == []
    assert bins([file(i) for i in range(4)]) == [["0", "1", "2", "3"]]
    assert bins([file(i) for i in range(9)]) == [[str(i) for i in range(9)]]


def test_partitions_are_never_mixed() -> None:
    files = [file(i, part="ab"[i % 2]) for i in range(9)]
    assert bins(files) == [["0", "2", "4", "6", "8"], ["1", "3", "5", "7"]]


def test_large_files_are_left_alone() -> None:
    large = [file(f"large {i}", 750_000) for i in range(9)]
    assert bins(large) == []
    assert bins([*large, *(file(i) for i in range(4))]) == [["0", "1", "2", "3"]]


def test_a_bin_is_no_larger_than_a_file_should_be() -> None:
    found = bins([file(i, 300_000) for i in range(7)])
    assert found == [["0", "1", "2"], ["3", "4", "5"]]  # full, however few


def test_a_file_waits_for_others_of_its_order_of_magnitude() -> None:
    packed = [file(f"packed {i}", 8_000) for i in range(3)]
    assert bins([*packed, *(file(i) for i in range(4))]) == [["0", "1", "2", "3"]]
    assert bins([*packed, file("packed 3", 8_000)]) == [[f"packed {i}" for i in range(4)]]


def test_where_nothing_comes_any_more_few_are_enough() -> None:
    assert bins([file(0, made=OLD), file(1, made=FRESH)]) == []
    assert bins([file(0, made=OLD), file(1, made=OLD)]) == [["0", "1"]]
    assert bins([file(0, made=OLD)]) == []
    # but no large file is rewritten for a tiny one
    assert bins([file("large", 700_000, OLD), file(0, made=OLD)]) == []
    two = [file(0, made=OLD), file("large", 700_000, OLD), file(1, made=OLD)]
    assert bins(two) == [["0", "1"]]


def test_a_file_of_which_much_is_deleted_is_rewritten_alone() -> None:
    assert bins([file(0, 5_000_000, deleted=9)]) == []
    assert bins([file(0, 5_000_000, deleted=10)]) == [["0"]]
    assert bins([file(0, deleted=10)]) == [["0"]]
    everything = Packing(target_bytes=1_000_000, min_files=4, deleted_share=0)
    assert bins([file(0, 5_000_000, deleted=1), file(1)], everything) == [["0"]]


def test_one_commit_packs_only_so_much() -> None:
    files = [file(i, part=str(i % 10)) for i in range(40)]
    assert len(bins(files)) == 10
    assert len(bins(files, Packing(1_000_000, min_files=4, run_files=8))) == 2
    assert len(bins(files, Packing(1_000_000, min_files=4, run_bytes=12_000))) == 3
    assert len(bins(files, Packing(1_000_000, min_files=4, run_bytes=1))) == 1


@pytest.mark.parametrize(
    "wrong", [{"min_files": 1}, {"target_bytes": 0}, {"settled_s": -1.0}, {"deleted_share": 1.5}]
)
def test_options_that_make_no_sense_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Packing(**wrong)  # type: ignore[arg-type]


FILES = st.lists(
    st.tuples(
        st.integers(1, 2_000_000), st.sampled_from([FRESH, OLD]), st.integers(0, 100), st.booleans()
    ),
    max_size=40,
)


@given(FILES, st.integers(2, 9))
def test_any_files(drawn: list[tuple[int, int, int, bool]], min_files: int) -> None:
    packing = Packing(target_bytes=1_000_000, min_files=min_files, run_bytes=10**9)
    files = [file(i, s, m, d, part="ab"[p]) for i, (s, m, d, p) in enumerate(drawn)]
    found = plan([f for f in files if is_candidate(f, packing)], packing, NOW)
    names = [f.place for each in found for f in each.files]
    assert len(names) == len(set(names))
    for each in found:
        assert len({f.partition_values["k"] for f in each.files}) == 1
        assert [int(f.place) for f in each.files] == sorted(int(f.place) for f in each.files)
        assert len(each.files) > 1 or each.files[0].deleted
        assert each.size_bytes <= packing.target_bytes or len(each.files) == 1


@given(st.integers(2, 12), st.integers(1, 400), st.integers(100, 20_000))
def test_a_row_is_rewritten_once_an_order_of_magnitude(
    min_files: int, appends: int, size: int
) -> None:
    """Appends come one by one; each is packed again and again, and few files are left."""
    packing = Packing(target_bytes=1_000_000, min_files=min_files)
    live = []
    rewritten = 0
    for number in range(appends):
        live.append(file(f"append {number}", size))
        while found := [b for b in plan_of(live, packing) if len(b.files) > 1]:
            for each in found:
                live = [f for f in live if f not in each.files]
                live.append(file(f"packed {number} {rewritten}", each.size_bytes))
                rewritten += each.size_bytes
    orders = 1
    while size * min_files**orders < packing.target_bytes:
        orders += 1
    assert rewritten <= (orders + 1) * appends * size
    assert sum(is_candidate(f, packing) for f in live) <= (orders + 1) * min_files


def plan_of(files: Sequence[LiveFile], packing: Packing) -> list[Bin]:
    return plan([f for f in files if is_candidate(f, packing)], packing, NOW)
