"""Protocol Buffers as bytes: fields by number, in and out.

Flight SQL needs a dozen small messages; this reads and writes their fields, whatever they mean.
Source: Protocol Buffers, "Encoding".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from neuralake.varint import varint

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_LONGEST_VARINT = 10
_MASK64 = (1 << 64) - 1
_SIZES = {_FIXED64: 8, _FIXED32: 4}


class WireError(ValueError):
    """Bytes that are no message."""


@dataclass(frozen=True)
class Message:
    """Fields of a message by their numbers; of one that is repeated, all in their order."""

    fields: Mapping[int, tuple[int | bytes, ...]] = field(default_factory=dict)

    def has(self, number: int) -> bool:
        """Whether a field is there at all."""
        return number in self.fields

    def data(self, number: int) -> bytes:
        """The last bytes of a field; none if it is not there.

        Raises
        ------
        WireError
            If it is a number.
        """
        value = self.fields.get(number, (b"",))[-1]
        if not isinstance(value, bytes):
            raise WireError(f"field {number} is a number: expected bytes")
        return value

    def text(self, number: int) -> str:
        """The last text of a field; empty if it is not there.

        Raises
        ------
        WireError
            If it is a number, or no UTF-8.
        """
        return _decoded(number, self.data(number))

    def texts(self, number: int) -> list[str]:
        """All texts of a field; raises as :meth:`text`."""
        found = self.fields.get(number, ())
        return [_decoded(number, value) for value in found]

    def optional(self, number: int) -> str | None:
        """The text of a field, or None if it is not there; raises as :meth:`text`."""
        return self.text(number) if self.has(number) else None

    def number(self, number: int) -> int:
        """The last number of a field; 0 if it is not there.

        Raises
        ------
        WireError
            If it is bytes.
        """
        value = self.fields.get(number, (0,))[-1]
        if isinstance(value, bytes):
            raise WireError(f"field {number} is bytes: expected a number")
        return value

    def numbers(self, number: int) -> list[int]:
        """All numbers of a field, packed or not."""
        found: list[int] = []
        for value in self.fields.get(number, ()):
            if isinstance(value, bytes):
                place = 0
                while place < len(value):
                    one, place = _varint(value, place)
                    found.append(one)
            else:
                found.append(value)
        return found


def decode(data: bytes) -> Message:
    """Read a message.

    Raises
    ------
    WireError
        If the bytes are none.
    """
    fields: dict[int, list[int | bytes]] = {}
    for number, value in _fields(data):
        fields.setdefault(number, []).append(value)
    return Message({number: tuple(values) for number, values in fields.items()})


def encode(*fields: tuple[int, int | bytes | str | bool]) -> bytes:
    """Write a message.

    Parameters
    ----------
    fields
        Number and value of each; what is empty, false or 0 is left out, as proto3 does.
    """
    parts = []
    for number, value in fields:
        if isinstance(value, str):
            value = value.encode()  # noqa: PLW2901 - a text is its bytes
        if isinstance(value, bytes):
            if value:
                parts += [varint(number << 3 | _BYTES), varint(len(value)), value]
        elif value:
            parts += [varint(number << 3 | _VARINT), varint(int(value) & _MASK64)]
    return b"".join(parts)


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    place = 0
    while place < len(data):
        tag, place = _varint(data, place)
        number, kind = tag >> 3, tag & 7
        if not number:
            raise WireError("a field has the number 0")
        if kind == _VARINT:
            value, place = _varint(data, place)
            yield number, value
            continue
        if kind == _BYTES:
            size, place = _varint(data, place)
        elif kind in _SIZES:
            size = _SIZES[kind]
        else:
            raise WireError(f"field {number} is of the kind {kind}, which messages do not have")
        if size > len(data) - place:
            raise WireError(f"field {number} goes on beyond the end of its message")
        taken = data[place : place + size]
        yield number, taken if kind == _BYTES else int.from_bytes(taken, "little")
        place += size


def _varint(data: bytes, place: int) -> tuple[int, int]:
    value = 0
    for count in range(_LONGEST_VARINT):
        if place >= len(data):
            raise WireError("a number goes on beyond the end of its message")
        byte = data[place]
        place += 1
        value |= (byte & 0x7F) << (7 * count)
        if byte < 0x80:
            return value & _MASK64, place
    raise WireError("a number has more than 64 bits")


def _decoded(number: int, value: int | bytes) -> str:
    if not isinstance(value, bytes):
        raise WireError(f"field {number} is a number: expected a text")
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        raise WireError(f"field {number} is no UTF-8") from error
