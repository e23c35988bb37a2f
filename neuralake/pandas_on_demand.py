"""pandas where it is imported, and not where Arrow only asks whether it is there.

At the first value that it makes, Arrow imports pandas where that is installed, so as to know its
columns when it is given one. That takes longer than all else that most of our processes load, and
few of them ever see a column of pandas. So Arrow is told that there is none, and that there is one
as soon as anybody else imports it.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # each costs a command that prints its help more than all of this
    from collections.abc import Callable, Mapping, Sequence
    from importlib.abc import Loader
    from importlib.machinery import ModuleSpec
    from types import ModuleType


def import_pandas_on_demand() -> None:
    """Import pandas in this process where it is asked for by name; before Arrow is imported."""
    if "pyarrow" not in sys.modules and "pandas" not in sys.modules:
        sys.meta_path.insert(0, _Watch({"pyarrow": _ask_in_vain, "pandas": _ask_again}))


def _ask_in_vain() -> None:
    """Let Arrow ask while pandas cannot be found, which it remembers."""
    import pyarrow as pa

    if "pandas" in sys.modules:  # which imports Arrow itself
        return
    hidden = _Hidden("pandas")
    sys.meta_path.insert(0, hidden)
    try:
        pa.scalar(0)
    finally:
        sys.meta_path.remove(hidden)


def _ask_again() -> None:
    """Let Arrow find pandas: what needs it in any case imports it although there was none."""
    if "pyarrow" in sys.modules:
        import pyarrow as pa

        _ = pa.lib._pandas_api.version


def leave_numpy_out() -> None:
    """Have no NumPy in this process, for good: Arrow loads it where it is there, and works without.

    For a process that has no other use for NumPy, whose loading takes most of Arrow's; what asks
    for it afterwards fails, and does not find an Arrow that knows nothing of its arrays.
    """
    if "pyarrow" not in sys.modules and "numpy" not in sys.modules:
        sys.meta_path.insert(0, _Hidden("numpy"))


class _Hidden:
    """Finds that a package is not there."""

    def __init__(self, name: str) -> None:
        self._name = name

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,  # noqa: ARG002 - the protocol's
        target: ModuleType | None = None,  # noqa: ARG002
    ) -> ModuleSpec | None:
        """Raise for the package."""
        if fullname == self._name:
            raise ModuleNotFoundError(f"{fullname} is not imported for Arrow", name=fullname)
        return None


class _Watch:
    """Sees modules being imported, and does something after each."""

    def __init__(self, afterwards: Mapping[str, Callable[[], None]]) -> None:
        self._afterwards = afterwards

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find a module as the others do, with something to do once it is there."""
        afterwards = self._afterwards.get(fullname)
        if afterwards is None:
            return None
        for finder in sys.meta_path:
            spec = None if finder is self else finder.find_spec(fullname, path, target)
            if spec is not None:
                if spec.loader is not None:
                    spec.loader = _Then(spec.loader, afterwards)  # type: ignore[assignment]
                return spec
        return None


class _Then:
    """Loads as another one does, and does something afterwards."""

    def __init__(self, loader: Loader, afterwards: Callable[[], None]) -> None:
        self._loader = loader
        self._afterwards = afterwards

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """As the other."""
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        """As the other, which the module knows from then on."""
        spec = module.__spec__
        if spec is not None:
            spec.loader = module.__loader__ = self._loader
        self._loader.exec_module(module)
        self._afterwards()
