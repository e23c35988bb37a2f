"""Text from elsewhere harms no terminal and no page."""

from __future__ import annotations

from neuralake.report.text import one_line, printable


def test_control_characters_are_replaced() -> None:
    assert printable("a\tb\x1b\nc") == "a�b�\nc"
    assert one_line(" a\n\tb  c\r\x00") == "a b c �"
