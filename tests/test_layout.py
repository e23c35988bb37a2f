"""The house: arrows between files and between rooms run one way."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for package in ("neuralake", "benchmarks")
    for path in sorted((ROOT / package).rglob("*.py"))
}


def imports(module: str) -> Iterator[str]:
    """Modules of this repository that a module imports, for their types alone or inside a function
    too."""
    for node in ast.walk(ast.parse(MODULES[module].read_text())):
        if isinstance(node, ast.ImportFrom) and node.module is not None:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from (name if name in MODULES else node.module for name in names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


@pytest.fixture(scope="module")
def graph() -> dict[str, set[str]]:
    return {
        module: {found for found in imports(module) if found in MODULES and found != module}
        for module in MODULES
    }


def test_every_room_is_a_package() -> None:
    """Python finds no others in a wheel that is on its path as it is."""
    rooms = {path.parent for module, path in MODULES.items() if module.startswith("neuralake")}
    assert [room for room in sorted(rooms) if not (room / "__init__.py").is_file()] == []


def test_no_two_files_import_each_other(graph: dict[str, set[str]]) -> None:
    assert set(TopologicalSorter(graph).static_order()) == set(MODULES)  # raises at a circle


def test_no_two_rooms_know_each_other(graph: dict[str, set[str]]) -> None:
    rooms: defaultdict[str, set[str]] = defaultdict(set)
    for module, found in graph.items():
        for other in found:
            room, known = (".".join(name.split(".")[:2]) for name in (module, other))
            if room != known:
                rooms[room].add(known)
    assert len(set(TopologicalSorter(rooms).static_order())) > 10


def test_a_subject_of_the_report_knows_no_subject_but_that_of_one_run(
    graph: dict[str, set[str]],
) -> None:
    subjects = (
        *("run", "runs", "comparison", "history", "ingest", "freshness", "serving"),
        *("streams", "lifecycle"),
    )
    door = "neuralake.report.kinds"  # from a run of any kind to its room, and known to none of them
    for module, found in graph.items():
        if module == door:
            continue
        for other in found:
            own, known = (
                next((s for s in subjects if f"{name}.".startswith(f"neuralake.report.{s}.")), None)
                for name in (module, other)
            )
            if own != known and known is not None and module.startswith("neuralake.report."):
                assert (own, known) == ("runs", "run"), f"{module} imports {other}"
            assert other != door or not module.startswith("neuralake.report."), module
