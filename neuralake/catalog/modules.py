"""The user's modules: imported from a file or by name, here and again in a worker process."""

from __future__ import annotations

import hashlib
import importlib.util
import inspect
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from importlib import import_module
from importlib.machinery import SourceFileLoader
from operator import attrgetter
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from neuralake.catalog.neighbours import forget_changed, home_of, neighbours
from neuralake.user_code import importing

_PREFIX = "_neuralake_catalog_"


def import_file(path: Path) -> ModuleType:
    """Run a Python file as a module; what it raises is raised."""
    path = path.resolve()
    # Files of one name in two directories are two modules, and neither hides an installed one.
    name = _PREFIX + hashlib.sha256(bytes(path)).hexdigest()[:12]
    spec = importlib.util.spec_from_file_location(name, path, loader=_AsItIs(name, str(path)))
    if spec is None or spec.loader is None:
        raise ImportError(f"Python cannot import {path}")
    module = importlib.util.module_from_spec(spec)
    add_to_search_path(path.parent)
    with neighbours(path.parent):
        forget_changed(path.parent)
        # Dataclasses and pickle look a module up by its name while it runs and after.
        sys.modules[name] = module
        try:
            spec.loader.exec_module(module)
        except BaseException:
            sys.modules.pop(name, None)
            raise
    return module


class _AsItIs(SourceFileLoader):
    """Compiles the text: bytecode tells a file from another by its length and second alone."""

    def get_code(self, fullname: str) -> CodeType:  # noqa: ARG002 - as every loader
        return self.source_to_code(self.get_data(self.path), self.path)


def import_named(name: str) -> ModuleType:
    """Import a module that is installed, or lies in the working directory."""
    directory = Path.cwd()
    add_to_search_path(directory)
    with neighbours(directory):
        forget_changed(directory)
        return import_module(name)


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
        name = getattr(function, "__qualname__", type(function).__qualname__)
        return cls(getattr(function, "__module__", ""), _file_of(function), name)

    def load(self) -> Callable[..., Any]:
        """The function, its module imported if it is not yet.

        Raises
        ------
        AttributeError
            If it is not at the top level of its module (``<locals>``, a lambda).
        """
        with beside(self.module, self.file):
            module = sys.modules.get(self.module)
            if module is None:
                is_file = self.module.startswith(_PREFIX)
                with importing(self.file if is_file else self.module):
                    path = Path(self.file)
                    module = import_file(path) if is_file else import_module(self.module)
        found = attrgetter(self.name)(module)
        function: Callable[..., Any] = getattr(found, "function", found)
        return function


def why_not_found(function: Callable[..., Any]) -> str | None:
    """Why another process would not find a function by its module and name, or another one."""
    name = getattr(function, "__qualname__", None)
    if name is None or (inspect.ismethod(function) and not inspect.isclass(function.__self__)):
        kind = "a method" if name else f"of type {type(function).__name__}"
        return f"{kind}, and none by its module and name"
    if function.__module__ == "__main__" or "<" in name:
        return "part of a notebook, of the script that is run, or of another function"
    found: Any = getattr(inspect.unwrap(function), "__globals__", {})
    if found.get("__name__") != function.__module__:
        found = getattr(sys.modules.get(function.__module__), "__dict__", {})
    first, *rest = name.split(".")
    found = found.get(first, function)  # of a module that is gone nothing is known
    for part in rest:
        found = getattr(found, part, function)
    found = getattr(found, "function", found)
    if found != function:
        return f"not what its module calls {name}"
    return None


def beside_function(function: Callable[..., Any]) -> AbstractContextManager[None]:
    """Around a call of a function: it imports what lies beside its module."""
    return beside(getattr(function, "__module__", ""), _file_of(function))


def beside(module: str, file: str) -> AbstractContextManager[None]:
    """Around what a module's code does: it imports what lies beside the module."""
    home = Path(file).parent if module.startswith(_PREFIX) else home_of(module, file)
    return nullcontext() if home is None else neighbours(home)


def _file_of(function: Callable[..., Any]) -> str:
    """The file of a function's module, which another module of the name may have displaced."""
    name = getattr(function, "__module__", "")
    names = getattr(inspect.unwrap(function), "__globals__", {})
    if names.get("__name__") != name:  # an object that can be called
        names = getattr(sys.modules.get(name), "__dict__", {})
    return names.get("__file__") or ""
