"""Makes a TPC-H dataset on S3, whole or not at all, with bounded disk and memory of this machine.

Each file goes up once the generator has completed it, and is removed here; where that takes longer
than making them, the generator is stopped meanwhile. The manifest is the last object that is put.
What an interrupted generation left is removed by the next one: the claim that lies beside it tells
whose it is.
"""

from __future__ import annotations

import hashlib
import os
import re
import signal
import subprocess
import tempfile
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, suppress
from functools import partial
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final

from neuralake.delta.objects import ObjectStore, Patience
from neuralake.errors import DatasetError
from neuralake.machine import cores
from neuralake.tpch.claim import Claim, claimed, remove_claims
from neuralake.tpch.existing import OnObjectStore, load
from neuralake.tpch.follow import Follower
from neuralake.tpch.layout import Layout
from neuralake.tpch.manifest import CLAIMS, MANIFEST_NAME, DataFile, GeneratedTable, Manifest
from neuralake.tpch.parts import (
    DISK_FLOOR_BYTES,
    DISK_MARGIN,
    check_rows,
    check_space,
    commit_facts,
    generated_table,
    new_manifest,
)
from neuralake.tpch.progress import Progress
from neuralake.tpch.scale import TABLE_NAMES, estimate_bytes
from neuralake.tpch.staging import Staging, home_of, staging
from neuralake.tpch.tpchgen import Tpchgen, running, watch

if TYPE_CHECKING:
    from neuralake.tpch.commit import DescribedFile
    from neuralake.tpch.part_job import Commission
    from neuralake.tpch.spread import Hands

# Complete files that may wait here before the generator is stopped
MOST_WAITING_BYTES: Final = 512 * 2**20
UPLOADS_AT_ONCE: Final = 2

_LOOK_INTERVAL_S = 0.1
# Of the largest file, lineitem's: its share of a dataset, and that a second one has begun
_LARGEST_SHARE = 0.7
_FILES_BEGUN = 2
# To tidy up after a failure nobody waits long
_LAST_PATIENCE = Patience(request_timeout_s=10, retries=2, retry_timeout_s=15)
_OURS = re.compile(
    rf"(?:{'|'.join(TABLE_NAMES)})/(?:[a-z]+(?:\.[0-9]+)?\.parquet|_delta_log/0{{20}}\.json)"
)


def generate_remote(
    scale_factor: float,
    uri: str,
    options: Mapping[str, str],
    *,
    layout: Layout | None,
    verify: bool,
    progress: Progress,
    hands: Hands | None = None,
) -> Manifest:
    """Make a dataset on S3, unless it is there already; see :func:`neuralake.tpch.generate`.

    Raises
    ------
    DatasetError
        If something else lies there, or the dataset cannot be made.
    StorageError
        If S3 is away, refuses, or lacks the bucket.
    BusyError
        If another process makes it, here or on another machine.
    """
    wanted = (layout or Layout()).at(scale_factor, remote=True)
    if "%" in uri:
        raise DatasetError(f"{uri} holds a percent sign, which Delta tables cannot lie under")
    store = ObjectStore(uri, options)

    def existing() -> Manifest:
        place = OnObjectStore(store)
        return load(place, scale_factor=scale_factor, layout=layout, verify=verify)

    if store.exists(MANIFEST_NAME):
        manifest = existing()
        remove_claims(store)
        return manifest
    _refuse_foreign(store)
    destination = _local_destination(uri, options)
    with staging(destination, uri) as stage, claimed(store) as claim:
        _refuse_others_directory(destination)
        # Somebody else may have made it before we had the claim.
        if not store.exists(MANIFEST_NAME):
            try:
                _remove_left(store)
                if hands is None:
                    manifest = _make(stage, store, claim, scale_factor, wanted, progress)
                else:
                    commission = _commission(store, options, claim, scale_factor, wanted)
                    manifest = _have_made(hands, commission, stage, store, progress)
                _publish(store, claim, manifest)
            except BaseException:
                _tidy_up(ObjectStore(uri, options, _LAST_PATIENCE), claim)
                raise
        else:
            manifest = existing()
        claim.stop()
        remove_claims(store)
        return manifest


def _local_destination(uri: str, options: Mapping[str, str]) -> Path:
    """A path of this machine that is the dataset's own, so that what a dead run left is found."""
    place = f"{options.get('aws_endpoint_url', '')} {uri}"
    name = hashlib.sha256(place.encode()).hexdigest()[:16]
    return Path(tempfile.gettempdir()).resolve() / f"neuralake-{os.getuid()}-{name}"


