"""A dataset whose files others make: the same, and as whole or absent, as one that is made here."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

import msgspec
import pytest

from neuralake.errors import DatasetError, EngineError
from neuralake.tpch.existing import load_manifest
from neuralake.tpch.generate import generate
from neuralake.tpch.layout import Layout
from neuralake.tpch.part_job import Commission, Made, PartJob, make_part
from neuralake.tpch.spread import Hands
from neuralake.tpch.tpchgen import Tpchgen
from tests.more import few

# The same in all tests, and in those on S3 and on a cluster: a part that the generator has made for
# one is copied for the others, as each costs most of a second of a processor
SCALE_FACTOR = 0.001
LAYOUT = Layout()
Function = Callable[[bytes], bytes]


def twice(workers: int, function: Function, jobs: Sequence[bytes]) -> Iterator[bytes]:
    """Threads, which do one job twice, as Spark may (speculation, a lost executor).

    That of the first tables: at once where there are several.
    """
    with ThreadPoolExecutor(workers) as executor:
        yield from executor.map(function, [jobs[0], *jobs])


@pytest.mark.parametrize(("layout", "workers"), few([(LAYOUT, 1), (Layout(files_per_table=2), 4)]))
def test_it_is_the_dataset_of_one_machine(tmp_path: Path, layout: Layout, workers: int) -> None:
    alone = generate(SCALE_FACTOR, str(tmp_path / "alone"), layout=layout)
    seen: list[tuple[int, int]] = []
    together = generate(
        SCALE_FACTOR,
        str(tmp_path / "together"),
        layout=layout,
        hands=partial(twice, workers),
        progress=lambda *bytes_: seen.append(bytes_),
    )
    assert together.digest == alone.digest
    assert {n: (t.rows, t.files) for n, t in together.tables.items()} == {
        n: (t.rows, t.files) for n, t in alone.tables.items()
    }
    assert seen[-1] == (alone.size_bytes, alone.size_bytes)
    assert load_manifest(str(tmp_path / "together"), verify=True) == together
    assert sorted(path.name for path in tmp_path.iterdir()) == ["alone", "together"]


def test_a_dataset_that_is_there_is_left_as_it_is(tmp_path: Path) -> None:
    def idle(function: Function, jobs: Sequence[bytes]) -> Iterator[bytes]:
        raise AssertionError("nothing is to be made")

    made = generate(SCALE_FACTOR, str(tmp_path / "sf"), layout=LAYOUT)
    assert generate(SCALE_FACTOR, str(tmp_path / "sf"), layout=LAYOUT, hands=idle) == made


def test_after_a_failure_nothing_is_there(tmp_path: Path) -> None:
    def failing(function: Function, jobs: Sequence[bytes]) -> Iterator[bytes]:
        yield from map(function, jobs[:1])
        raise EngineError("spark: the cluster had no executor")

    with pytest.raises(EngineError, match="no executor"):
        generate(SCALE_FACTOR, str(tmp_path / "sf"), layout=LAYOUT, hands=failing)
    assert not list(tmp_path.iterdir())


def all_but_the_first(function: Function, jobs: Sequence[bytes]) -> Iterator[bytes]:
    yield from map(function, jobs[1:])


def the_first_twice(function: Function, jobs: Sequence[bytes]) -> Iterator[bytes]:
    answer = function(jobs[0])
    yield answer
    yield other(answer)


@pytest.mark.parametrize(
    ("hands", "message"),
    [
        (all_but_the_first, "nobody has made part 1 of lineitem"),
        (the_first_twice, "was made twice, and not alike"),
    ],
)
def test_files_that_are_missing_or_differ_are_no_dataset(
    tmp_path: Path, hands: Hands, message: str
) -> None:
    with pytest.raises(DatasetError, match=message):
        generate(SCALE_FACTOR, str(tmp_path / "sf"), layout=LAYOUT, hands=hands)
    assert not list(tmp_path.iterdir())


def other(answer: bytes) -> bytes:
    made = msgspec.json.decode(answer, type=Made)
    first = made.files[0]
    changed = replace(first, file=replace(first.file, sha256="0" * 64))
    return msgspec.json.encode(replace(made, files=(changed, *made.files[1:])))


JOB = PartJob(("region",), 1)


def commission(destination: Path, layout: Layout | None = None) -> Commission:
    generator = Tpchgen.installed().name
    return Commission(0.01, (layout or Layout()).at(0.01), generator, str(destination))


def test_an_orphan_makes_nothing_where_the_dataset_was_given_up(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="is not seen where a part is to be made"):
        make_part(commission(tmp_path / ".sf.generating" / "dataset-1"), JOB)
    assert not list(tmp_path.iterdir())


def test_another_generator_makes_no_part(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"tpchgen-cli 3\.0\.0 where the dataset"):
        make_part(replace(commission(tmp_path), generator="tpchgen-cli 3.0.0"), JOB)


def test_what_the_generator_says_is_told(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="failed at part 7 of region with status"):
        make_part(commission(tmp_path, LAYOUT), replace(JOB, part=7))
    assert not list(tmp_path.iterdir())
