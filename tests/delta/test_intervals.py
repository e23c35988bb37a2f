"""Durations in a table's properties are read as Spark reads them."""

from __future__ import annotations

import pytest

from neuralake.delta.intervals import (
    DELETED_FILE_RETENTION,
    LOG_RETENTION,
    parse_interval,
    retention_ms,
)

DAY = 86_400_000


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("interval 1 week", 7 * DAY),
        ("interval 30 days", 30 * DAY),
        ("INTERVAL 2 Hours", 7_200_000),
        ("90 minutes", 5_400_000),
        ("interval 1 day 12 hours", DAY * 3 // 2),
        (" interval 0 seconds ", 0),
        ("interval 1500 milliseconds", 1500),
        ("interval 1.5 seconds", 1500),
        ("interval 2000000 nanoseconds", 2),
        ("interval 2 hours -30 minutes", 5_400_000),
    ],
)
def test_durations(text: str, found: int) -> None:
    assert parse_interval(text) == found


@pytest.mark.parametrize(
    "text", ["", "interval", "interval 1", "7", "week", "interval 1 month", "1 weird", "1 day 2"]
)
def test_what_is_none(text: str) -> None:
    with pytest.raises(ValueError, match=r"is no duration such as 'interval 7 days'"):
        parse_interval(text)


def test_of_a_table() -> None:
    assert retention_ms({}, LOG_RETENTION) == 30 * DAY
    assert retention_ms({}, DELETED_FILE_RETENTION) == 7 * DAY
    assert retention_ms({LOG_RETENTION: "interval 1 days"}, LOG_RETENTION) == DAY
    with pytest.raises(ValueError, match="logRetentionDuration: '3 moons' is no duration"):
        retention_ms({LOG_RETENTION: "3 moons"}, LOG_RETENTION)
    with pytest.raises(ValueError, match="is negative: 'interval -1 days'"):
        retention_ms({LOG_RETENTION: "interval -1 days"}, LOG_RETENTION)
