"""What is said of a comparison in words: right, unmistakable, the gravest first."""

from __future__ import annotations

from dataclasses import replace

import pytest

from neuralake.report import numbers
from neuralake.report.comparison import differences, verdicts
from neuralake.report.comparison.headline import headline, overall, sentences, title
from neuralake.report.comparison.method import reading
from neuralake.report.comparison.notes import comparison_notes, error_rates
from neuralake.results.comparison import Change, EngineComparison, Verdict
from tests.report.comparison.make import (
    BASE,
    CANDIDATE,
    change,
    faster_engine,
    faulty_engine,
    inconclusive_engine,
    made_comparison,
    made_engine,
    single_unit_engine,
    slower_engine,
    troubled_comparison,
    unchanged_engine,
    without_time,
)
from tests.report.run.make import TPCH


@pytest.mark.parametrize(
    ("percent", "half_width", "expected", "interval"),
    [
        (3.1, 0.9, "+3.1", "[+2.2, +4.0]"),
        (-0.4, 0.5, "−0.4", "[−0.9, +0.1]"),
        (0.12, 0.3, "+0.12", "[−0.18, +0.42]"),
        (0.0, 2.0, "0.0", "[−2.0, +2.0]"),
        (-0.01, 2.0, "0.0", "[−2.0, +2.0]"),
        (150.0, 10.0, "+150", "[+140, +160]"),
        (-50.0, 5.0, "−50.0", "[−55.0, −45.0]"),
    ],
)
def test_a_change_is_a_signed_percentage(
    percent: float, half_width: float, expected: str, interval: str
) -> None:
    shown = change("q01", "unchanged", percent, half_width)
    assert verdicts.percent(shown) == expected
    assert verdicts.interval(shown) == interval


def test_a_verdict_in_words_has_no_sign_to_misread() -> None:
    assert verdicts.in_words(change(None, "slower", 3.1, 0.9)) == "3.1 % slower [2.2, 4.0]"
    assert verdicts.in_words(change(None, "faster", -3.1, 0.9)) == "3.1 % faster [2.2, 4.0]"
    assert verdicts.in_words(change(None, "unchanged", 0.1, 0.5)) == "+0.1 % [−0.4, +0.6]"
    alone = change(None, "inconclusive", 2.5, low=None, high=None)
    assert verdicts.in_words(alone) == "+2.5 %"


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(42, "42 s"), (59.6, "1 min"), (200, "3 min 20 s"), (1210, "20 min"), (3900, "1 h 5 min")],
)
def test_durations_are_for_people(seconds: float, expected: str) -> None:
    assert numbers.duration(seconds) == expected


@pytest.mark.parametrize(
    ("ns", "expected"),
    [(None, "–"), (4.2e6, "4.20"), (42e6, "42.0"), (420.06e6, "420.1"), (4200e6, "4,200")],
)
def test_milliseconds_have_three_digits_or_more(ns: float | None, expected: str) -> None:
    assert numbers.milliseconds(ns) == expected


def test_a_slower_engine_and_its_query_are_named() -> None:
    comparison = made_comparison(unchanged_engine(), slower_engine())
    slower, unchanged = sentences(comparison)
    assert slower == (
        "datafusion is 3.1 % slower [2.2, 4.0] over 22 queries; "
        "slower by itself: q09 +12.0 % [+9.0, +15.0]."
    )
    assert unchanged == "No change of 2 % or more: polars +0.1 % [−0.4, +0.6] over 22 queries."
    assert overall(comparison) == "slower"


def test_engines_without_a_change_share_a_sentence() -> None:
    comparison = made_comparison(unchanged_engine("polars"), unchanged_engine("datafusion"))
    (said,) = sentences(comparison)
    assert said == (
        "No change of 2 % or more: polars +0.1 % [−0.4, +0.6], datafusion +0.1 % [−0.4, +0.6] "
        "over 22 queries."
    )
    assert overall(comparison) == "unchanged"


def test_a_query_that_changed_beneath_an_unchanged_suite_is_named() -> None:
    queries = [change("q01", "unchanged"), change("q02", "slower", 11.0, 2.0)]
    engine = made_engine("polars", change(None, "unchanged", 0.5, 0.5), queries)
    assert headline(made_comparison(engine)) == (
        "polars shows no change of 2 % or more as a whole over 2 queries, +0.5 % [0.0, +1.0]; "
        "slower by itself: q02 +11.0 % [+9.0, +13.0]."
    )


