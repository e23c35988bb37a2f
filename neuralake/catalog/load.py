"""A catalog from the user's own code: a Python file, or a module by its name."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

from neuralake.catalog.catalog import Catalog, Database
from neuralake.catalog.modules import import_file, import_named
from neuralake.config import Settings
from neuralake.errors import CatalogError, NeuralakeError, named_reason
from neuralake.user_code import importing


def load_catalog(source: str, settings: Settings) -> Catalog:
    """The catalog that a module makes, resolved.

    The module's code is run. Its directory (of a file) or the working directory (of a module's
    name) is put at the end of Python's search path and stays there, so that the module may import
    what lies beside it, now and when a function table is made.

    Parameters
    ----------
    source
        Path of a ``.py`` file, or a dotted module name. If the module has a ``catalog`` of type
        :class:`Catalog`, that is taken; otherwise the module is a database.
    settings
        What resolves locations.

    Raises
    ------
    CatalogError
        If there is no such file or module, its code fails, or it holds no table.
    """
    is_path = source.endswith(".py") or "/" in source or Path(source).is_file()
    found = _from_file(Path(source)) if is_path else _from_name(source)
    return found.resolve(settings)


def _from_file(path: Path) -> Catalog:
    if not path.is_file() or path.suffix != ".py":
        kinds = {path.is_dir(): "it is a directory", not path.exists(): "it does not exist"}
        found = kinds.get(True, "it is no .py file")
        raise CatalogError(f"no catalog at {path}: {found}; expected a .py file or a module name")
    return _made_by(str(path), str(path.resolve()), lambda: import_file(path))


def _from_name(name: str) -> Catalog:
    if not all(part.isidentifier() for part in name.split(".")):
        raise CatalogError(f"no catalog {name!r}: expected a .py file or a module name")
    try:
        return _made_by(name, name.replace(".", "/") + ".py", lambda: import_named(name))
    except CatalogError as error:
        absent = error.__cause__
        # A module that the catalog itself imports may be the one that is absent.
        if isinstance(absent, ModuleNotFoundError) and f"{name}.".startswith(f"{absent.name}."):
            raise CatalogError(
                f"no catalog {name}: Python finds no module {absent.name} here; "
                f"expected a .py file or a module name"
            ) from absent
        raise


def _made_by(source: str, file: str, load: Callable[[], ModuleType]) -> Catalog:
    """The catalog of a module, or its tables as one; whatever its code raises is one line."""
    try:
        with importing(source):
            module = load()
            catalog = getattr(module, "catalog", None)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # SystemExit, a Rust panic: no Exceptions
        raise _failed(source, file, error) from error
    return catalog if isinstance(catalog, Catalog) else Catalog((Database.from_module(module),))


def _failed(source: str, file: str, error: BaseException) -> CatalogError:
    """What the user's code raised, in one line that says where it was raised."""
    message = str(error) if isinstance(error, NeuralakeError) else named_reason(error)
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if frame.filename.endswith(file)]
    # A syntax error says its line itself.
    line = f", line {lines[-1]}" if lines and not isinstance(error, SyntaxError) else ""
    if isinstance(error, EOFError):
        message = f"{message}: a catalog's code has no standard input"
    return CatalogError(f"catalog {source}{line}: {message}")
