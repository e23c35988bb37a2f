"""What is told of other programs' output."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuralake.arms.output import condense, mask, printable

UNRESOLVED = """\
Using Python 3.11.7 environment at: env
error: No solution found when resolving dependencies
  cause: Because only polars<=2.1 is available and a==1 depends on polars>3, we can conclude that
         a==1 cannot be used.
         And because you require a==1, we can conclude that your requirements are unsatisfiable.

hint: Pre-releases are available
"""
BUILD = """\
   Building lake @ file:///x
error: Failed to build `lake @ file:///x`
  cause: The build backend returned an error
  cause: Call to `hatchling.build.build_wheel` failed (exit status: 1)

         [stderr]
         Traceback (most recent call last):
           File "<string>", line 11, in <module>
         ValueError: Unable to determine which files to ship

         At least one file selection option must be defined

hint: Build failures usually indicate a problem with the package or the build environment
"""
COMPILER = """\
error: Failed to build `lake @ file:///x`
  cause: Call to `setuptools.build_meta.build_wheel` failed (exit status: 1)

         [stderr]
         lake.c:1:10: fatal error: nothing.h: No such file or directory
         error: command '/usr/bin/gcc' failed with exit code 1
"""
LOCK = """\
error: Failed to parse `uv.lock`
  cause: TOML parse error at line 1, column 9
           |
         1 | garbage [
           |         ^
         key with no value, expected `=`
"""
PLATFORM = """\
Resolved 2 packages in 233ms
error: Failed to determine installation plan
  cause: A path (/d/x.whl) dependency is incompatible with the current platform

hint: The wheel is compatible with Windows (`win_amd64`), but you're on Linux
"""
NETWORK = """\
error: Failed to download `x @ https://user:****@127.0.0.1:9/x.whl`
  cause: Request failed after 3 retries in 5.4s
  cause: tcp connect error
  cause: Connection refused (os error 111)
"""


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        (
            UNRESOLVED,
            (
                "Because only polars<=2.1 is available and a==1 depends on polars>3, we can "
                "conclude that a==1 cannot be used. And because you require a==1"
            ),
        ),
        (BUILD, "ValueError: Unable to determine which files to ship"),
        (COMPILER, "error: command '/usr/bin/gcc' failed with exit code 1"),
        (
            LOCK,
            (
                "Failed to parse `uv.lock`: TOML parse error at line 1, column 9 "
                "key with no value, expected `=`"
            ),
        ),
        (
            PLATFORM,
            (
                "Failed to determine installation plan: A path (/d/x.whl) dependency is "
                "incompatible with the current platform (The wheel is compatible with Windows "
                "(`win_amd64`), but you're on Linux)"
            ),
        ),
        (NETWORK, "Failed to download `x @ https://***@127.0.0.1:9/x.whl`: Connection refused (os"),
        ("error: The lockfile is old", "The lockfile is old"),
        ("something else\nand its end\n", "and its end"),
        ("", "it printed nothing"),
    ],
    ids=["unresolved", "build", "compiler", "lock", "platform", "network", "error", "odd", "empty"],
)
def test_the_line_that_matters_is_told(output: str, expected: str) -> None:
    line = condense(output)
    assert line.startswith(expected)
    assert line == expected or "(os error 111)" in line


@given(st.text(), st.sampled_from(["error: ", "  cause: ", "\nhint: ", "         ", ""]))
def test_it_is_one_line_whatever_was_printed(text: str, prefix: str) -> None:
    line = condense(f"error: a\n{prefix}{text}\n{text}")
    assert line.isprintable()
    assert 0 < len(line) <= 400


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://user:secret@example.org/simple", "https://***@example.org/simple"),
        ("https://token@example.org", "https://***@example.org"),
        ("git+ssh://git:a@b@example.org/x", "git+ssh://***@example.org/x"),
        ("see https://example.org/a@b and x@y", "see https://example.org/a@b and x@y"),
        ("'https://u:p@a/','https://u:p@b/'", "'https://***@a/','https://***@b/'"),
    ],
)
def test_secrets_are_taken_out_of_addresses(text: str, expected: str) -> None:
    assert mask(text) == expected


def test_nothing_that_steers_a_terminal_is_left() -> None:
    assert printable("a\x1b[31mb\n\tc\u202e") == "a [31mb c"
