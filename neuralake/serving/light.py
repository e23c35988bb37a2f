"""Which statements are light: sure to end soon and to need little, whatever the data.

DataFusion cannot be stopped within an operator, ends the process on a stack that overflows or an
allocation that fails, and counts only what operators say that they hold. A light statement gives it
no occasion: it reads one table once, calls only functions that make little of little, and is short.
It runs in this process at once; all others run behind a fence (:mod:`neuralake.serving.fence`).
What is not known to be light is not light.
"""

from __future__ import annotations

import re

MOST_ROWS = 4_000_000
MOST_BYTES = 512 << 20
_LONGEST = 4096
_MOST_TOKENS = 300
_DEEPEST = 8
_TOKEN = re.compile(
    r"\s+|'(?:[^']|'')*'|(?P<quoted>\"(?:[^\"]|\"\")*\")|(?P<word>[A-Za-z_][A-Za-z0-9_]*)"
    r"|\$?[0-9][0-9.eE]*|\$[A-Za-z_]\w*|<=|>=|<>|!=|::|(?P<open>\()|(?P<close>\))|[-+*/%,.=<>;?]"
)
_MISLEADING = re.compile(r"--|/\*|\\")
# Functions, and the keywords that may stand before a bracket
_CALLED = frozenset(
    word
    for line in (
        "abs avg bool_and bool_or ceil coalesce count cast date_part date_trunc extract floor",
        "greatest length least lower ltrim max min nullif round rtrim sign sqrt stddev substr",
        "substring sum trim trunc try_cast upper var var_samp var_pop",
        "decimal numeric varchar char timestamp",
        "and as between by case distinct else filter from having in like not on or select then",
        "when where",
    )
    for word in line.split()
)
# As they begin the lines of a plan
_NODES = ("Projection:", "Filter:", "Aggregate:", "Sort:", "Limit:", "TableScan:", "SubqueryAlias:",
          "EmptyRelation:", "Distinct:")  # fmt: skip


def may_be_light(sql: str) -> bool:
    """Whether a statement may be planned here, by its text alone."""
    # Within a comment, or in E'\\'', a quote is no text's: what follows would be misread
    if len(sql) > _LONGEST or _MISLEADING.search(sql):
        return False
    position = tokens = depth = selects = end_of_word = 0
    word = ""
    while position < len(sql):
        match = _TOKEN.match(sql, position)
        if match is None:
            return False
        if sql[position] == "'" and word and position == end_of_word:
            return False  # a text of another kind: E'…'
        position = match.end()
        if match.group().isspace():
            continue
        tokens += 1
        if match["open"] is not None:
            depth += 1
            if depth > _DEEPEST or (word and word not in _CALLED):
                return False
        elif match["close"] is not None:
            depth -= 1
        word = (match["word"] or match["quoted"] or "").lower()
        end_of_word = position
        selects += word == "select"
        if tokens == 1 and word != "select":
            return False
    return selects == 1 and tokens <= _MOST_TOKENS


def is_light_plan(plan: str) -> bool:
    """Whether a statement may be run here, by its logical plan.

    Parameters
    ----------
    plan
        Indented, a node a line.
    """
    scans = 0
    for line in plan.splitlines():
        node = line.lstrip()
        if not node.startswith(_NODES):
            return False
        scans += node.startswith("TableScan:")
    return scans <= 1