def _refuse_others_directory(destination: Path) -> None:
    home = home_of(destination)
    if home.stat().st_uid != os.getuid():
        raise DatasetError(f"{home} belongs to another user: set TMPDIR to a directory of yours")


def _refuse_foreign(store: ObjectStore) -> None:
    """Refuse a place that holds anything but what an interrupted generation left there."""
    paths = [stored.path for stored in store.list()]
    is_claimed = any(path.startswith(CLAIMS) for path in paths)
    for path in paths:
        if not path.startswith(CLAIMS) and not (is_claimed and _OURS.fullmatch(path)):
            raise DatasetError(
                f"{store.uri} holds {path!r} and no {MANIFEST_NAME}, so it is no dataset of "
                "Neuralake: choose another place, or remove what lies there"
            )


def _remove_left(store: ObjectStore) -> None:
    """Remove data files and logs of a dataset that has no manifest."""
    store.delete([s.path for s in store.list() if _OURS.fullmatch(s.path)])


def _tidy_up(store: ObjectStore, claim: Claim) -> None:
    """Leave nothing behind, as far as the service lets us; the claim stays if anything may."""
    with suppress(OSError, DatasetError):
        claim.check()
        claim.give_up()
        if not store.exists(MANIFEST_NAME):
            _remove_left(store)
        remove_claims(store)


def _make(
    stage: Staging,
    store: ObjectStore,
    claim: Claim,
    scale_factor: float,
    layout: Layout,
    progress: Progress,
) -> Manifest:
    """Put all objects but the manifest."""
    tpchgen = Tpchgen.installed()
    expected_bytes = estimate_bytes(scale_factor, layout)
    check_space(stage.destination.parent, scale_factor, _needed_bytes(expected_bytes, layout))
    command = tpchgen.command(scale_factor, layout, stage.directory)
    with (
        closing(Uploads(store, stage.directory, claim)) as uploads,
        closing(Follower(stage.directory, uploads.take)) as follower,
        ThreadPoolExecutor(cores()) as executor,
    ):
        with running(command, stage.lock_descriptor) as process:
            pace = _Pace(process)

            def look() -> None:
                follower.follow(executor)
                uploads.check()
                pace.keep(uploads.waiting_bytes)
                progress(follower.bytes_written, expected_bytes)

            watch(process, _LOOK_INTERVAL_S, look)
        files = follower.finish(executor)
        described = uploads.finish(lambda: progress(follower.bytes_written, expected_bytes))
    facts = commit_facts(tpchgen, scale_factor)
    make_table = partial(_make_table, store, stage.directory, scale_factor, files, described, facts)
    with ThreadPoolExecutor(cores()) as executor:
        tables = dict(zip(TABLE_NAMES, executor.map(make_table, TABLE_NAMES), strict=True))
    return new_manifest(tpchgen, scale_factor, layout, tables)


def _commission(
    store: ObjectStore,
    options: Mapping[str, str],
    claim: Claim,
    scale_factor: float,
    layout: Layout,
) -> Commission:
    """What others are to make, as long as this process holds the claim."""
    from neuralake.tpch.part_job import Commission

    name = Tpchgen.installed().name
    return Commission(scale_factor, layout, name, store.uri, options, claim.token)


def _have_made(
    hands: Hands,
    commission: Commission,
    stage: Staging,
    store: ObjectStore,
    progress: Progress,
) -> Manifest:
    """Have others put the data files, and put the logs."""
    from neuralake.tpch.spread import make_parts

    scale_factor = commission.scale_factor
    made = make_parts(commission, hands)
    files = {path: part.file for path, part in made.items()}
    described = {path: part.described for path, part in made.items()}
    tpchgen = Tpchgen.installed()
    facts = commit_facts(tpchgen, scale_factor)
    tables = {
        name: _make_table(store, stage.directory, scale_factor, files, described, facts, name)
        for name in TABLE_NAMES
    }
    manifest = new_manifest(tpchgen, scale_factor, commission.layout, tables)
    progress(manifest.size_bytes, manifest.size_bytes)
    return manifest


def _needed_bytes(expected_bytes: int, layout: Layout) -> int:
    """What may lie on this machine at once."""
    largest = expected_bytes * _LARGEST_SHARE / (layout.files_per_table or 1)
    at_once = min(expected_bytes, _FILES_BEGUN * largest + MOST_WAITING_BYTES)
    return round(at_once * DISK_MARGIN) + DISK_FLOOR_BYTES


