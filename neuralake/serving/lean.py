"""A quick start: Arrow loads pandas, where it is installed, at the first value that it makes.

That takes longer than everything else that a server loads, and nothing in it is of use there.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

from neuralake.catalog import Catalog
from neuralake.catalog.function import FunctionTable

_LEFT_OUT = "pandas"


class _Absent(MetaPathFinder):
    """Finds that a module is not there, and leaves all others to those who know."""

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,  # noqa: ARG002 - the protocol's
        target: ModuleType | None = None,  # noqa: ARG002
    ) -> ModuleSpec | None:
        """Raise for the module."""
        if fullname == _LEFT_OUT:
            raise ModuleNotFoundError(f"{fullname} is left out of this process", name=fullname)
        return None


def leave_out_pandas() -> None:
    """Do without pandas in this process, unless it is loaded already."""
    if _LEFT_OUT not in sys.modules and not any(isinstance(f, _Absent) for f in sys.meta_path):
        sys.meta_path.insert(0, _Absent())


def may_do_without_pandas(catalog: Catalog) -> bool:
    """Whether no function of the user's runs in this process, which may want it."""
    return not any(
        isinstance(table, FunctionTable)
        for database in catalog.databases
        for table in database.tables
    )
