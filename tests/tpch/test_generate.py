from __future__ import annotations

import fcntl
import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from neuralake.errors import BusyError, DatasetError
from neuralake.tpch.existing import load_manifest
from neuralake.tpch.generate import generate
from neuralake.tpch.layout import Layout
from neuralake.tpch.manifest import Manifest
from neuralake.tpch.progress import generation_progress
from neuralake.tpch.staging import home_of
from neuralake.tpch.tpchgen import Tpchgen
from tests.generator import OWN_COMMAND
from tests.waiting import until

own_generator = pytest.mark.usefixtures("own_generator")
SMALL = 0.001
# Large enough to be met in the middle of its work.
SLOW = 0.05
KILLS = int(os.environ.get("NEURALAKE_TEST_KILLS", "4"))


def start(target: Path, scale_factor: float = SLOW) -> subprocess.Popen[str]:
    """A process of its own that generates."""
    code = "import sys; from neuralake.tpch.generate import generate; "
    code += "generate(float(sys.argv[1]), sys.argv[2])"
    return subprocess.Popen(
        [sys.executable, "-c", code, str(scale_factor), str(target)],
        stderr=subprocess.PIPE,
        text=True,
    )


def leftovers(target: Path) -> list[str]:
    return [entry.name for entry in target.parent.iterdir() if entry != target]


