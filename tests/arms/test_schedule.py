"""Rounds are planned by what the pairs of processes show, within the time that there is."""

from __future__ import annotations

from neuralake.arms.rounds import COUNTED, TIMED, RoundsPlan
from neuralake.arms.schedule import Schedule
from neuralake.results.comparison import Change, Pair
from neuralake.stats.paired import Question

QUESTION = Question(0.005, 0.01, 0.0004, 0.0005)
QUERIES = [f"q{i:02}" for i in range(1, 23)]
QUIET, NOISY = 0.0001, 0.02


def changes(spread: float) -> tuple[Change, list[Change]]:
    suite = Change(None, "inconclusive", spread=spread / len(QUERIES) ** 0.5)
    return suite, [Change(query, "inconclusive", spread=spread) for query in QUERIES]


def pair(query: str) -> Pair:
    ns = 50_000_000
    return Pair("polars", query, 0, 0, ns, ns, ns, ns, base_first=True)


def schedule(
    plan: RoundsPlan, *, asked: int | None = None, known: int | None = None, seconds: float = 180
) -> Schedule:
    return Schedule(plan, QUESTION, seconds, asked, known)


def run(made: Schedule, spread: float) -> int:
    """Rounds of a pair of processes that takes 14 s to start, and 3 s for a round of 22 queries."""
    now = 0.0
    made.clock = lambda: now
    made.begin()
    now += 14
    turns = 0
    while made.goes_on(turns, lambda: changes(spread)):
        now += 3
        made.pace.round(3, [pair(query) for query in QUERIES])
        turns += 1
    made.end()
    return turns


def test_the_first_pair_of_processes_goes_on_while_its_noise_calls_for_more() -> None:
    assert run(schedule(COUNTED), QUIET) == COUNTED.first
    assert run(schedule(COUNTED), NOISY) == COUNTED.most
    # of times it has as many as it began with, and the others what the noise in it calls for
    timed = schedule(TIMED, seconds=3600)
    assert run(timed, NOISY) == TIMED.first
    timed.replan(*changes(NOISY), QUERIES, 1000)
    assert TIMED.first < timed.rounds < TIMED.most


def test_it_is_planned_anew_after_each_and_never_for_fewer() -> None:
    made = schedule(COUNTED)
    run(made, QUIET)
    made.replan(*changes(NOISY), QUERIES, left_s=150)
    assert run(made, QUIET) == COUNTED.most
    made.replan(*changes(QUIET), QUERIES, left_s=120)
    assert made.rounds == COUNTED.most


def test_no_more_than_the_time_that_is_left_is_enough_for() -> None:
    made = schedule(COUNTED)
    run(made, QUIET)
    made.replan(*changes(NOISY), QUERIES, left_s=14 + 3 * 4.5)
    assert made.rounds_now == 4
    assert made.needed_s(QUERIES) <= 14 + 3 * 4.5 * made.repeats["q01"]


def test_of_few_queries_there_are_more_rounds() -> None:
    made = schedule(COUNTED)
    run(made, QUIET)
    made.replan(*changes(QUIET), QUERIES[:3], left_s=100)
    assert made.rounds_now == COUNTED.most_of_few
    assert made.rounds == COUNTED.first
    made.replan(*changes(QUIET), QUERIES[:3], left_s=14 + 3 * 3 / 22 * 5.5)
    assert made.rounds_now == 5
    made.replan(*changes(QUIET), QUERIES, left_s=100)
    assert made.rounds_now == COUNTED.first


def test_what_was_asked_for_or_is_known_holds() -> None:
    asked = schedule(COUNTED, asked=3)
    assert run(asked, NOISY) == 3
    asked.replan(*changes(NOISY), QUERIES[:3], left_s=100)
    assert (asked.rounds_now, asked.repeats) == (3, {})
    assert run(schedule(COUNTED, known=4), NOISY) == 4


def test_nothing_that_was_run_is_no_pace() -> None:
    made = schedule(TIMED)
    made.begin()
    made.end()
    made.replan(Change(None, "failed"), [Change("q01", "failed")], ["q01"], left_s=100)
    assert made.rounds == TIMED.first
