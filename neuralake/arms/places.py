"""Where the arms of a comparison run: in their commits, as the caller stands in his."""

from __future__ import annotations

import os
from pathlib import Path

from neuralake.arms.build import Arm
from neuralake.arms.processes import Place
from neuralake.arms.request import Request
from neuralake.measure.callgrind import Callgrind
from neuralake.measure.massif import Massif
from neuralake.results.comparison import Side


def place_of(
    side: Side, arm: Arm, request: Request, repository: Path | None, directory: Path
) -> Place:
    """Where an arm runs, and with what.

    Parameters
    ----------
    side, arm
        Which.
    request
        What is compared.
    repository
        Top of the caller's; None if no arm is a commit of it.
    directory
        Of the comparison, where ``logs`` is.
    """

    def within(path: Path) -> Path:
        """A path of the caller's as it is in the arm's commit; one from elsewhere stays."""
        absolute = (request.working_directory / path).resolve()
        top = None if arm.commit is None else repository
        if top is None or not absolute.is_relative_to(top.resolve()):
            return absolute
        return arm.directory / absolute.relative_to(top.resolve())

    catalog = request.catalog
    if catalog is not None and catalog.endswith(".py"):
        catalog = str(within(Path(catalog)))
    standing = within(Path())
    return Place(
        side=side,
        name=arm.spec.text,
        python=arm.python,
        # the top, where the commit has no such directory
        directory=standing if standing.is_dir() else arm.directory,
        dataset_uri=request.workload.dataset_uri if request.workload else None,
        workload=within(request.directory) if request.directory else None,
        catalog=catalog,
        log=directory / "logs" / f"{side}.log",
        environment={**_bytecode(arm), **request.environment},
        checkout=None if arm.commit is None else arm.directory,
        counting=_counting(side, request, directory),
    )


def _counting(side: Side, request: Request, directory: Path) -> Massif | Callgrind | None:
    if request.terms.by == "time":
        return None
    log = directory.absolute() / "logs" / f"{side}-valgrind.log"
    if request.cache_sim or request.profiles is not None:
        return Callgrind(log, cache_sim=request.cache_sim)
    return Massif(log)


def _bytecode(arm: Arm) -> dict[str, str]:
    """Variables by which the processes of an arm compile its modules once, and not at each start.

    Where a caller forbids bytecode, as containers do, it goes to the arm's own entry of the cache,
    and beside no module of his.
    """
    if not os.environ.get("PYTHONDONTWRITEBYTECODE"):
        return {}
    kept = arm.entry.absolute() / "bytecode"
    return {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(kept)}