def generators(target: Path) -> list[int]:
    """Processes of tpchgen-cli that write for a destination."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes()
        except OSError:
            continue
        if b"tpchgen-cli\0" in command and bytes(home_of(target)) in command:
            found.append(int(process.name))
    return found


def writing(target: Path, pattern: str) -> Callable[[], bool]:
    """Whether a file of this name has come to be in the staging directory."""
    return lambda: any(home_of(target).glob(f"dataset-*/{pattern}"))


# What a generation leaves


def test_a_dataset_is_made_once(tmp_path: Path) -> None:
    target = tmp_path / "data" / "with space" / "sf0.001"
    made = generate(SMALL, str(target))
    assert leftovers(target) == []
    assert load_manifest(str(target), scale_factor=SMALL, verify=True) == made
    before = {path: path.stat().st_mtime_ns for path in target.rglob("*")}
    assert generate(SMALL, str(target), verify=True) == made
    assert generate(SMALL, str(target), layout=Layout()) == made
    assert {path: path.stat().st_mtime_ns for path in target.rglob("*")} == before


@own_generator
def test_a_dataset_holds_its_tables_and_manifest_only(tmp_path: Path) -> None:
    made = generate(SMALL, str(tmp_path / "sf0.001"), layout=Layout(files_per_table=12))
    root = tmp_path / "sf0.001"
    files = {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}
    listed = {f.path for table in made.tables.values() for f in (*table.files, table.log)}
    assert files == listed | {"manifest.json"}
    assert len(made.tables["orders"].files) == 12
    assert made.tables["supplier"].rows == 10  # files without rows are not kept


@pytest.fixture(scope="module")
def followed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Manifest, list[tuple[int, int]]]:
    """A dataset that is made now, by the generator itself, and what was told meanwhile."""
    told: list[tuple[int, int]] = []
    target = tmp_path_factory.mktemp("followed") / "with space" / "b"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Tpchgen, "command", OWN_COMMAND)
        return generate(SLOW, str(target), progress=lambda *now: told.append(now)), told


def test_the_same_arguments_make_the_same_bytes(
    followed: tuple[Manifest, list[tuple[int, int]]], tmp_path: Path
) -> None:
    """Of one that other tests have been given, and one that is made now."""
    assert generate(SLOW, str(tmp_path / "a")).digest == followed[0].digest


def test_an_empty_directory_and_a_link_are_filled(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "empty", target_is_directory=True)
    generate(SMALL, str(tmp_path / "link"))
    load_manifest(str(tmp_path / "empty"))
    assert (tmp_path / "link").is_symlink()
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["empty", "link"]


# What is refused


@pytest.mark.parametrize("scale_factor", [0, -1, float("nan"), float("inf"), 1e9])
def test_an_impossible_scale_factor_writes_nothing(tmp_path: Path, scale_factor: float) -> None:
    with pytest.raises(DatasetError, match=r"expected a number from 0\.001 to 100000"):
        generate(scale_factor, str(tmp_path / "deep" / "sf"))
    assert list(tmp_path.iterdir()) == []


def test_a_path_that_delta_cannot_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="percent sign"):
        generate(SMALL, str(tmp_path / "a%20b"))
    with pytest.raises(DatasetError, match="without backslashes"):
        generate(SMALL, str(tmp_path / "a\\b"))
    assert list(tmp_path.iterdir()) == []


def test_what_is_not_ours_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("precious")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.tex").write_text("precious")
    with pytest.raises(DatasetError, match="file is a file: a dataset is a directory"):
        generate(SMALL, str(tmp_path / "file"))
    with pytest.raises(DatasetError, match=r"Not a directory \(.*/file\)"):
        generate(SMALL, str(tmp_path / "file" / "sf1"))
    with pytest.raises(DatasetError, match=r"holds 'thesis\.tex' and no manifest\.json"):
        generate(SMALL, str(tmp_path / "full"))
    assert [path.read_text() for path in tmp_path.rglob("*.tex")] == ["precious"]
    assert (tmp_path / "file").read_text() == "precious"


def test_another_dataset_is_left_alone(tmp_path: Path) -> None:
    made = generate(SMALL, str(tmp_path / "sf"))
    with pytest.raises(DatasetError, match=r"has scale factor 0\.001, not 0\.002"):
        generate(0.002, str(tmp_path / "sf"))
    with pytest.raises(DatasetError, match="compression SNAPPY and not LZ4_RAW"):
        generate(SMALL, str(tmp_path / "sf"), layout=Layout(compression="lz4_raw"))
    (tmp_path / "sf" / "part" / "part.1.parquet").unlink()
    with pytest.raises(DatasetError, match="remove the directory and generate it again"):
        generate(SMALL, str(tmp_path / "sf"))
    assert made.tables.keys() <= {entry.name for entry in (tmp_path / "sf").iterdir()}


@pytest.mark.parametrize("content", [None, "somebody's"])
def test_a_foreign_staging_directory_is_left_alone(tmp_path: Path, content: str | None) -> None:
    precious = home_of(tmp_path / "sf") / "dataset-of-mine" / "thesis.tex"
    precious.parent.mkdir(parents=True)
    precious.touch()
    if content is not None:
        (home_of(tmp_path / "sf") / "lock").write_text(content)
    with pytest.raises(DatasetError, match="something that neuralake did not put there"):
        generate(SMALL, str(tmp_path / "sf"))
    assert precious.exists()
    assert not (tmp_path / "sf").exists()


# Whoever is not root needs a user namespace to mount a disk, which ends with the script.
UNSHARE = ["unshare", "--mount", *(["--user", "--map-root-user"] if os.geteuid() else [])]
GENERATE = """
import sys
from pathlib import Path
from neuralake.errors import DatasetError
from neuralake.tpch.generate import generate

disk = Path(sys.argv[1])

def fill(bytes_written, bytes_expected):
    if bytes_written and not (disk / "filler").exists():
        with (disk / "filler").open("wb", buffering=0) as filler:
            try:
                while filler.write(bytes(65536)):
                    pass
            except OSError:
                pass

try:
    generate(float(sys.argv[2]), str(disk / "sf"), progress=fill)
except DatasetError as error:
    print(error)
print(sorted(entry.name for entry in disk.iterdir()))
"""
COMMIT = """
import sys
from pathlib import Path
from neuralake.errors import DatasetError
from neuralake.tpch.commit import commit
from neuralake.tpch.tables import TABLES

disk = Path(sys.argv[1])
(disk / "region.1.parquet").write_bytes(Path(sys.argv[2]).read_bytes())
try:
    (disk / "filler").write_bytes(bytes(1_000_000))
except OSError:
    pass
try:
    commit(TABLES["region"], disk, ["region.1.parquet"], {})
except DatasetError as error:
    print(error)
