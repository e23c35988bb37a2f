"""What a commit relies on: exclusive, whole, durable."""

from __future__ import annotations

import errno
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuralake.delta.disk import DiskStore


@pytest.fixture
def store(tmp_path: Path) -> DiskStore:
    return DiskStore(tmp_path / "table")


def test_what_is_created_is_read(store: DiskStore) -> None:
    store.create("_delta_log/0.json", b"one")
    assert store.read("_delta_log/0.json") == b"one"
    assert store.exists("_delta_log/0.json")
    assert not store.exists("_delta_log/1.json")


def test_nothing_is_created_twice(store: DiskStore) -> None:
    store.create("_delta_log/0.json", b"one")
    with pytest.raises(FileExistsError):
        store.create("_delta_log/0.json", b"two")
    assert store.read("_delta_log/0.json") == b"one"


@pytest.mark.parametrize("has_unnamed_files", [True, False])
def test_one_of_many_creates_it(
    store: DiskStore, monkeypatch: pytest.MonkeyPatch, has_unnamed_files: bool
) -> None:
    real = os.open

    def without(path: object, flags: int, *rest: object, **more: object) -> int:
        if flags & os.O_TMPFILE == os.O_TMPFILE:
            raise OSError(errno.EOPNOTSUPP, "no unnamed files")
        return real(path, flags, *rest, **more)  # type: ignore[arg-type]

    if not has_unnamed_files:
        monkeypatch.setattr(os, "open", without)

    def create(number: int) -> int | None:
        try:
            store.create("_delta_log/0.json", str(number).encode() * 10_000)
        except FileExistsError:
            return None
        return number

    with ThreadPoolExecutor(8) as pool:
        (winner,) = [n for n in pool.map(create, range(8)) if n is not None]
    assert store.read("_delta_log/0.json") == str(winner).encode() * 10_000
    assert [s.path for s in store.list()] == ["_delta_log/0.json"]


def test_a_replaced_object_is_the_one_or_the_other(store: DiskStore) -> None:
    store.replace("_delta_log/_last_checkpoint", b"1")
    store.replace("_delta_log/_last_checkpoint", b"2")
    assert store.read("_delta_log/_last_checkpoint") == b"2"
    assert [s.path for s in store.list()] == ["_delta_log/_last_checkpoint"]


def test_what_is_absent_is_said(store: DiskStore) -> None:
    with pytest.raises(FileNotFoundError):
        store.read("nothing")
    store.delete(["nothing"])
    assert list(store.list()) == []
    store.write("a", b"")
    store.delete(["a", "b"])
    assert not store.exists("a")


NAMES = st.text("abZ/-._ %é", min_size=1, max_size=12).filter(
    lambda n: all(part.strip(".") for part in n.split("/"))
)


@given(st.sets(NAMES, max_size=8), st.sampled_from(["", "a", "a/", "ab/"]), NAMES)
def test_a_listing_is_in_the_order_of_the_paths(
    tmp_path_factory: pytest.TempPathFactory, names: set[str], prefix: str, after: str
) -> None:
    store = DiskStore(tmp_path_factory.mktemp("table"))
    made = []
    for name in names:
        try:
            store.write(name, name.encode())
        except (FileExistsError, NotADirectoryError, IsADirectoryError):
            continue  # a file where another name has a directory
        made.append(name)
    listed = list(store.list(prefix, after))
    assert [s.path for s in listed] == sorted(n for n in made if n.startswith(prefix) and n > after)
    assert all(s.size_bytes == len(s.path.encode()) for s in listed)


def test_what_is_created_waits_for_what_it_names(store: DiskStore) -> None:
    """It is durable before, and hidden until then."""
    asked = []

    def ready() -> None:
        asked.append(store.exists("_delta_log/0.json"))

    store.create("_delta_log/0.json", b"one", ready)
    assert asked == [False]
    assert store.read("_delta_log/0.json") == b"one"


def test_what_names_what_never_was_is_not_created(store: DiskStore) -> None:
    class NotThereError(Exception):
        pass

    def ready() -> None:
        raise NotThereError

    with pytest.raises(NotThereError):
        store.create("_delta_log/0.json", b"one", ready)
    assert list(store.list()) == []
