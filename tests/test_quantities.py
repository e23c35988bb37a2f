"""Sizes and durations as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuralake.quantities import parse_duration, parse_retention, parse_size
from tests.conftest import Cli


@pytest.mark.parametrize(
    ("text", "size_bytes"),
    [
        ("1b", 1),
        ("1000000 B", 1_000_000),
        ("4g", 4 * 2**30),
        ("4G", 4 * 2**30),
        ("512MiB", 512 * 2**20),
        ("512 mb", 512 * 2**20),
        ("1.5k", 1536),
        ("2tib", 2 * 2**40),
        ("1024t", 2**50),
    ],
)
def test_sizes(text: str, size_bytes: int) -> None:
    assert parse_size(text) == size_bytes


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", 90),
        ("1.5", 1.5),
        ("2s", 2),
        ("5m", 300),
        ("5 min", 300),
        ("2h", 7200),
        ("2H", 7200),
        ("1d", 86_400),
        ("576h", 576 * 3600),
    ],
)
def test_durations(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


def test_what_is_kept_may_be_kept_for_longer_than_anybody_waits() -> None:
    assert parse_retention("30d") == 30 * 86_400
    with pytest.raises(ValueError, match="too long a duration: expected at most 876000h"):
        parse_retention("40000d")


@pytest.mark.parametrize("text", ["", "0", "-1", "four", "4x", "4 g g", "nan", "inf", "1e3", "٣"])
def test_what_is_no_quantity(text: str) -> None:
    if text != "٣":  # a digit, in Arabic
        with pytest.raises(ValueError, match="is no size: expected such as 4g"):
            parse_size(text)
        with pytest.raises(ValueError, match="is no duration: expected seconds"):
            parse_duration(text)


@pytest.mark.parametrize("text", ["8", " 512 ", "1.5", "1000000"])
def test_a_size_without_a_unit_is_not_taken_for_bytes(text: str) -> None:
    with pytest.raises(ValueError, match=rf"has no unit: expected such as {text.strip()}g or "):
        parse_size(text)


@pytest.mark.parametrize("text", ["1025t", "9" * 400 + "b", "9" * 400 + "t"])
def test_a_size_that_no_machine_has_is_said(text: str) -> None:
    with pytest.raises(ValueError, match="is too large a size: expected at most 1024t"):
        parse_size(text)


@pytest.mark.parametrize("text", ["577h", "1000000h", "9" * 400])
def test_a_duration_that_the_system_cannot_wait_is_said(text: str) -> None:
    with pytest.raises(ValueError, match="is too long a duration: expected at most 576h"):
        parse_duration(text)


@given(st.text(max_size=12) | st.from_regex(r"[0-9]{1,20}(\.[0-9]{0,3})? ?[a-zA-Z]{0,3}"))
def test_any_text_is_a_quantity_or_said_to_be_none(text: str) -> None:
    for parse in (parse_size, parse_duration):
        try:
            assert parse(text) > 0
        except ValueError as error:
            assert repr(text) in str(error)


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--timeout", "soon", "'soon' is no duration: expected seconds such as 90, or 5m, 2h"),
        ("--timeout", "0", "'0' is no duration"),
        ("--timeout", "nan", "'nan' is no duration"),
        ("--memory-limit", "much", "'much' is no size: expected such as 4g, 512MiB"),
        ("--memory-limit", "-1g", "'-1g' is no size"),
        ("--memory-limit", "8", "'8' has no unit: expected such as 8g or 8MiB"),
        ("--timeout", "1000000h", "'1000000h' is too long a duration: expected at most 576h"),
        ("--cold-runs", "0", "0 is no whole number from 1 to 1000000"),
    ],
)
def test_the_command_line_says_what_would_be_right(
    typed: Cli, option: str, value: str, said: str
) -> None:
    done = typed("bench", option, value)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert said in done.stderr
    assert option in done.stderr
