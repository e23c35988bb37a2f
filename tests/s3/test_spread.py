"""A dataset on S3 whose files others put: whole or absent, whoever fails, or goes on too long."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from neuralake.delta.objects import ObjectStore
from neuralake.errors import DatasetError, EngineError, StorageError
from neuralake.tpch.claim import remove_claims
from neuralake.tpch.existing import load_manifest
from neuralake.tpch.generate import generate
from neuralake.tpch.manifest import Manifest
from neuralake.tpch.spread import Hands
from tests.s3.conftest import Place

SCALE_FACTOR = 0.001
Function = Callable[[bytes], bytes]


def twice(function: Function, jobs: Sequence[bytes]) -> Iterator[bytes]:
    """Threads, of which two do the first job, as Spark may (speculation, a lost executor)."""
    with ThreadPoolExecutor(4) as executor:
        yield from executor.map(function, [jobs[0], *jobs])


def make(place: Place, hands: Hands) -> Manifest:
    return generate(SCALE_FACTOR, place.uri, storage_options=place.options, hands=hands)


def store_of(place: Place) -> ObjectStore:
    return ObjectStore(place.uri, place.options)


def paths(place: Place) -> list[str]:
    return [stored.path for stored in store_of(place).list()]


@pytest.mark.more
def test_it_is_the_dataset_of_one_machine_and_who_goes_on_changes_nothing(
    s3: Place, tmp_path: Path
) -> None:
    asked: list[tuple[Function, bytes]] = []

    def hands(function: Function, jobs: Sequence[bytes]) -> Iterator[bytes]:
        asked.append((function, jobs[-1]))
        return twice(function, jobs)

    together = make(s3, hands)
    alone = generate(SCALE_FACTOR, str(tmp_path / "alone"))
    assert together.digest == alone.digest
    assert load_manifest(s3.uri, storage_options=s3.options, verify=True) == together
    listed = {f.path for table in together.tables.values() for f in (*table.files, table.log)}
    before = {stored.path: stored for stored in store_of(s3).list()}
    assert set(before) == listed | {"manifest.json"}
    ((function, job),) = asked
    with pytest.raises(DatasetError, match="is no longer made by who asked for a part"):
        function(job)
    assert {stored.path: stored for stored in store_of(s3).list()} == before


class Failing:
    """Do the first job, and fail; what was to be done is remembered."""

    def __init__(self) -> None:
        self.function: Function | None = None
        self.jobs: Sequence[bytes] = ()

    def __call__(self, function: Function, jobs: Sequence[bytes]) -> Iterator[bytes]:
        self.function, self.jobs = function, jobs
        yield function(jobs[0])
        raise EngineError("spark: the cluster had no executor")

    def go_on(self) -> None:
        """A task that nobody waits for any more."""
        assert self.function is not None
        self.function(self.jobs[-1])


def test_after_a_failure_nothing_is_there_and_who_goes_on_puts_nothing(s3: Place) -> None:
    hands = Failing()
    with pytest.raises(EngineError, match="no executor"):
        make(s3, hands)
    assert paths(s3) == []
    with pytest.raises(DatasetError, match="is no longer made by who asked for a part"):
        hands.go_on()
    assert paths(s3) == []


def test_what_arrives_when_the_dataset_was_given_up_is_taken_back(
    s3: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = ObjectStore.upload

    def late(self: ObjectStore, path: str, file: Path) -> None:
        """Meanwhile whoever makes the dataset has failed, and left nothing."""
        remove_claims(self)
        upload(self, path, file)

    def hands(function: Function, jobs: Sequence[bytes]) -> Iterator[bytes]:
        with monkeypatch.context() as patch:
            patch.setattr(ObjectStore, "upload", late)
            function(jobs[0])
        assert paths(s3) == []
        yield from ()
        raise EngineError("spark: the cluster had no executor")

    with pytest.raises(EngineError):
        make(s3, hands)
    assert paths(s3) == []


def test_a_key_is_in_no_message_of_who_puts(s3: Place) -> None:
    def hands(function: Function, jobs: Sequence[bytes]) -> Iterator[bytes]:
        wrong = {**s3.options, "aws_secret_access_key": "S" * 40}
        # a service that refuses this key knows it as little as the executors' logs should
        text = function.args[0].replace(  # type: ignore[attr-defined]
            s3.server.secret_access_key.encode(), wrong["aws_secret_access_key"].encode()
        )
        yield function.func(text, jobs[0])  # type: ignore[attr-defined]

    with pytest.raises(StorageError, match="refuses the access key for s3://") as raised:
        make(s3, hands)
    assert "SSSS" not in str(raised.value)
    assert paths(s3) == []
