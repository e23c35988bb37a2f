"""Modules that lie beside a catalog: whose they are where several directories have one by a name.

Python keeps one module a name. Two catalogs with a ``places.py`` each would be given the first
one's, whose tables are others; and so would a catalog whose user's script has a ``places.py``.
"""

from __future__ import annotations

import os
import site
import sys
import sysconfig
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType

Modules = dict[str, ModuleType]
_Stamp = tuple[int, int]
STANDARD = {*sys.builtin_module_names, *sys.stdlib_module_names}


class _Turns:
    """Whose modules are in ``sys.modules`` under a name that several directories have.

    Threads that need those of one directory have them together; others wait.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._finder: _Finder | None = None
        self._users = 0
        self._of_thread = threading.local()
        self._others: Modules = {}  # put aside for the time of a turn
        self._kept: dict[Path, Modules] = {}  # put aside between two turns of a directory
        self._read: dict[Path, dict[str, _Stamp]] = {}

    @contextmanager
    def of(self, directory: Path) -> Iterator[None]:
        """Have the modules of a directory; the thread has again after what it had before."""
        before: Path | None = getattr(self._of_thread, "directory", None)
        if before is not None:
            self._give_back()
        self._take(directory)
        try:
            yield
        finally:
            self._give_back()
            if before is not None:
                self._take(before)

    def forget_changed(self, directory: Path) -> None:
        """Have modules of a directory imported again if one of their files changed since."""
        read = self._read.get(directory, {})
        if any(_stamp(sys.modules.get(name)) not in (None, was) for name, was in read.items()):
            for name in self._read.pop(directory):
                sys.modules.pop(name, None)

    def _take(self, directory: Path) -> None:
        with self._changed:
            self._changed.wait_for(
                lambda: self._finder is None or self._finder.directory == directory
            )
            if self._finder is None:
                self._finder = _Finder(directory)
                self._begin(self._finder)
            self._users += 1
        self._of_thread.directory = directory

    def _give_back(self) -> None:
        self._of_thread.directory = None
        with self._changed:
            self._users -= 1
            if not self._users and self._finder is not None:
                self._end(self._finder)
                self._finder = None
                self._changed.notify_all()

    def _begin(self, finder: _Finder) -> None:
        found = finder.imported()
        self._others = {name: module for name, module in found.items() if not finder.made(name)}
        for name in self._others:
            del sys.modules[name]
        sys.modules.update(self._kept.pop(finder.directory, {}))
        self._before = {*sys.modules}
        sys.meta_path.insert(0, finder)

    def _end(self, finder: _Finder) -> None:
        if finder in sys.meta_path:
            sys.meta_path.remove(finder)
        mine = {name: module for name, module in finder.imported().items() if finder.made(name)}
        read = self._read.setdefault(finder.directory, {})
        for name in mine.keys() - self._before:
            if (stamp := _stamp(mine[name])) is not None:
                read[name] = stamp
        # what Python's own search finds under the name is what whoever else imports it is given
        tops = {_top(name) for name in mine}
        hidden = {top for top in tops if top in self._others or not finder.is_found_by_python(top)}
        kept = {name: module for name, module in mine.items() if _top(name) in hidden}
        for name in kept:
            del sys.modules[name]
        if kept:
            self._kept[finder.directory] = kept
        sys.modules.update(self._others)
        self._others = {}


class _Finder:
    """Finds what lies in a directory before what lies in others, and after what is installed."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        # or a file that was made a moment ago is not found
        sys.path_importer_cache.pop(str(directory), None)

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None = None,
        target: ModuleType | None = None,  # noqa: ARG002 - as every finder
    ) -> ModuleSpec | None:
        """As ``importlib`` asks its finders."""
        if path is not None or fullname in STANDARD:
            return None
        spec = PathFinder.find_spec(fullname, [str(self.directory)])
        if spec is None or PathFinder.find_spec(fullname, _installed_directories()) is not None:
            return None
        if spec.submodule_search_locations is not None:
            # a list of its own: that of a package without a file follows the search path
            spec.submodule_search_locations = [*spec.submodule_search_locations]
        return spec

    def imported(self) -> Modules:
        """The modules, whosever they are, that have a name of this directory."""
        try:
            beside = {entry.name.partition(".")[0] for entry in os.scandir(self.directory)}
        except OSError:
            return {}
        tops = {_top(name) for name in [*sys.modules]} & beside
        names = {top for top in tops if self.find_spec(top) is not None}
        return {name: module for name, module in [*sys.modules.items()] if _top(name) in names}

    def made(self, name: str) -> bool:
        """Whether a module is of this directory."""
        return self._holds(getattr(sys.modules.get(_top(name)), "__spec__", None))

    def is_found_by_python(self, name: str) -> bool:
        """Whether Python's search path leads to this directory for a name, or nowhere."""
        spec = PathFinder.find_spec(name)
        return spec is None or self._holds(spec)

    def _holds(self, spec: ModuleSpec | None) -> bool:
        if spec is None:
            return False
        packages = spec.submodule_search_locations
        places = [*packages] if packages is not None else [spec.origin] if spec.origin else []
        return bool(places) and all(Path(p).parent.resolve() == self.directory for p in places)


def _top(name: str) -> str:
    return name.partition(".")[0]


def _stamp(module: ModuleType | None) -> _Stamp | None:
    """When a module's file was changed, and how long it is."""
    try:
        found = Path(getattr(module, "__file__", None) or "").stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size


_TURNS = _Turns()  # of a process, as sys.modules is


@contextmanager
def neighbours(directory: Path) -> Iterator[None]:
    """Import modules, or call functions of modules, that lie in a directory, within this.

    What is imported by a name that the directory has is the directory's, unless it is installed.
    A module of another directory that has the name is put aside meanwhile, and one of this
    directory between two times. Whatever has no such name is as it was.
    """
    directory = directory.resolve()
    if str(directory) in _installed_directories():
        yield
        return
    with _TURNS.of(directory):
        yield


def home_of(module: str, file: str) -> Path | None:
    """The directory on Python's path in which a module lies; none where that cannot be told."""
    if not file or module == "__main__":
        return None
    place = Path(file)
    above = module.count(".") + (place.stem == "__init__")
    return place.parents[above] if above < len(place.parents) else None


def forget_changed(directory: Path) -> None:
    """Within :func:`neighbours`: import again what lies there, if a file of it changed since."""
    _TURNS.forget_changed(directory.resolve())


@cache
def _installed_directories() -> list[str]:
    """Where Python looks in any process: its own library, packages, ``PYTHONPATH``."""
    paths = sysconfig.get_paths()
    packages = [paths["purelib"], paths["platlib"], *site.getsitepackages()]
    if site.ENABLE_USER_SITE:
        packages.append(site.getusersitepackages())
    named = [entry for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry]
    every = [*named, paths["stdlib"], paths["platstdlib"], *packages]
    for directory in packages:
        for file in sorted(Path(directory).glob("*.pth")):
            lines = file.read_text(errors="replace").splitlines()
            # a line that begins with "import" is code, and no directory either
            every += [line for line in lines if line.strip() and Path(directory, line).is_dir()]
    return [*dict.fromkeys(str(Path(entry).resolve()) for entry in every)]
