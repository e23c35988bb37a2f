"""Makes a TPC-H dataset with the hands of others: each makes files, and one puts them together.

The dataset is as whole or absent as one that is made here (:mod:`neuralake.tpch.generate`), and its
files are the same, byte for byte: the manifest, which this process alone writes, is the last thing
that is there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final, Protocol

import msgspec

from neuralake.errors import DatasetError
from neuralake.tpch.commit import commit_described
from neuralake.tpch.manifest import GeneratedTable
from neuralake.tpch.part_job import Commission, Made, MadePart, PartJob, run_part
from neuralake.tpch.parts import check_rows, generated_table
from neuralake.tpch.tables import TABLES

# By their bytes, the longest job first, so that none is alone at the end
_GROUPS: Final[tuple[tuple[str, ...], ...]] = (
    ("lineitem",),
    ("orders",),
    ("partsupp", "part", "customer", "supplier", "nation", "region"),
)


class Hands(Protocol):
    """Whoever carries out jobs, at once and on several machines."""

    def __call__(
        self, function: Callable[[bytes], bytes], jobs: Sequence[bytes]
    ) -> Iterator[bytes]:
        """Call a function with each job; the answers come in any order.

        A job may be carried out more than once. The first error that lasts is raised.
        """


def make_parts(commission: Commission, hands: Hands) -> dict[str, MadePart]:
    """Have all data files of a dataset made.

    Parameters
    ----------
    commission
        What is to be made and where; its generator is the one here, which must be theirs.
    hands
        Who makes them.

    Returns
    -------
    dict
        Each file by its path, the second part of a table before the tenth.

    Raises
    ------
    DatasetError
        If one is missing, or was made twice and otherwise.
    """
    parts = range(1, 1 + (commission.layout.files_per_table or 1))
    jobs = {(part, tables): PartJob(tables, part) for tables in _GROUPS for part in parts}
    found: dict[str, MadePart] = {}
    # once for all of them: what Spark sends in more than a mebibyte, it writes to disks, and
    # there are keys in it (PySpark, ``_prepare_for_python_RDD``)
    function = partial(run_part, msgspec.json.encode(commission))
    for answer in hands(function, [msgspec.json.encode(job) for job in jobs.values()]):
        made = msgspec.json.decode(answer, type=Made)
        jobs.pop((made.part, made.tables), None)
        for part in made.files:
            if found.setdefault(part.file.path, part).file != part.file:
                raise DatasetError(f"{part.file.path} was made twice, and not alike")
    for number, tables in jobs:
        raise DatasetError(f"nobody has made part {number} of {', '.join(tables)}")
    return dict(sorted(found.items(), key=lambda item: (len(item[0]), item[0])))


def commit_parts(
    root: Path,
    scale_factor: float,
    made: Mapping[str, MadePart],
    facts: Mapping[str, str],
    name: str,
) -> GeneratedTable:
    """Commit one table of files that lie in their places under a root, and check its rows.

    Raises
    ------
    DatasetError
        If it has other rows than the specification says, or cannot be committed.
    """
    own = [part.described for path, part in made.items() if path.startswith(f"{name}/")]
    committed = commit_described(TABLES[name], root / name, own, facts)
    check_rows(name, committed.rows, scale_factor)
    files = {path: part.file for path, part in made.items()}
    return generated_table(root, name, committed, files)
