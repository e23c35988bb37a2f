"""What a comparison is asked to do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from neuralake.arms.arm import ArmSpec
from neuralake.arms.pairs import Terms
from neuralake.engines import registry
from neuralake.engines.registry import EngineSpec
from neuralake.errors import CompareError
from neuralake.queries.workload import Workload

DEFAULT_ENGINES = ("polars", "datafusion")


@dataclass(frozen=True)
class Request:
    """What is to be compared.

    Attributes
    ----------
    base, candidate
        The arms, as :func:`neuralake.arms.arm.parse_arm` reads them.
    engines
        Names, with the options of both arms.
    terms
        Effects, error rates, time.
    workload
        TPC-H on its dataset, whose known answers both arms must give; None for ``directory``.
    directory
        Queries of a team's own; within the repository it is that of each arm's commit.
    catalog
        Of that directory: a file, likewise, or a module; None for its own.
    selection
        Queries, such as ``1,6,9-12``; None for all.
    allow_dirty
        Whether HEAD may be compared without the changes of the work tree.
    working_directory
        Where the caller stands: his repository and relative paths.
    cache
        Where arms are built.
    results
        Results root.
    """

    base: str
    candidate: str
    engines: tuple[EngineSpec, ...]
    terms: Terms
    workload: Workload | None
    directory: Path | None
    catalog: str | None
    selection: str | None
    allow_dirty: bool
    working_directory: Path
    cache: Path
    results: Path

    def options(self, spec: ArmSpec) -> dict[str, dict[str, str]]:
        """Options of each engine in one arm: those of both, and then its own.

        Raises
        ------
        CompareError
            If an arm has an option of an engine that is not compared.
        """
        found = {engine.name: dict(engine.options) for engine in self.engines}
        for option in spec.options:
            name, key, value = registry.split_option(option)
            if name not in found:
                raise CompareError(
                    f"arm {spec.text!r} has an option of {name}, which is not compared: "
                    f"expected one of {', '.join(found)}"
                )
            found[name][key] = value
        return found


def parse_engines(names: Iterable[str], options: Iterable[str]) -> tuple[EngineSpec, ...]:
    """Engines and their options from the command line; what they mean is the arms' to know.

    Parameters
    ----------
    names
        In the order in which they run.
    options
        Items such as ``datafusion:target_partitions=4``.

    Raises
    ------
    EngineError
        If an option cannot be read.
    CompareError
        If it is of no engine that is compared.
    """
    found: dict[str, dict[str, str]] = {name: {} for name in names}
    for item in options:
        name, key, value = registry.split_option(item)
        if name not in found:
            raise CompareError(
                f"engine option {item!r}: {name} is not compared, expected one of "
                f"{', '.join(found)}"
            )
        found[name][key] = value
    return tuple(EngineSpec(name, given) for name, given in found.items())
