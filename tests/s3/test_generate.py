"""A dataset on S3 is whole or absent, whatever befalls generator, network or service."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from neuralake.delta.objects import ObjectStore, Patience
from neuralake.errors import BusyError, DatasetError, StorageError
from neuralake.tpch import claim as claims
from neuralake.tpch import remote
from neuralake.tpch.claim import Holder
from neuralake.tpch.existing import load_manifest
from neuralake.tpch.generate import generate
from neuralake.tpch.layout import Layout
from neuralake.tpch.manifest import Manifest
from tests.conftest import Cli
from tests.more import few
from tests.s3.conftest import Place
from tests.s3.proxy import Fault, Proxy, Request
from tests.waiting import until

SMALL = 0.001
# Large enough to be met in the middle of its work
SLOW = 0.05
SEVERAL = Layout(files_per_table=2)
HASTY = Patience(request_timeout_s=5, retries=4, first_backoff_s=0.01, longest_backoff_s=0.05)


@pytest.fixture(autouse=True)
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where files lie on this machine until they are up."""
    directory = tmp_path / "scratch"
    directory.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(directory))
    return directory


def make(place: Place, scale_factor: float = SMALL, layout: Layout | None = SEVERAL) -> Manifest:
    return generate(scale_factor, place.uri, storage_options=place.options, layout=layout)


