"""Where a server listens."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from neuralake.errors import SourceError
from neuralake.sources import address as addresses
from neuralake.sources.address import Address

LOOPBACKS = [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET, "127.0.0.2")]


@pytest.fixture
def two(monkeypatch: pytest.MonkeyPatch) -> Address:
    """A host of two addresses, as ``localhost`` where there is IPv6."""
    monkeypatch.setattr(Address, "_resolved", lambda _: LOOPBACKS)
    return Address("both", 0)


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that somebody has on the second of them."""
    with socket.socket() as other:
        other.bind(("127.0.0.2", 0))
        other.listen()
        yield other.getsockname()[1]


def test_a_free_port_is_free_on_each_address_of_the_host(
    two: Address, taken: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = addresses._free_port
    first = iter([taken, taken])
    monkeypatch.setattr(addresses, "_free_port", lambda *there: next(first, 0) or own(*there))
    found = two.available()
    assert (found.host, next(first, None)) == ("both", None)
    assert found.port not in (0, taken)


def test_where_none_is_free_it_is_told(
    two: Address, taken: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(addresses, "_free_port", lambda *_: taken)
    with pytest.raises(SourceError, match=f"cannot listen on both:{taken}: Address already"):
        two.available()


def test_a_port_that_is_asked_for_is_that_or_none(two: Address, taken: int) -> None:
    asked = Address(two.host, taken)
    with pytest.raises(SourceError, match="in use: end what listens there, or choose another port"):
        asked.available()


def test_a_host_elsewhere_is_told() -> None:
    with pytest.raises(SourceError, match=r"cannot listen on 192\.0\.2\.1:0: Cannot assign"):
        Address("192.0.2.1", 0).available()


def test_one_address_takes_its_port_as_it_listens() -> None:
    assert Address("127.0.0.1", 0).available() == Address("127.0.0.1", 0)
