"""Whole numbers in as few bytes as they need, as Protocol Buffers and Thrift write them."""

from __future__ import annotations


def varint(value: int) -> bytes:
    """A number that is not negative: seven bits a byte, the lowest first."""
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    found.append(value)
    return bytes(found)
