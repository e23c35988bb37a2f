"""Where a module can be mutated: one mutant a place, drawn at random with a seed.

A place has as many mutants as there are operators for it, and an addition alone has a dozen, which
one test finds all. So places are drawn, and then one mutant of each: a share of the mutants would
be one of the additions.
"""

from __future__ import annotations

import ast
import random
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cosmic_ray.work_item import MutationSpec

Position = tuple[int, int]
# Without a cache a function gives the same, and later; nobody writes to what is not frozen.
_NO_PLACES = ("@cache", "@lru_cache", "@dataclass")


def draw(root: Path, modules: Iterable[str], number: int, seed: int) -> list[MutationSpec]:
    """Draw mutants, each of another place.

    Parameters
    ----------
    root
        Directory of the modules.
    modules
        Paths under it.
    number
        How many; all places, if there are fewer.
    seed
        The same seed draws the same from the same code.
    """
    by_place: dict[tuple[str, Position], list[MutationSpec]] = defaultdict(list)
    for module in modules:
        for mutant in _mutants(root / module):
            by_place[module, mutant.start_pos].append(mutant)
    chance = random.Random(seed)
    places = sorted(by_place)
    drawn = chance.sample(places, min(number, len(places)))
    return [chance.choice(by_place[place]) for place in drawn]


def _mutants(module: Path) -> Iterator[MutationSpec]:
    """All mutants of a module but those that cannot matter: of types, and of some decorators."""
    from cosmic_ray.commands.init import _all_work_items as all_work_items

    source = module.read_text()
    annotations = list(annotated(ast.parse(source)))
    lines = source.splitlines()
    for item in all_work_items([module], {}):
        (mutant,) = item.mutations
        line, _ = mutant.start_pos
        in_annotation = any(start <= mutant.start_pos < end for start, end in annotations)
        if not in_annotation and not lines[line - 1].lstrip().startswith(_NO_PLACES):
            yield mutant


def annotated(tree: ast.Module) -> Iterator[tuple[Position, Position]]:
    """Where annotations and names of types begin and end."""
    for node in ast.walk(tree):
        for part in _annotation(node):
            yield (
                (part.lineno, part.col_offset),
                (part.end_lineno or part.lineno, part.end_col_offset or part.col_offset),
            )


def _annotation(node: ast.AST) -> Sequence[ast.expr]:
    match node:
        case ast.AnnAssign(annotation=ast.Name(id="TypeAlias"), value=ast.expr() as value):
            return [value]
        case ast.AnnAssign() | ast.arg(annotation=ast.expr()):
            return [node.annotation] if node.annotation else []
        case ast.FunctionDef(returns=ast.expr() as returns):
            return [returns]
        case ast.If(test=ast.Name(id="TYPE_CHECKING") as test):
            return [test]
        case _:
            return []
