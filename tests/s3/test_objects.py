"""A table's objects on a real S3 server, and what becomes of requests that go wrong."""

from __future__ import annotations

import re
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from neuralake.config import Settings
from neuralake.delta.disk import DiskStore
from neuralake.delta.objects import PART_BYTES, ObjectStore, Patience
from neuralake.delta.place import open_store
from neuralake.delta.store import Store
from neuralake.errors import NeuralakeError, StorageError
from tests.s3.conftest import Place
from tests.s3.proxy import Fault, Proxy

HASTY = Patience(
    connect_timeout_s=2,
    request_timeout_s=2,
    retries=3,
    first_backoff_s=0.01,
    longest_backoff_s=0.02,
    retry_timeout_s=10,
)
PATHS = (
    *("_delta_log/00000000000000000000.json", "_delta_log/00000000000000000001.json"),
    *("_delta_log/00000000000000000010.checkpoint.parquet", "_delta_log/_sidecars/a.parquet"),
    *("a-b", "a.b", "a/x", "a/y/z", "a0", "day=2026-01-01/part é [1] 100%25.parquet"),
)


@pytest.fixture(params=["disk", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """A table on either kind of store: the same is asked of both."""
    if request.param == "disk":
        return DiskStore(tmp_path / "table")
    place: Place = request.getfixturevalue("s3")
    return open_store(place.uri, place.options)


class TestAsOnDisk:
    def test_what_is_created_is_read_and_can_be_created_only_once(self, store: Store) -> None:
        assert not store.exists("_delta_log/0.json")
        store.create("_delta_log/0.json", b"ours")
        assert store.exists("_delta_log/0.json")
        with pytest.raises(FileExistsError):
            store.create("_delta_log/0.json", b"theirs")
        assert store.read("_delta_log/0.json") == b"ours"

    def test_an_empty_object_is_one(self, store: Store) -> None:
        store.create("empty", b"")
        assert store.read("empty") == b""
        with pytest.raises(FileExistsError):
            store.create("empty", b"")

    def test_what_is_not_there_is_told_so(self, store: Store) -> None:
        with pytest.raises(FileNotFoundError):
            store.read("_delta_log/1.json")
        store.delete([])
        store.delete(["nothing", "of/this"])
        assert list(store.list()) == []

    def test_replace_and_write(self, store: Store) -> None:
        for content in (b"1", b"22"):
            store.replace("_last_checkpoint", content)
            assert store.read("_last_checkpoint") == content
        store.write("part-0.parquet", b"rows")
        assert store.read("part-0.parquet") == b"rows"

    def test_listings_are_in_the_order_of_whole_paths(self, store: Store) -> None:
        for number, path in enumerate(PATHS):
            store.write(path, b"x" * number)
        found = list(store.list())
        assert [stored.path for stored in found] == sorted(PATHS)
        assert {stored.path: stored.size_bytes for stored in found} == {
            path: number for number, path in enumerate(PATHS)
        }
        log = [path for path in sorted(PATHS) if path.startswith("_delta_log/")]
        assert [stored.path for stored in store.list("_delta_log/")] == log
        for after in (*PATHS, "_delta_log/00000000000000000001", "a", "b"):
            assert [s.path for s in store.list(after=after)] == [
                path for path in sorted(PATHS) if path > after
            ]

    def test_deleting_leaves_the_others(self, store: Store) -> None:
        for path in PATHS:
            store.write(path, b"x")
        store.delete([*PATHS[2:], "absent"])
        assert [stored.path for stored in store.list()] == sorted(PATHS[:2])

    def test_of_many_who_create_one_object_one_wins(self, store: Store) -> None:
        together = threading.Barrier(8)

        def race(number: int) -> bool:
            together.wait()
            try:
                store.create("_delta_log/7.json", str(number).encode())
            except FileExistsError:
                return False
            return True

        with ThreadPoolExecutor(8) as executor:
            won = list(executor.map(race, range(8)))
        assert won.count(True) == 1
        assert store.read("_delta_log/7.json") == str(won.index(True)).encode()


def test_a_listing_of_more_than_a_page_is_whole(s3: Place) -> None:
    store = ObjectStore(s3.uri, s3.options)
    with ThreadPoolExecutor(16) as executor:
        list(executor.map(lambda n: store.write(f"_delta_log/{n:020}.json", b""), range(1100)))
    assert len(list(store.list("_delta_log/"))) == 1100
    assert len(list(store.list("_delta_log/", after=f"_delta_log/{1090:020}"))) == 10


def test_a_file_of_several_parts_arrives_whole(s3: Place, tmp_path: Path) -> None:
    store = ObjectStore(s3.uri, s3.options)
    content = bytes(range(256)) * (PART_BYTES // 256 * 2 + 3)
    (tmp_path / "large").write_bytes(content)
    store.upload("large", tmp_path / "large")
    assert store.read("large") == content
    assert b"".join(store.chunks("large", 2**20)) == content


class TestFaults:
    """Each through a proxy that strikes the request."""

    @pytest.mark.parametrize(
        "fault", [Fault.ERROR, Fault.UNAVAILABLE, Fault.CUT], ids=lambda fault: fault.name
    )
    def test_what_the_service_has_not_done_is_tried_again(self, s3: Place, fault: Fault) -> None:
        with Proxy(s3.server.endpoint_url) as proxy:
            store = through(proxy, s3)
            proxy.strike(fault, times=2)
            store.create("0.json", b"ours")
            proxy.strike(fault, times=2)
            assert store.read("0.json") == b"ours"
            proxy.strike(fault, times=2)
            assert [stored.path for stored in store.list()] == ["0.json"]
            proxy.strike(fault, times=2)
            store.delete(["0.json"])
            assert list(store.list()) == []
            assert proxy.struck == 8

    @pytest.mark.parametrize(
        "fault", [Fault.LOST_ANSWER, Fault.ERROR_AFTER], ids=lambda fault: fault.name
    )
    def test_of_a_create_whose_answer_was_lost_the_object_is_there_whatever_is_told(
        self, s3: Place, fault: Fault
    ) -> None:
        with Proxy(s3.server.endpoint_url) as proxy:
            store = through(proxy, s3)
            proxy.strike(fault, method="PUT")
            with pytest.raises((FileExistsError, StorageError)):
                store.create("0.json", b"ours")
            assert store.read("0.json") == b"ours"
            proxy.strike(fault, method="PUT")
            store.replace("1.json", b"ours")  # what may be repeated is, and nobody is told
            assert store.read("1.json") == b"ours"

    def test_an_answer_that_breaks_off_is_not_taken_for_the_whole(self, s3: Place) -> None:
        content = bytes(range(256)) * 1000
        with Proxy(s3.server.endpoint_url) as proxy:
            store = through(proxy, s3)
            store.write("a", content)
            proxy.strike(Fault.HALF_ANSWER, method="GET")
            try:
                assert store.read("a") == content
            except StorageError as error:
                assert "\n" not in str(error)
            assert proxy.struck == 1

    def test_a_slow_answer_is_waited_for_and_one_that_never_comes_is_told(self, s3: Place) -> None:
        with Proxy(s3.server.endpoint_url) as proxy:
            store = through(proxy, s3)
            store.create("0.json", b"ours")
            proxy.strike(Fault.SLOW, delay_s=0.5)
            assert store.read("0.json") == b"ours"
            proxy.strike(Fault.SLOW, times=100, delay_s=60)
            with pytest.raises(StorageError, match="cannot be reached") as caught:
                store.read("0.json")
        assert_clean(caught.value, s3)

    def test_a_service_that_keeps_failing_is_told_after_the_stated_number_of_attempts(
        self, s3: Place
    ) -> None:
        with Proxy(s3.server.endpoint_url) as proxy:
            store = through(proxy, s3)
            proxy.strike(Fault.ERROR, times=1000)
            with pytest.raises(StorageError, match=r"answers for .*500.*InternalError") as caught:
                store.create("0.json", b"ours")
            assert len(proxy.requests) == HASTY.retries + 1
        assert_clean(caught.value, s3)

    def test_parts_of_an_upload_are_tried_again(self, s3: Place, tmp_path: Path) -> None:
        content = bytes(range(256)) * (PART_BYTES // 256 * 3)
        (tmp_path / "large").write_bytes(content)
        with Proxy(s3.server.endpoint_url) as proxy:
            # megabytes, for which a busy machine takes its time
            store = through(proxy, s3, replace(HASTY, request_timeout_s=60, retry_timeout_s=300))
            proxy.strike(Fault.ERROR, when=lambda r: "partNumber=2" in r.query)
            proxy.strike(Fault.LOST_ANSWER, when=lambda r: "partNumber=3" in r.query)
            store.upload("large", tmp_path / "large")
            assert proxy.struck == 2
            assert store.read("large") == content


class TestRefusals:
    """One line each, without a credential, of every call."""

    @pytest.mark.parametrize(
        ("changed", "bucket", "message"),
        [
            ({}, "no-such-bucket", "there is no bucket no-such-bucket at http://127.0.0.1:"),
            ({"aws_secret_access_key": "S" * 40}, None, "refuses the access key .*Signature"),
            ({"aws_access_key_id": "NOBODY"}, None, "refuses the access key .*InvalidAccessKeyId"),
            (
                {"aws_endpoint_url": "http://127.0.0.1:9"},
                None,
                "http://127.0.0.1:9 cannot be reached .*is AWS_ENDPOINT_URL right",
            ),
        ],
        ids=["bucket", "secret", "key", "away"],
    )
    def test_each_call_says_what_is_wrong(
        self, s3: Place, tmp_path: Path, changed: dict[str, str], bucket: str | None, message: str
    ) -> None:
        uri = s3.uri if bucket is None else f"s3://{bucket}/t"
        store = ObjectStore(uri, {**s3.options, **changed}, HASTY)
        (tmp_path / "file").write_bytes(b"x")
        for call in (
            lambda: store.read("a"),
            lambda: store.create("a", b"x"),
            lambda: store.write("a", b"x"),
            lambda: store.replace("a", b"x"),
            lambda: store.upload("a", tmp_path / "file"),
            lambda: list(store.list()),
            lambda: list(store.list("_delta_log/")),
            lambda: store.delete(["a"]),
            lambda: list(store.chunks("a")),
        ):
            with pytest.raises(StorageError, match=message) as caught:
                call()
            assert_clean(caught.value, s3, *changed.values())
            assert isinstance(caught.value, NeuralakeError | OSError)

    def test_plain_http_that_is_not_allowed_is_refused_by_the_client_too(self, s3: Place) -> None:
        store = ObjectStore(s3.uri, {**s3.options, "aws_allow_http": "false"}, HASTY)
        with pytest.raises(StorageError):
            store.read("a")

    def test_production_refuses_plain_http_before_a_store_is_opened(self, s3: Place) -> None:
        environ = {**s3.environ, "NEURALAKE_ENV": "production"}
        with pytest.raises(NeuralakeError, match=r"plain HTTP to 127\.0\.0\.1, which production"):
            Settings.from_environ(environ)

    @pytest.mark.parametrize("path", ["a//b", "../b", "a/./b"])
    def test_paths_that_no_object_can_have(self, s3: Place, path: str) -> None:
        store = ObjectStore(s3.uri, s3.options)
        with pytest.raises(StorageError, match=re.escape(f"{s3.uri}/{path}")):
            store.create(path, b"x")


def through(proxy: Proxy, place: Place, patience: Patience = HASTY) -> ObjectStore:
    options = {**place.options, "aws_endpoint_url": proxy.endpoint_url}
    return ObjectStore(place.uri, options, patience)


def assert_clean(error: BaseException, place: Place, *more: str) -> None:
    """One line that a person can read, and no secret in it."""
    text = str(error)
    assert "\n" not in text
    assert len(text) < 400
    secrets = (place.server.secret_access_key, *(m for m in more if len(m) == 40))
    assert not any(secret in text for secret in secrets)