"""


def on_disk(directory: Path, options: str, script: str, argument: object) -> list[str]:
    """The lines that a script prints when it works on a disk of its own."""
    mount = f'mount -t tmpfs -o {options} tmpfs "$1" && exec "$2" -c "$3" "$1" "$4"'
    arguments = [str(directory), sys.executable, script, str(argument)]
    return subprocess.run(
        [*UNSHARE, "sh", "-c", mount, "sh", *arguments],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    ).stdout.splitlines()


def test_too_little_disk_is_said_before_anything_is_written(tmp_path: Path) -> None:
    message, names = on_disk(tmp_path, "size=100m", GENERATE, 1)
    expected = r"too little disk at .*: scale factor 1 needs about \d+ MB, 105 MB are free"
    assert re.fullmatch(expected, message)
    assert names == "[]"


@pytest.mark.more  # by day one that is full before, and at the commit; and a generator that fails
def test_a_disk_that_fills_up_is_an_error_that_leaves_nothing(tmp_path: Path) -> None:
    message, names = on_disk(tmp_path, "size=60m", GENERATE, SLOW)
    assert "No space left on device" in message  # of the generator or, if it was done, of a commit
    assert names == "['filler']"


def test_a_disk_that_is_full_at_the_commit_is_an_error_of_one_line(tmp_path: Path) -> None:
    made = generate(SMALL, str(tmp_path / "sf"))
    disk = tmp_path / "disk"
    disk.mkdir()
    data = tmp_path / "sf" / made.tables["region"].files[0].path
    (message,) = on_disk(disk, "size=100k", COMMIT, data)
    assert message.startswith("table region cannot be committed: ")
    assert message.endswith("No space left on device")
    assert message.isprintable()


def test_a_disk_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    message, names = on_disk(tmp_path, "ro", GENERATE, SMALL)
    assert re.match(r"the dataset cannot be written to .*/sf: Read-only file system", message)
    assert message.endswith("; name a place with --to, or set NEURALAKE_STORAGE_ROOT")
    assert names == "[]"


# Whoever comes at the same time, or dies


def test_a_second_one_at_the_same_time_is_told_who_is_at_work(tmp_path: Path) -> None:
    with start(tmp_path / "sf") as first:
        until(writing(tmp_path / "sf", "lineitem/*.parquet.inprogress"), every_s=0.001)
        with pytest.raises(BusyError, match=f"^process {first.pid} is making the dataset at "):
            generate(SLOW, str(tmp_path / "sf"))
        assert first.wait() == 0
    assert generate(SLOW, str(tmp_path / "sf"), verify=True).scale_factor == SLOW
    assert leftovers(tmp_path / "sf") == []


def test_many_at_the_same_time_make_one_dataset(tmp_path: Path) -> None:
    ended: list[str] = []

    def run() -> None:
        try:
            ended.append(generate(SMALL, str(tmp_path / "sf")).digest)
        except BusyError as error:
            ended.append(type(error).__name__)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(ended) <= {load_manifest(str(tmp_path / "sf")).digest, "BusyError"}
    assert leftovers(tmp_path / "sf") == []


def test_a_writer_that_outlives_its_parent_is_waited_for(tmp_path: Path) -> None:
    home = home_of(tmp_path / "sf")
    (home / "dataset-0").mkdir(parents=True)
    with subprocess.Popen([sys.executable, "-c", ""]) as dead:
        dead.wait()
    with (home / "lock").open("w") as lock:
        lock.write(f"neuralake generate, process {dead.pid}\n")
        lock.flush()
        fcntl.flock(lock, fcntl.LOCK_EX)
        orphan = subprocess.Popen(["sleep", "0.5"], pass_fds=(lock.fileno(),))
    generate(SMALL, str(tmp_path / "sf"))
    assert orphan.poll() == 0
    assert leftovers(tmp_path / "sf") == []


def moments() -> Iterator[object]:
    """When to kill: at stages of the work, then at random fractions of its duration."""
    yield "lineitem/*", 0.0
    for pattern in ("*/_delta_log/*.json", "manifest.json", "nothing"):
        yield pytest.param(pattern, 0.0, marks=pytest.mark.more)
    chance = random.Random(42)
    for number in range(KILLS):
        marks = [pytest.mark.more] if number < 4 else []
        yield pytest.param("*", chance.uniform(0, 1.1), marks=marks)


@pytest.fixture(scope="module")
def duration_s(tmp_path_factory: pytest.TempPathFactory) -> float:
    begin = time.monotonic()
    with start(tmp_path_factory.mktemp("whole") / "sf") as process:
        assert process.wait() == 0
    return time.monotonic() - begin


@pytest.mark.parametrize(("pattern", "fraction"), list(moments()))
def test_a_kill_leaves_a_whole_dataset_or_none(
    tmp_path: Path, request: pytest.FixtureRequest, pattern: str, fraction: float
) -> None:
    target = tmp_path / "sf"
    duration_s = request.getfixturevalue("duration_s") if pattern == "*" else 0.0
    with start(target) as process:
        if pattern == "*":
            time.sleep(fraction * duration_s)
        elif pattern == "nothing":
            until(target.exists, every_s=0.001)
        else:
            seen = writing(target, pattern)
            # a moment may pass between two looks
            until(lambda: seen() or target.exists(), every_s=0.001)
        process.kill()
    if target.exists():
        load_manifest(str(target), verify=True)
    made = generate(SLOW, str(target), verify=True)
    assert generators(target) == []
    assert load_manifest(str(target), verify=True) == made
    assert leftovers(target) == []


def test_an_interrupt_ends_the_generator_and_leaves_nothing(tmp_path: Path) -> None:
    with start(tmp_path / "sf", 4 * SLOW) as process:  # it does not come to its end
        until(writing(tmp_path / "sf", "lineitem/*"), every_s=0.001)
        process.send_signal(signal.SIGINT)
        _, trace = process.communicate()
    assert process.returncode != 0
    assert trace.rstrip().endswith("KeyboardInterrupt")
    assert generators(tmp_path / "sf") == []
    assert list(tmp_path.iterdir()) == []


@own_generator
def test_a_generator_that_is_killed_is_an_error_that_leaves_nothing(tmp_path: Path) -> None:
    def kill(bytes_written: int, bytes_expected: int) -> None:
        for pid in generators(tmp_path / "sf"):
            os.kill(pid, signal.SIGKILL)

    with pytest.raises(DatasetError, match="tpchgen-cli was ended by SIGKILL"):
        generate(SLOW, str(tmp_path / "sf"), progress=kill)
    assert list(tmp_path.iterdir()) == []


# What it costs


@own_generator
def test_nothing_that_reads_tables_is_loaded_before_the_generator_starts(tmp_path: Path) -> None:
    """The last thing before is whether the disk is large enough, which it is not."""
    asked = ["generate", "--scale-factor=100000", f"--to={tmp_path / 'sf'}"]
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "neuralake", *asked],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "too little disk" in done.stderr
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "neuralake.tpch.generate" in loaded
    assert not loaded & {"pyarrow", "polars", "numpy", "deltalake", "msgspec", "rich"}


# What is told meanwhile


def test_progress_is_told_in_bytes(followed: tuple[Manifest, list[tuple[int, int]]]) -> None:
    made, told = followed
    written = [now[0] for now in told]
    assert written == sorted(written)
    assert 0 < written[-1] <= made.size_bytes
    assert {now[1] for now in told} == {told[0][1]}
    assert 0.8 < made.size_bytes / told[0][1] < 1.1


def test_there_is_no_bar_where_nobody_looks(capfd: pytest.CaptureFixture[str]) -> None:
    with generation_progress() as progress:
        progress(1, 2)
    assert capfd.readouterr() == ("", "")


def test_a_terminal_gets_a_bar_with_bytes() -> None:
    import pty

    parent, child = pty.openpty()
    code = "from neuralake.tpch.progress import generation_progress as bar\n"
    code += "with bar() as progress: progress(5_000_000, 10_000_000)"
    environment = os.environ | {"TERM": "xterm", "COLUMNS": "80"}
    with subprocess.Popen([sys.executable, "-c", code], stderr=child, env=environment) as process:
        os.close(child)
        shown = b""
        try:
            while chunk := os.read(parent, 4096):
                shown += chunk
        except OSError:  # the terminal's other side has ended
            pass
    os.close(parent)
    assert process.returncode == 0
    assert b"5.0/10.0 MB" in shown