def test_no_change_never_stands_above_queries_that_are_undecided() -> None:
    queries = (change("q01", "unchanged"), change("q02", "inconclusive", 2.0, 8.0))
    engine = made_engine("polars", change(None, "unchanged"), queries)
    (said,) = sentences(made_comparison(engine, unchanged_engine()))[:1]
    assert said.startswith("polars shows no change of 2 % or more as a whole over 2 queries")
    assert said.endswith("; 1 query is undecided: q02.")
    calm = sentences(made_comparison(made_engine("polars", change(None, "unchanged"))))
    assert calm[0].startswith("No change of 2 % or more")


def test_many_changed_queries_are_counted_and_the_greatest_is_named() -> None:
    queries = [change(f"q{n:02}", "faster", -n, 0.5) for n in range(10, 20)]
    engine = made_engine("polars", change(None, "faster", -14.0, 0.5), queries)
    assert headline(made_comparison(engine)) == (
        "polars is 14.0 % faster [13.5, 14.5] over 10 queries; "
        "faster by themselves: 10 queries, most of all q19 −19.0 % [−19.5, −18.5]."
    )


def test_an_inconclusive_engine_says_how_many_more_pairs_and_how_long() -> None:
    assert headline(made_comparison(inconclusive_engine())) == (
        "polars is inconclusive over 22 queries, +1.1 % [−0.8, +3.0] after 48 pairs: "
        "a verdict takes at most 48 more (about 8 min)."
    )
    assert headline(made_comparison(inconclusive_engine(more_pairs=None))) == (
        "polars is inconclusive over 22 queries, +1.1 % [−0.8, +3.0] after 48 pairs: "
        "how many more a verdict takes is not known yet."
    )


def test_one_pair_of_processes_has_no_interval_and_says_so() -> None:
    comparison = made_comparison(single_unit_engine())
    assert "+2.5 % after 4 pairs" in headline(comparison)
    notes = [note.text for note in comparison_notes(comparison)]
    assert "spark: one pair of processes carries no interval, and no verdict" in notes


def test_an_engine_that_is_wrong_is_never_faster() -> None:
    engine = faulty_engine()
    assert engine.suite.verdict == "faster"
    assert verdicts.suite(engine).verdict == "wrong"
    assert headline(made_comparison(engine)) == (
        "duckdb is wrong on q03 and failed on q07; "
        "the 20 other queries: −6.0 % [−6.4, −5.6], no verdict on speed."
    )
    failed = replace(engine, queries=[q for q in engine.queries if q.verdict != "wrong"])  # type: ignore[arg-type]
    assert verdicts.suite(failed).verdict == "failed"
    sound = replace(engine, queries=tuple(q for q in engine.queries if q.ratio is not None))
    assert verdicts.suite(sound).verdict == "faster"


def test_an_engine_that_is_wrong_may_be_slower() -> None:
    engine = faulty_engine(suite="slower")
    assert verdicts.suite(engine).verdict == "slower"
    assert headline(made_comparison(engine)).endswith("−6.0 % [−6.4, −5.6], slower.")
    assert overall(made_comparison(engine)) == "wrong"


def test_faults_come_first_whatever_the_order_of_the_engines() -> None:
    comparison = made_comparison(
        unchanged_engine(), faster_engine("x"), slower_engine(), faulty_engine()
    )
    assert [said.split()[0] for said in sentences(comparison)] == [
        "duckdb",
        "datafusion",
        "x",
        "No",
    ]


def test_a_comparison_without_numbers_says_so() -> None:
    nothing = made_engine("polars", Change(None, "failed", message="no answer"), [])
    assert headline(made_comparison(nothing)) == "polars failed: no answer."
    unmeasured = made_engine(
        "polars", Change(None, "inconclusive"), [Change("q01", "inconclusive")]
    )
    assert headline(made_comparison(unmeasured)) == "polars was not measured in both arms."
    assert headline(made_comparison()) == "Nothing was measured."
    assert overall(made_comparison()) == "inconclusive"


def test_what_differs_is_named() -> None:
    comparison = troubled_comparison()
    assert differences.difference_line(comparison) == (
        "The arms differ in: commit 0123456789 → fedcba9876 (Wait a little); numpy – → 2.4.0; "
        "polars 2.0.0 → 2.1.0; pyarrow 26.0.1 → –; options none → datafusion:target_partitions=1."
    )
    assert differences.arm_line(comparison.candidate) == (
        "HEAD: fedcba9876 Wait a little, with polars==2.1.0, datafusion:target_partitions=1"
    )
    many = {f"package{n}": "1" for n in range(9)}
    upgraded = replace(BASE, packages=dict.fromkeys(many, "2"))
    line = differences.difference_line(
        made_comparison(base=replace(BASE, packages=many), candidate=upgraded)
    )
    assert line.endswith("package4 1 → 2; 4 more packages.")
    assert "commit" not in line