def start(
    place: Place, scratch: Path, scale_factor: float = SLOW, endpoint_url: str | None = None
) -> subprocess.Popen[str]:
    """A process of its own that generates, as on another machine but for the machine."""
    scratch.mkdir(exist_ok=True)
    environ = place.environ if endpoint_url is None else place.environ_through(endpoint_url)
    return subprocess.Popen(
        [
            *(sys.executable, "-m", "neuralake", "generate", "--scale-factor", str(scale_factor)),
            *("--files-per-table", "6", "--to", place.uri),
        ],
        env={**os.environ, **environ, "TMPDIR": str(scratch)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def store_of(place: Place) -> ObjectStore:
    return ObjectStore(place.uri, place.options)


def paths(place: Place) -> list[str]:
    return [stored.path for stored in store_of(place).list()]


# What a generation leaves


def test_it_has_the_same_rows_and_files_as_on_disk_and_is_made_once(
    s3: Place, scratch: Path, tmp_path: Path
) -> None:
    made = make(s3)
    local = generate(SMALL, str(tmp_path / "sf"), layout=SEVERAL)
    assert made.digest == local.digest
    listed = {f.path for table in made.tables.values() for f in (*table.files, table.log)}
    assert set(paths(s3)) == listed | {"manifest.json"}
    assert list(scratch.iterdir()) == []
    before = {stored.path: stored for stored in store_of(s3).list()}
    again = generate(SMALL, s3.uri, storage_options=s3.options, layout=SEVERAL, verify=True)
    assert again == made
    assert {stored.path: stored for stored in store_of(s3).list()} == before
    assert load_manifest(s3.uri, storage_options=s3.options, verify=True) == made


def test_the_manifest_is_the_last_object_that_is_put(s3: Place) -> None:
    with Proxy(s3.server.endpoint_url) as proxy:
        through(proxy, s3)
        puts = [r.path for r in proxy.requests if r.method == "PUT" and "_generating" not in r.path]
    assert puts[-1].endswith("/manifest.json")
    assert all("/_delta_log/" in path for path in puts[-9:-1])


def test_a_changed_object_is_found(s3: Place) -> None:
    made = make(s3)
    (file,) = made.tables["supplier"].files[:1]
    content = bytearray(store_of(s3).read(file.path))
    content[len(content) // 2] ^= 1
    store_of(s3).replace(file.path, bytes(content))
    load_manifest(s3.uri, storage_options=s3.options)
    with pytest.raises(DatasetError, match="has the checksum"):
        load_manifest(s3.uri, storage_options=s3.options, verify=True)
    store_of(s3).replace(file.path, bytes(content[:-1]))
    with pytest.raises(DatasetError, match=r"bytes, not .*; remove what lies there and generate"):
        load_manifest(s3.uri, storage_options=s3.options)
    store_of(s3).delete([file.path])
    with pytest.raises(DatasetError, match=f"{file.path}: No such file"):
        make(s3)


@pytest.mark.more
def test_another_scale_factor_or_layout_than_asked_is_refused(s3: Place) -> None:
    make(s3, layout=None)
    make(s3, layout=Layout())
    with pytest.raises(DatasetError, match=r"has scale factor 0\.001, not 0\.002"):
        make(s3, 0.002)
    with pytest.raises(DatasetError, match="files per table 1 and not 2"):
        make(s3)


def test_by_default_a_file_is_at_most_that_of_scale_factor_1() -> None:
    assert Layout().at(20, remote=True).files_per_table == 20
    assert Layout().at(0.5, remote=True).files_per_table == 1
    assert Layout().at(20).files_per_table == 2
    assert Layout(files_per_table=3).at(20, remote=True).files_per_table == 3


@pytest.mark.usefixtures("own_generator")
def test_what_lies_on_this_machine_is_bounded_though_uploads_are_slow(
    s3: Place, scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote, "MOST_WAITING_BYTES", 500_000)
    monkeypatch.setattr(remote, "_LOOK_INTERVAL_S", 0.01)  # in which the generator goes on
    most, ended = [0], threading.Event()

    def watch() -> None:
        while not ended.wait(0.005):
            try:
                sizes = sum(path.stat().st_size for path in scratch.rglob("*.parquet*"))
            except FileNotFoundError:  # it is up meanwhile
                continue
            most[0] = max(most[0], sizes)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        with Proxy(s3.server.endpoint_url) as proxy:
            proxy.strike(
                Fault.SLOW, times=10**6, delay_s=0.1, when=lambda r: r.path.endswith(".parquet")
            )
            made = through(proxy, s3, Layout(files_per_table=10), 0.05)
    finally:
        ended.set()
        watcher.join()
    assert 0 < most[0] < made.size_bytes / 2, most[0]


def test_the_generator_is_stopped_while_too_much_waits() -> None:
    with subprocess.Popen(["sleep", "60"]) as process:
        pace = remote._Pace(process)
        states: list[str] = []
        for waiting in (0.0, 1.1, 0.9, 0.6, 0.4, 0.9, 1.1):
            pace.keep(int(waiting * remote.MOST_WAITING_BYTES))
            wanted = "T" if waiting > 1 or (states and states[-1] == "T" and waiting > 0.5) else "S"
            until(lambda: state(process.pid) == wanted)  # noqa: B023 - called at once
            states.append(wanted)
        process.kill()
    assert states == ["S", "T", "T", "T", "S", "S", "T"]


def state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


# What is refused


def test_what_is_not_ours_is_left_alone(s3: Place) -> None:
    store_of(s3).write("thesis.tex", b"precious")
    with pytest.raises(DatasetError, match=r"holds 'thesis\.tex' and no manifest\.json"):
        make(s3)
    with pytest.raises(DatasetError, match=r"holds 'thesis\.tex' and no manifest\.json"):
        load_manifest(s3.uri, storage_options=s3.options)
    store_of(s3).write("_generating/00000000000000000000.json", msgspec.json.encode(dead()))
    store_of(s3).write("orders/orders.1.parquet", b"left")
    with pytest.raises(DatasetError, match=r"holds 'thesis\.tex'"):
        make(s3)
    assert {"thesis.tex", "orders/orders.1.parquet"} <= set(paths(s3))


def test_tables_without_a_claim_beside_them_are_not_ours(s3: Place) -> None:
    store_of(s3).write("orders/orders.1.parquet", b"another's")
    with pytest.raises(DatasetError, match=r"holds 'orders/orders\.1\.parquet' and no manifest"):
        make(s3)
    assert paths(s3) == ["orders/orders.1.parquet"]


def test_a_claim_that_is_none_is_not_ours(s3: Place) -> None:
    store_of(s3).write("_generating/00000000000000000000.json", b"{}")
    with pytest.raises(DatasetError, match="neuralake did not put there"):
        make(s3)


@pytest.mark.parametrize(
    ("environment", "bucket", "message"),
    [
        ({}, "no-such-bucket", "there is no bucket no-such-bucket at http://127.0.0.1:"),
        ({"AWS_SECRET_ACCESS_KEY": "S" * 40}, None, "refuses the access key for s3://"),
        ({"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}, None, "http://127.0.0.1:9 cannot be reached"),
        ({"NEURALAKE_ENV": "production"}, None, "plain HTTP to 127.0.0.1, which production refu"),
        ({}, "100%25", "holds a percent sign"),
    ],
    ids=["bucket", "key", "away", "http", "percent"],
)
def test_what_cannot_be_is_told_in_a_line_before_anything_is_generated(
    typed: Cli,
    s3: Place,
    scratch: Path,
    monkeypatch: pytest.MonkeyPatch,
    environment: dict[str, str],
    bucket: str | None,
    message: str,
) -> None:
    to = s3.uri if bucket is None else f"s3://{bucket}/sf"
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    variables = {**s3.environ, **environment}
    done = typed("generate", "-s", SMALL, "--to", to, environment=variables)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
    assert s3.server.secret_access_key not in done.stderr
    assert list(scratch.iterdir()) == []
    assert paths(s3) == []


@pytest.fixture
def master() -> Iterator[str]:
    """What listens as a master would, and is never asked anything."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"spark://127.0.0.1:{server.getsockname()[1]}"


@pytest.mark.parametrize(
    ("environment", "bucket", "message"),
    [
        ({}, "no-such-bucket", "there is no bucket no-such-bucket at http://127.0.0.1:"),
        ({"AWS_SECRET_ACCESS_KEY": "S" * 40}, None, "refuses the access key for s3://"),
    ],
    ids=["bucket", "key"],
)
def test_a_place_that_cannot_be_is_told_before_spark_is_started(
    typed: Cli,
    s3: Place,
    master: str,
    environment: dict[str, str],
    bucket: str | None,
    message: str,
) -> None:
    to = s3.uri if bucket is None else f"s3://{bucket}/sf"
    variables = {**s3.environ, **environment}
    done = typed("generate", "-s", SMALL, "--to", to, "--on", master, environment=variables)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
    assert paths(s3) == []


# Two at once


def test_of_two_at_once_one_makes_it_and_the_other_is_told(s3: Place, tmp_path: Path) -> None:
    both = [start(s3, tmp_path / name) for name in ("a", "b")]
    ends = [(process, *process.communicate(timeout=120)) for process in both]
    assert sorted(process.returncode for process, _, _ in ends) == [0, 2]
    (told,) = (said for process, _, said in ends if process.returncode == 2)
    (winner,) = (process for process, _, _ in ends if process.returncode == 0)
    assert f"process {winner.pid} on " in told
    assert f"is making the dataset at {s3.uri}: wait for it to end" in told
    load_manifest(s3.uri, storage_options=s3.options, verify=True)
    assert not [path for path in paths(s3) if path.startswith("_generating/")]


@pytest.mark.more  # by the same claim
def test_of_two_with_one_scratch_directory_the_other_is_told_too(s3: Place, tmp_path: Path) -> None:
    first = start(s3, tmp_path / "a")
    until(lambda: paths(s3))
    second = start(s3, tmp_path / "a")
    _, told = second.communicate(timeout=120)
    assert second.returncode == 2
    assert f"process {first.pid} is making the dataset at {s3.uri}" in told
    first.communicate(timeout=120)
    assert first.returncode == 0


def dead() -> Holder:
    """A process of this machine that has ended."""
    return replace(Holder.this_process(), process=2**22 + 1)


def elsewhere() -> Holder:
    return replace(Holder.this_process(), kernel="another machine", host="elsewhere")


def test_a_claim_from_elsewhere_that_changes_is_alive(
    s3: Place, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(claims, "_LOOK_S", 0.05)
    store, holder, ended = store_of(s3), elsewhere(), threading.Event()
    path = "_generating/00000000000000000000.json"
    store.create(path, msgspec.json.encode(holder))

    def beat() -> None:
        for number in range(1, 10**6):
            if ended.wait(0.5):
                return
            store.replace(path, msgspec.json.encode(replace(holder, beat=number)))

    thread = threading.Thread(target=beat)
    thread.start()
    try:
        with pytest.raises(BusyError, match=r"process \d+ on elsewhere is making the dataset at"):
            make(s3)
    finally:
        ended.set()
        thread.join()
    assert "looking for 30 s whether process" in capfd.readouterr().err
    assert paths(s3) == [path]


def test_a_claim_from_elsewhere_that_does_not_change_is_dead(
    s3: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claims, "_LOOK_S", 0.05)
    monkeypatch.setattr(claims, "LEASE_S", 4.0)
    monkeypatch.setattr(claims, "BEAT_S", 0.2)
    store = store_of(s3)
    store.create("_generating/00000000000000000004.json", msgspec.json.encode(elsewhere()))
    store.write("orders/orders.9.parquet", b"left")
    made = make(s3)
    assert load_manifest(s3.uri, storage_options=s3.options, verify=True) == made
    assert "orders/orders.9.parquet" not in paths(s3)
    assert not [path for path in paths(s3) if path.startswith("_generating/")]


def test_whoever_was_not_heard_of_for_long_and_replaced_does_not_go_on(
    s3: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claims, "BEAT_S", 0.05)
    store = store_of(s3)
    with claims.claimed(store) as claim:
        claim.check()
        store.create("_generating/00000000000000000001.json", msgspec.json.encode(elsewhere()))

        def is_lost() -> bool:
            try:
                claim.check()
            except DatasetError as error:
                return "process" in str(error) and "has taken over" in str(error)
            return False

        until(is_lost)


# Interrupted and killed


@pytest.mark.more  # a failure takes away the same, and on a disk an interrupt does
def test_after_an_interrupt_nothing_is_left(s3: Place, tmp_path: Path) -> None:
    process = start(s3, tmp_path / "a")
    until(lambda: any(path.endswith(".parquet") for path in paths(s3)))
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=300)
    assert (process.returncode, said) == (130, "neuralake: interrupted\n")
    assert paths(s3) == []
    assert list((tmp_path / "a").iterdir()) == []


def test_after_a_kill_there_is_no_dataset_and_the_next_one_makes_it(
    s3: Place, tmp_path: Path
) -> None:
    process = start(s3, tmp_path / "a")
    until(lambda: any(path.endswith(".parquet") for path in paths(s3)))
    process.kill()
    process.communicate(timeout=300)
    left = set(paths(s3))
    assert any(path.endswith(".parquet") for path in left)
    with pytest.raises(DatasetError, match="being made, or its making was interrupted"):
        load_manifest(s3.uri, storage_options=s3.options)
    again = start(s3, tmp_path / "a", SMALL)
    _, said = again.communicate(timeout=300)
    assert (again.returncode, said) == (0, "")
    made = load_manifest(s3.uri, storage_options=s3.options, scale_factor=SMALL, verify=True)
    listed = {f.path for table in made.tables.values() for f in (*table.files, table.log)}
    assert set(paths(s3)) == listed | {"manifest.json"}
    assert list((tmp_path / "a").iterdir()) == []


# Faults


def through(
    proxy: Proxy, place: Place, layout: Layout = SEVERAL, scale_factor: float = SMALL
) -> Manifest:
    options = {**place.options, "aws_endpoint_url": proxy.endpoint_url}
    return generate(scale_factor, place.uri, storage_options=options, layout=layout)


@pytest.mark.parametrize(
    "fault",
    few(
        [Fault.ERROR, Fault.UNAVAILABLE, Fault.CUT, Fault.LOST_ANSWER, Fault.ERROR_AFTER],
        Fault.CUT,
        Fault.LOST_ANSWER,
    ),
    ids=lambda fault: fault.name,
)
def test_a_dataset_is_whole_though_every_fourth_request_fails(s3: Place, fault: Fault) -> None:
    count = iter(range(10**6))
    with Proxy(s3.server.endpoint_url) as proxy:
        proxy.strike(fault, times=10**6, when=lambda request: next(count) % 4 == 0)
        made = through(proxy, s3)
        assert proxy.struck >= 10
    assert load_manifest(s3.uri, storage_options=s3.options, verify=True) == made
    listed = {f.path for table in made.tables.values() for f in (*table.files, table.log)}
    assert set(paths(s3)) == listed | {"manifest.json"}


@pytest.mark.parametrize("what", few(["manifest.json", "_generating/", "_delta_log/"]))
def test_the_answer_of_each_conditional_put_may_be_lost(s3: Place, what: str) -> None:
    with Proxy(s3.server.endpoint_url) as proxy:
        proxy.strike(Fault.LOST_ANSWER, method="PUT", path=what)
        made = through(proxy, s3)
        assert proxy.struck == 1
    assert load_manifest(s3.uri, storage_options=s3.options, verify=True) == made


def test_a_service_that_goes_away_is_told_and_once_it_is_back_the_next_one_makes_it(
    s3: Place, scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("neuralake.delta.objects.DEFAULT_PATIENCE", HASTY)
    monkeypatch.setattr(ObjectStore.__init__, "__defaults__", (HASTY,))
    monkeypatch.setattr(remote, "_LAST_PATIENCE", HASTY)
    seen: list[Request] = []

    def after_some(request: Request) -> bool:
        seen.append(request)
        return sum(r.path.endswith(".parquet") for r in seen) > 5

    with Proxy(s3.server.endpoint_url) as proxy:
        proxy.strike(Fault.CUT, times=10**6, when=after_some)
        with pytest.raises(StorageError, match=f"{proxy.endpoint_url} cannot be reached for s3://"):
            through(proxy, s3)
        assert list(scratch.iterdir()) == []
        assert "manifest.json" not in paths(s3)
        proxy.heal()
        made = through(proxy, s3)
    assert load_manifest(s3.uri, storage_options=s3.options, verify=True) == made


def test_an_object_that_arrives_cut_short_is_noticed_before_the_manifest(
    s3: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = ObjectStore.upload

    def cut(self: ObjectStore, path: str, file: Path) -> None:
        upload(self, path, file)
        if path == "part/part.1.parquet":
            self.replace(path, b"PAR1")

    monkeypatch.setattr(ObjectStore, "upload", cut)
    with pytest.raises(DatasetError, match=r"part\.1\.parquet has 4 bytes after it was put"):
        make(s3)
    assert paths(s3) == []
