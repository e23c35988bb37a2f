"""The user's modules: imported from a file or by name, here and again in a worker process."""

from __future__ import annotations

import hashlib
import importlib.util
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from operator import attrgetter
from pathlib import Path
from types import ModuleType
from typing import Any

from neuralake.user_code import importing

_PREFIX = "_neuralake_catalog_"


def import_file(path: Path) -> ModuleType:
    """Run a Python file as a module; what it raises is raised."""
    path = path.resolve()
    # Files of one name in two directories are two modules, and neither hides an installed one.
    name = _PREFIX + hashlib.sha256(bytes(path)).hexdigest()[:12]
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"Python cannot import {path}")
    module = importlib.util.module_from_spec(spec)
    add_to_search_path(path.parent)
    # Dataclasses and pickle look a module up by its name while it runs and after.
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        sys.modules.pop(name, None)
        raise
    return module


def add_to_search_path(directory: Path) -> None:
    """Let modules import what lies in a directory, after whatever is installed."""
    if str(directory) not in sys.path:
        sys.path.append(str(directory))


@dataclass(frozen=True)
class FunctionReference:
    """Where a function stands, so that another process can find it.

    Pickle's own way does not find a function under a decorator that puts a table in its place,
    nor a module that was imported from a file.
    """

    module: str
    file: str
    name: str

    @classmethod
    def to(cls, function: Callable[..., Any]) -> FunctionReference:
        """Refer to a function at the top level of a module."""
        file = getattr(sys.modules.get(function.__module__), "__file__", None)
        return cls(function.__module__, file or "", function.__qualname__)

    def load(self) -> Callable[..., Any]:
        """The function, its module imported if it is not yet.

        Raises
        ------
        AttributeError
            If it is not at the top level of its module (``<locals>``, a lambda).
        """
        module = sys.modules.get(self.module)
        if module is None:
            is_file = self.module.startswith(_PREFIX)
            with importing(self.file if is_file else self.module):
                module = import_file(Path(self.file)) if is_file else import_module(self.module)
        found = attrgetter(self.name)(module)
        function: Callable[..., Any] = getattr(found, "function", found)
        return function