def test_arms_that_do_not_differ_are_called_so() -> None:
    calm = made_comparison(unchanged_engine(), candidate=replace(BASE, text="HEAD"))
    same = "The arms do not differ: one commit, one set of packages, one set of options."
    assert differences.difference_line(calm) == same
    alarm = "the arms do not differ, so that a change is a false alarm"
    assert alarm not in [note.text for note in comparison_notes(calm)]
    false = replace(calm, engines=(slower_engine(),))
    assert alarm in [note.text for note in comparison_notes(false)]
    true = made_comparison(slower_engine())
    assert alarm not in [note.text for note in comparison_notes(true)]


def test_settings_that_differ_are_found() -> None:
    settings = {"base": {"threads": "2", "a": "1"}, "candidate": {"threads": "1", "a": "1"}}
    engine = made_engine("polars", change(None, "unchanged"), settings=settings, versions={})
    assert [str(d) for d in differences.settings(engine)] == ["threads 2 → 1"]
    assert len(differences.settings(engine, every=True)) == 2


def test_error_rates_are_in_plain_words() -> None:
    said = error_rates(made_comparison())
    assert "of the suite matters from 2 % on, one of a query from 5 % on" in said
    assert "at most 0.4 % of comparisons, and any of its queries in at most 0.5 %" in said


def test_a_throughput_has_one_verdict_and_is_called_so() -> None:
    def of(verdict: Verdict, percent: float) -> EngineComparison:
        changes = [change(name, verdict, percent, 0.5) for name in (None, "2 streams")]
        return made_engine("polars", changes[0], changes[1:])

    calm = made_comparison(of("unchanged", 0.1), streams=2, stream_queries=TPCH)
    slow = made_comparison(of("slower", 3.1), streams=2, stream_queries=TPCH)
    assert title(calm).endswith(": tpch, scale factor 0.1, 2 streams")
    assert headline(calm) == (
        "No change of 2 % or more: polars +0.1 % [−0.4, +0.6] over 2 streams of 22 queries."
    )
    assert headline(slow) == "polars is 3.1 % slower [2.6, 3.6] over 2 streams of 22 queries."
    assert [c.query for c in verdicts.shown(slow, slow.engines[0])] == ["2 streams"]
    assert "A change of the throughput matters from 2 % on." in error_rates(slow)
    assert "a throughput run: streams of queries at once" in reading(slow)
    assert "throughput" not in reading(made_comparison())
    failed = made_engine(
        "polars",
        without_time(None, "failed", "no query was answered rightly in both arms"),
        [without_time("2 streams", "failed", "candidate: stream-1-q14: out of memory")],
    )
    assert headline(made_comparison(failed, streams=2)) == "polars failed on 2 streams."


def test_notes_say_what_may_mislead() -> None:
    notes = {note.text: note.level for note in comparison_notes(troubled_comparison())}
    for text, level in {
        "duckdb: 2 queries are wrong or failed, and in no ratio: see the failures": "error",
        "datafusion: the time was up; 20 verdicts are still inconclusive": "warning",
        "spark: interrupted; 23 verdicts are still inconclusive": "warning",
        "the comparison was interrupted: what it had not reached is missing": "warning",
        "only in the base, and not compared: q23": "warning",
        "only in the candidate, and not compared: q24, q25": "warning",
        "answers of both arms verified against: official answer": "info",
    }.items():
        assert notes[text] == level
    ended = replace(slower_engine(), ending="regression")
    texts = [note.text for note in comparison_notes(made_comparison(ended))]
    assert "datafusion: ended at the first regression; 20 verdicts are still inconclusive" in texts
    decided = made_engine("polars", change(None, "slower", 9.0), [], ending="regression")
    texts = [note.text for note in comparison_notes(made_comparison(decided))]
    assert "polars: ended at the first regression; no verdict is still inconclusive" in texts


def test_the_title_says_who_against_whom_on_what() -> None:
    assert title(made_comparison()) == "HEAD against main: tpch, scale factor 0.1"
    assert title(made_comparison(scale_factor=None)) == "HEAD against main: tpch"
    assert CANDIDATE.text == "HEAD"
