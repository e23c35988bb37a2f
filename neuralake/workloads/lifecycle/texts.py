"""The text of a plan: that of a scenario, or that of a file."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from neuralake.errors import LifecycleError, did_you_mean


def scenario_names() -> list[str]:
    """Names of the plans that come with Neuralake."""
    return sorted(
        entry.name.removesuffix(".toml")
        for entry in files(f"{__package__}").joinpath("scenarios").iterdir()
        if entry.name.endswith(".toml")
    )


def scenario_text(name: str) -> str:
    """The file of a plan that comes with Neuralake.

    Raises
    ------
    LifecycleError
        If there is none of that name.
    """
    known = scenario_names()
    if name not in known:
        raise LifecycleError(
            f"unknown scenario {name!r}: expected one of {', '.join(known)}"
            f"{did_you_mean(name, known)}"
        )
    found = files(f"{__package__}").joinpath("scenarios", f"{name}.toml")
    return found.read_text(encoding="utf-8")


def read_plan_text(path: Path) -> str:
    """The text of a plan's file.

    Raises
    ------
    LifecycleError
        If it cannot be read, or is no text.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise LifecycleError(f"plan {path} cannot be read: {error.strerror}") from error
    try:
        return content.decode("utf-8-sig")  # some editors begin a file with its byte order mark
    except UnicodeDecodeError as error:
        raise LifecycleError(
            f"plan {path} is no text: byte {content[error.start]:#04x} at offset {error.start}; "
            "expected TOML in UTF-8"
        ) from error