def _make_table(
    store: ObjectStore,
    root: Path,
    scale_factor: float,
    files: Mapping[str, DataFile],
    described: Mapping[str, DescribedFile],
    facts: Mapping[str, str],
    name: str,
) -> GeneratedTable:
    """Commit one table here, and put its log; its files without rows were not put."""
    from neuralake.tpch.commit import commit_described
    from neuralake.tpch.tables import TABLES

    own = [described[path] for path in files if path.startswith(f"{name}/")]
    committed = commit_described(TABLES[name], root / name, own, facts)
    check_rows(name, committed.rows, scale_factor)
    table = generated_table(root, name, committed, files)
    put_once(store, table.log.path, (root / table.log.path).read_bytes())
    return table


def _publish(store: ObjectStore, claim: Claim, manifest: Manifest) -> None:
    """Put the manifest, once every object that it names is there in full."""
    sizes = {stored.path: stored.size_bytes for stored in store.list()}
    for table in manifest.tables.values():
        for file in (*table.files, table.log):
            if sizes.get(file.path) != file.size_bytes:
                found = sizes.get(file.path, "no")
                raise DatasetError(
                    f"{store.uri}/{file.path} has {found} bytes after it was put, and not "
                    f"{file.size_bytes}: did somebody else write there?"
                )
    claim.check()
    put_once(store, MANIFEST_NAME, manifest.to_json())


def put_once(store: ObjectStore, path: str, content: bytes) -> None:
    """Put an object that nobody else may have put; ours, of which the answer was lost, is one.

    Raises
    ------
    DatasetError
        If there is another.
    """
    try:
        store.create(path, content)
    except FileExistsError:
        if store.read(path) != content:
            raise DatasetError(
                f"somebody else put {store.uri}/{path} meanwhile: choose another place"
            ) from None


class _Pace:
    """Stops the generator while too much waits to be uploaded."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._is_stopped = False

    def keep(self, waiting_bytes: int) -> None:
        """Stop it above the limit, and let it go on below half of it."""
        limit = MOST_WAITING_BYTES / 2 if self._is_stopped else MOST_WAITING_BYTES
        if (waiting_bytes > limit) != self._is_stopped:
            self._is_stopped = not self._is_stopped
            self._process.send_signal(signal.SIGSTOP if self._is_stopped else signal.SIGCONT)


class Uploads:
    """Files on their way: described from their footers, put, and removed here.

    Parameters
    ----------
    store
        Where they go.
    root
        Where they are.
    claim
        Without which nothing is put.
    """

    def __init__(self, store: ObjectStore, root: Path, claim: Claim) -> None:
        self._store = store
        self._root = root
        self._claim = claim
        self._executor = ThreadPoolExecutor(UPLOADS_AT_ONCE, "upload")
        self._pending: deque[tuple[DataFile, Future[DescribedFile]]] = deque()
        self._done: dict[str, DescribedFile] = {}

    @property
    def waiting_bytes(self) -> int:
        """Bytes of the files that are not up yet."""
        return sum(file.size_bytes for file, future in self._pending if not future.done())

    def take(self, file: DataFile) -> None:
        """Send a complete file on its way."""
        self._pending.append((file, self._executor.submit(self._send, file)))

    def check(self) -> None:
        """Raise what an upload has raised."""
        while self._pending and self._pending[0][1].done():
            file, future = self._pending.popleft()
            self._done[file.path] = future.result()

    def finish(self, look: Callable[[], None]) -> dict[str, DescribedFile]:
        """Wait for all; returns what is known of each file, by its path."""
        while self._pending:
            file, future = self._pending.popleft()
            while True:
                try:
                    self._done[file.path] = future.result(_LOOK_INTERVAL_S)
                    break
                except TimeoutError:
                    if future.done():
                        raise
                    look()
        return self._done

    def close(self) -> None:
        """Let go of what has not begun, and wait for the rest."""
        self._executor.shutdown(wait=True, cancel_futures=True)

    def _send(self, file: DataFile) -> DescribedFile:
        from neuralake.tpch.commit import describe
        from neuralake.tpch.tables import TABLES

        self._claim.check()
        local = self._root / file.path
        described = describe(TABLES[PurePosixPath(file.path).parts[0]], local)
        if local.stat().st_size != file.size_bytes:
            raise DatasetError(f"the generator changed {file.path} after completing it")
        if described.rows:
            self._store.upload(file.path, local)
        local.unlink()
        return described
