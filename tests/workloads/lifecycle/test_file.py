"""The file of a plan: what it may hold, and that a mistake is told where it is."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuralake.errors import LifecycleError
from neuralake.workloads.lifecycle.expand import expand
from neuralake.workloads.lifecycle.file import PlanFile, keys_of_the_file
from neuralake.workloads.lifecycle.parsing import parse_plan
from neuralake.workloads.lifecycle.texts import read_plan_text, scenario_names, scenario_text

ROOT = Path(__file__).parents[3]
PLAN = """
name = "x"
[[phases]]
name = "first"
sessions = [{{ name = "s", tasks = [{task}] }}]
"""

# What a task is, and what is said of it; each message begins with the file and the place
BAD_TASKS = {
    '{kind="compct", table="a"}': (
        ".kind is 'compct': expected one of query, create, append, merge, delete, delete_keys, "
        "update, compact, z_order, vacuum, checkpoint, pause; did you mean compact?"
    ),
    "{kind=1}": ".kind is 1: expected one of query",
    '{table="a"}': " has no 'kind': expected such a key",
    '{kind="compact"}': " has no 'table': expected such a key",
    '{kind="append", table="a", batchs=2}': (
        " has a key 'batchs': it has kind, table, rows, percent, batches, children; "
        "did you mean batches?"
    ),
    '{kind="append", table="a", batches=0}': ".batches is 0: expected a whole number >= 1",
    '{kind="append", table="a", batches=1.5}': ".batches is 1.5: expected a whole number",
    '{kind="append", table="a", rows="many"}': ".rows is 'many': expected a whole number",
    '{kind="merge", table="a", percent=200}': ".percent is 200: expected a number <= 100",
    '{kind="merge", table="a", percent=nan}': ".percent is nan: expected a number",
    '{kind="merge", table="a", percent=0}': ".percent is 0: expected a number > 0",
    '{kind="query", queries=1}': ".queries is 1: expected a text",
    '{kind="update", table="a", where="x", set={b=1}}': ".set has a value that is not a text",
    '{kind="update", table="a", where="x", set="b"}': ".set is 'b': expected a table",
    '{kind="vacuum", table="a", enforce=1}': ".enforce is 1: expected true or false",
    '{kind="vacuum", table="a", retention_hours=-1}': ".retention_hours is -1: expected a whole",
    '{kind="vacuum", table="a", retention_hours=0.5}': ".retention_hours is 0.5: expected a whole",
    '{kind="z_order", table="a", columns="b"}': ".columns is 'b': expected a list",
    '{kind="pause", seconds=inf}': ".seconds is inf: expected a number",
    "3": " is 3: expected a table",
}
BAD_FILES = {
    "": "the file has no 'name': expected such a key",
    "name = 1": "name is 1: expected a text",
    'name = "x"': "the file has no 'phases': expected such a key",
    'name = "x"\nphases = 3': "phases is 3: expected a list",
    'name = "x"\nphase = []\nphases = []': "did you mean phases?",
    'name = "x"\nseed = -1\nphases = []': "seed is -1: expected a whole number >= 0",
    'name = "x"\nphases = [{name = "a", sessions = [], after = "b"}]': "phases[0].after is 'b'",
    'name = "x"\nphases = [{sessions = []}]': "phases[0] has no 'name'",
    'name = "x"\nphases = []\nloops = [{phases = ["a"], times = "2"}]': "loops[0].times is '2'",
    'name = "x"\nphases = []\nloops = [{phases = ["a"], times = 0}]': "loops[0].times is 0",
    "[": "is no TOML",
    "a = " + "[" * 2000: "is no",
}


@pytest.mark.parametrize("task", BAD_TASKS)
def test_a_mistake_in_a_task_is_told_in_a_line(task: str) -> None:
    with pytest.raises(LifecycleError) as told:
        parse_plan(PLAN.format(task=task), "p.toml")
    message = str(told.value)
    assert message.startswith("plan p.toml: phases[0].sessions[0].tasks[0]")
    assert BAD_TASKS[task] in message
    assert "\n" not in message


@pytest.mark.parametrize("text", BAD_FILES)
def test_a_mistake_in_a_file_is_told_in_a_line(text: str) -> None:
    with pytest.raises(LifecycleError) as told:
        parse_plan(text, "p.toml")
    assert BAD_FILES[text] in str(told.value)
    assert "\n" not in str(told.value)


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(LifecycleError, match="cannot be read: No such file"):
        read_plan_text(tmp_path / "none.toml")
    with pytest.raises(LifecycleError, match="cannot be read: Is a directory"):
        read_plan_text(tmp_path)
    (tmp_path / "binary.toml").write_bytes(b"name = '\xff\x00'")
    with pytest.raises(LifecycleError, match=r"is no text: byte 0xff at offset 8; expected TOML"):
        read_plan_text(tmp_path / "binary.toml")


def test_a_byte_order_mark_is_no_part_of_a_plan(tmp_path: Path) -> None:
    (tmp_path / "marked.toml").write_text(scenario_text("longevity"), encoding="utf-8-sig")
    assert read_plan_text(tmp_path / "marked.toml") == scenario_text("longevity")


@pytest.mark.parametrize("name", scenario_names())
def test_a_scenario_is_a_plan(name: str) -> None:
    plan = parse_plan(scenario_text(name), name)
    assert plan.name == name
    assert len(expand(plan, name)) >= 4


def test_an_unknown_scenario_is_refused() -> None:
    with pytest.raises(LifecycleError, match="did you mean longevity"):
        scenario_text("longevty")


def test_each_key_is_in_the_reference() -> None:
    page = (ROOT / "docs/reference/life-cycle-plans.md").read_text()
    parts = page.replace("\n### ", "\n## ").split("\n## ")[1:]
    sections = {part.partition("\n")[0]: part for part in parts}
    for table, key in keys_of_the_file():
        if key != "kind":
            assert f"| `{key}` |" in sections[table], f"{table} has {key}"


def test_the_plan_on_the_page_is_the_example() -> None:
    page = (ROOT / "docs/how-to/measure-the-life-of-a-table.md").read_text()
    shown = page.partition("```toml\n")[2].partition("```")[0]
    assert shown == (ROOT / "examples/life/plan.toml").read_text()


WORDS = st.sampled_from(["name", "phases", "sessions", "tasks", "kind", "table", "loops", "x"])
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.one_of(
        st.integers(-3, 3),
        st.floats(allow_nan=True).filter(lambda value: not math.isinf(value)),
        st.booleans(),
        st.sampled_from(["query", "append", "a", ""]),
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(WORDS, inner, max_size=4)),
    max_leaves=12,
)


def toml(value: Any) -> str:
    """A value as TOML has it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {toml(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    if isinstance(value, str):
        return msgspec.json.encode(value).decode()
    return repr(value)


@given(st.dictionaries(WORDS, VALUES, max_size=4))
def test_whatever_a_file_holds_is_a_plan_or_is_refused_in_a_line(data: dict[str, Any]) -> None:
    text = "\n".join(f"{key} = {toml(value)}" for key, value in data.items())
    try:
        plan = parse_plan(text, "p.toml")
    except LifecycleError as error:
        assert "\n" not in str(error)
        assert str(error).startswith("plan p.toml")
    else:
        assert isinstance(plan, PlanFile)
