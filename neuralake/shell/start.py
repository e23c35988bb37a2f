"""IPython in a terminal, with a catalog in its namespace."""

from __future__ import annotations

import builtins
import keyword
from typing import Any

from neuralake.api.answer import Answer
from neuralake.api.catalogs import OpenCatalog
from neuralake.errors import ConfigError

_EXTENSION = "neuralake.shell"


def run_shell(catalog: OpenCatalog, engine: str = "polars") -> None:
    """Start IPython, and return when it is left.

    Parameters
    ----------
    catalog
        At hand as ``catalog``; its databases, too, by their names.
    engine
        That runs a query which names none.

    Raises
    ------
    ConfigError
        If IPython is not installed.
    """
    try:
        from IPython import start_ipython
        from traitlets.config import Config
    except ImportError:
        raise ConfigError("the shell needs IPython: pip install 'neuralake-bench[shell]'") from None
    config = Config()
    config.TerminalInteractiveShell.banner1 = _banner(catalog, engine)
    config.InteractiveShellApp.extensions = [_EXTENSION]
    config.TerminalInteractiveShell.confirm_exit = False
    start_ipython(argv=[], user_ns=namespace(catalog, engine), config=config)


def namespace(catalog: OpenCatalog, engine: str) -> dict[str, Any]:
    """Names that are at hand: ``catalog``, ``sql``, ``explain``, and the databases.

    Parameters
    ----------
    catalog
        The catalog.
    engine
        That runs a query which names none.
    """

    def sql(text: str, engine: str = engine, **options: Any) -> Answer:
        """Run a query, and show its answer: ``sql("SELECT …", engine="duckdb")``."""
        return catalog.ask(text, engine, **options)

    def explain(text: str, engine: str = engine) -> None:
        """Print an engine's plan for a query."""
        print(catalog.explain(text, engine))

    own = {"catalog": catalog, "sql": sql, "explain": explain}
    taken = {*own, *dir(builtins), *keyword.kwlist}
    names = [d.name for d in catalog.catalog.databases if d.name not in taken]
    return {**{name: catalog[name] for name in names}, **own}


def _banner(catalog: OpenCatalog, engine: str) -> str:
    tables = [f"{database.name}.{table.name}" for database, table in catalog.catalog.each_table()]
    names = ", ".join(database.name for database in catalog.catalog.databases)
    example = next(iter(tables), "")
    return (
        f'{len(tables)} tables in {names}: catalog.{example}, sql("SELECT …", engine="{engine}"). '
        "Tab completes; exit leaves.\n"
    )
