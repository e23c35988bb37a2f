"""The phases of a plan in their order, and as often as loops repeat them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuralake.errors import LifecycleError
from neuralake.workloads.lifecycle.expand import Phase, expand
from neuralake.workloads.lifecycle.file import LoopFile, PhaseFile, PlanFile, SessionFile
from neuralake.workloads.lifecycle.tasks import AppendFile, CompactFile, QueryFile, TaskFile

ASK = QueryFile()


def phase(
    name: str,
    task: TaskFile = ASK,
    *,
    after: tuple[str, ...] | None = None,
    series: str | None = None,
    alone: str | None = None,
) -> PhaseFile:
    return PhaseFile(name, (SessionFile("s", (task,)),), after, series, alone)  # type: ignore[arg-type]


def names(phases: tuple[Phase, ...]) -> list[str]:
    return [each.name for each in phases]


def test_phases_follow_one_another_as_in_the_file() -> None:
    plan = PlanFile("p", (phase("b"), phase("a"), phase("c")))
    assert names(expand(plan, "p")) == ["b", "a", "c"]


def test_a_phase_comes_after_those_that_it_names() -> None:
    plan = PlanFile("p", (phase("last", after=("b",)), phase("a", after=()), phase("b")))
    assert names(expand(plan, "p")) == ["a", "b", "last"]


def test_a_loop_repeats_phases_in_turn_and_its_turns_are_a_series() -> None:
    plan = PlanFile(
        "p",
        (phase("load"), phase("query"), phase("modify"), phase("at last", series="query")),
        loops=(LoopFile(("query", "modify"), 2),),
    )
    found = expand(plan, "p")
    assert names(found) == ["load", "query 1", "modify 1", "query 2", "modify 2", "at last"]
    assert [(p.series, p.turn) for p in found if p.series == "query"] == [
        ("query", 1),
        ("query", 2),
        ("query", 3),
    ]


def test_a_question_about_earlier_phases_is_one_about_each_that_changed_a_table() -> None:
    change = AppendFile("t", rows=1)
    plan = PlanFile(
        "p",
        (
            phase("change", change),
            phase("pack", CompactFile("t")),
            phase("past", QueryFile("1", 2, "earlier")),
        ),
        loops=(LoopFile(("change",), 2),),
    )
    (session,) = expand(plan, "p")[-1].sessions
    assert session.tasks == (QueryFile("1", 2, "change 1"), QueryFile("1", 2, "change 2"))


WRONG = {
    "the phases go in a circle: 'a' after 'b' after 'a'": PlanFile(
        "p", (phase("a", after=("b",)), phase("b", after=("a",)))
    ),
    "the phases go in a circle: 'a' after 'a'": PlanFile("p", (phase("a", after=("a",)),)),
    "phases[1].after is 'frist': expected a phase, of first, second; did you mean first?": (
        PlanFile("p", (phase("first"), phase("second", after=("frist",))))
    ),
    "phases is empty": PlanFile("p", ()),
    "phases[1].name is 'a', as that of an earlier phase": PlanFile("p", (phase("a"), phase("a"))),
    "phases[0].name is ''": PlanFile("p", (phase(""),)),
    "phases[0].name is 'a/b'": PlanFile("p", (phase("a/b"),)),
    "phases[0].series is 'x\\ny'": PlanFile("p", (phase("a", series="x\ny"),)),
    "name is 'p\\n'": PlanFile("p\n", (phase("a"),)),
    "phases[0].sessions is empty": PlanFile("p", (PhaseFile("a", ()),)),
    "phases[0].sessions[0].tasks is empty": PlanFile(
        "p", (PhaseFile("a", (SessionFile("s", ()),)),)
    ),
    "phases[0].sessions[1].name is 's', as that of an earlier session": PlanFile(
        "p", (PhaseFile("a", (SessionFile("s", (ASK,)), SessionFile("s", (ASK,)))),)
    ),
    "loops[0].phases is empty": PlanFile("p", (phase("a"),), loops=(LoopFile((), 2),)),
    "loops[0].phases is 'b'": PlanFile("p", (phase("a"),), loops=(LoopFile(("b",), 2),)),
    "loops[1].phases names 'a', which loops[0] has": PlanFile(
        "p", (phase("a"),), loops=(LoopFile(("a",), 2), LoopFile(("a",), 2))
    ),
    "expected phases that follow one another, in their order: a, b, c": PlanFile(
        "p", (phase("a"), phase("b"), phase("c")), loops=(LoopFile(("a", "c"), 2),)
    ),
    "two phases are called 'a 1'": PlanFile(
        "p", (phase("a"), phase("a 1")), loops=(LoopFile(("a",), 2),)
    ),
    "has more than 1,000 phases": PlanFile(
        "p", (phase("a"), phase("b")), loops=(LoopFile(("a", "b"), 501),)
    ),
    "phases[0].alone is 'b': expected a series that asks something": PlanFile(
        "p", (phase("a", alone="b"), phase("b", CompactFile("t")))
    ),
    "as_of in phase 'a' is 'b': expected an earlier phase": PlanFile(
        "p", (phase("a", QueryFile(as_of="b")), phase("b"))
    ),
    "asks as of earlier phases: no phase before it changes a table": PlanFile(
        "p", (phase("a"), phase("b", QueryFile(as_of="earlier")))
    ),
}


@pytest.mark.parametrize("message", WRONG)
def test_a_plan_that_cannot_be_is_refused_in_words(message: str) -> None:
    with pytest.raises(LifecycleError) as told:
        expand(WRONG[message], "p.toml")
    assert str(told.value).startswith(("plan p.toml: ", "plan p"))
    assert message in str(told.value)
    assert "\n" not in str(told.value)


@st.composite
def plans(draw: st.DrawFn) -> PlanFile:
    """Plans whose phases name earlier ones of a hidden order, with a loop or none."""
    count = draw(st.integers(1, 8))
    order = draw(st.permutations(range(count)))
    phases = []
    for place, number in enumerate(order):
        before = draw(st.sets(st.sampled_from(order[:place]), max_size=3)) if place else set()
        phases.append((number, tuple(f"n{each}" for each in sorted(before))))
    listed = tuple(phase(f"n{number}", after=before) for number, before in sorted(phases))
    return PlanFile("p", listed)


@given(plans(), st.data())
def test_every_phase_comes_after_those_that_it_names_and_as_often_as_said(
    plan: PlanFile, data: st.DataObject
) -> None:
    once = names(expand(plan, "p"))
    assert sorted(once) == sorted(each.name for each in plan.phases)
    for each in plan.phases:
        assert all(once.index(name) < once.index(each.name) for name in each.after or ())
    first = data.draw(st.integers(0, len(once) - 1))
    last = data.draw(st.integers(first, len(once) - 1))
    times = data.draw(st.integers(2, 4))
    looped = PlanFile("p", plan.phases, loops=(LoopFile(tuple(once[first : last + 1]), times),))
    found = names(expand(looped, "p"))
    turns = [f"{name} {n}" for n in range(1, times + 1) for name in once[first : last + 1]]
    assert found == [*once[:first], *turns, *once[last + 1 :]]
