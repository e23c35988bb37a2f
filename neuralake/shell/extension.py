"""IPython with a catalog: completions in queries, and mistakes told in a line."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from IPython.core.completer import (
    CompletionContext,
    SimpleCompletion,
    SimpleMatcherResult,
    context_matcher,
)

from neuralake.api.catalogs import OpenCatalog
from neuralake.catalog.tables import Table
from neuralake.engines.registry import engine_names
from neuralake.errors import NeuralakeError
from neuralake.report.text import one_line
from neuralake.shell.completion import Completion


def load(shell: Any) -> None:
    """Add to a shell of IPython what knows the catalogs in its namespace."""
    completion = Completion(lambda: _tables(shell.user_ns), engine_names)

    def match(context: CompletionContext) -> SimpleMatcherResult:
        before = context.full_text.split("\n")[: context.cursor_line]
        found = completion.complete("\n".join([*before, context.text_until_cursor]))
        known = [SimpleCompletion(text=text, type="neuralake") for text in found or ()]
        return SimpleMatcherResult(completions=known, suppress=bool(known))

    as_matcher: Any = context_matcher(identifier="neuralake")
    shell.Completer.custom_matchers.append(as_matcher(match))
    shell.set_custom_exc((NeuralakeError,), _tell)


def _tables(namespace: Mapping[str, Any]) -> dict[str, Table]:
    """Tables of all catalogs that have a name in the shell."""
    opened = [value for value in namespace.values() if isinstance(value, OpenCatalog)]
    return {table.name: table for catalog in opened for _, table in catalog.catalog.each_table()}


def _tell(_: Any, kind: type, error: BaseException, trace: Any, **__: Any) -> None:
    """A mistake in a line; ``%tb`` shows where it was noticed."""
    sys.last_type, sys.last_value, sys.last_traceback = kind, error, trace
    print(f"{kind.__name__}: {one_line(str(error))}", file=sys.stderr)
