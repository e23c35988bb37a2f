"""Tokens, and how they are shown."""

from __future__ import annotations

import pytest

from neuralake.errors import SourceError
from neuralake.sources.bearer import shows_token, token_of


@pytest.mark.parametrize("header", [b"Bearer s3", b"bearer s3", b"BEARER s3"])
def test_the_scheme_has_no_case(header: bytes) -> None:
    assert shows_token(header, "s3")


@pytest.mark.parametrize(
    "header", [b"", b"s3", b"Bearer", b"Bearer ", b"Bearer S3", b"Bearer s3 ", b"Basic s3", b"\xff"]
)
def test_the_token_is_compared_as_a_whole(header: bytes) -> None:
    assert not shows_token(header, "s3")


@pytest.mark.parametrize("token", ["s3\n", " s3", "s\t3", "gehe\u00efm", "s\x7f"])
def test_one_that_no_header_can_show_is_told_and_not_shown(token: str) -> None:
    with pytest.raises(SourceError, match="TOKEN has a space or line break") as refused:
        token_of({"TOKEN": token}, "TOKEN")
    assert token not in str(refused.value)


def test_one_of_the_environment() -> None:
    assert token_of({"TOKEN": "a b!~"}, "TOKEN") == "a b!~"
    assert token_of({"TOKEN": ""}, "TOKEN") is None
    assert token_of({}, "TOKEN") is None
