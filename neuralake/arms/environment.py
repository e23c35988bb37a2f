"""The environment of an arm: what its lock file says or what is installed here, and over that."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from neuralake.arms.extras import conflicting_extras
from neuralake.arms.installed import Copied, Piece, Pinned
from neuralake.arms.names import FORMERLY, OURS, normalise
from neuralake.arms.output import condense, mask
from neuralake.config import caches_of_user
from neuralake.errors import ArmError

# Of the user's variables for uv only these reach it: where packages come from, and how. All others
# (UV_PYTHON, UV_NO_DEV, UV_EXCLUDE_NEWER …) would change what is built without changing its key.
_KEPT = re.compile(
    r"UV_(?:(?:DEFAULT_|EXTRA_)?INDEX(?:_.*)?|FIND_LINKS|CACHE_DIR|CONFIG_FILE|CREDENTIALS_DIR"
    r"|LINK_MODE|OFFLINE|HTTP_.*|REQUEST_TIMEOUT|NATIVE_TLS|SYSTEM_CERTS|INSECURE_HOST"
    r"|KEYRING_PROVIDER|CONCURRENT_.*|NETRC|LOCK_TIMEOUT)"
)
_FOREIGN = ("VIRTUAL_ENV", "CONDA_PREFIX", "PYTHONPATH", "PYTHONHOME")

# In the commit's settings for uv, what says where packages come from.
_SOURCES = (
    "index",
    "index-url",
    "extra-index-url",
    "no-index",
    "find-links",
    "index-strategy",
    "keyring-provider",
    "allow-insecure-host",
    "native-tls",
)


class UvError(Exception):
    """uv failed; the message is the one line that says why."""


@dataclass(frozen=True)
class Package:
    """What is installed, as uv lists it."""

    name: str
    version: str


@dataclass(frozen=True)
class Uv:
    """uv, working on one environment.

    Attributes
    ----------
    program
        The executable.
    project
        Directory of what is built.
    root
        Directory of its lock file, and of settings that say where packages come from.
    environment
        Directory of the environment.
    lock
        Descriptor that uv and what it starts inherit, so that a lock outlives a killed parent as
        long as they work.
    record
        Given the output of every call, without secrets.
    """

    program: Path
    project: Path
    root: Path
    environment: Path
    lock: int
    record: Callable[[str], None]

    @property
    def python(self) -> Path:
        """Interpreter of the environment."""
        return self.environment / "bin" / "python"

    def sync(self) -> list[str]:
        """Install what ``uv.lock`` says, the project itself as a wheel, and all extras.

        Of extras that the project declares as conflicting only one can be there. The development
        group comes along, in which a team may have Neuralake; Neuralake's own has nothing to
        measure with.

        Returns
        -------
        list of str
            Extras that are left out.

        Raises
        ------
        UvError
            If something cannot be had or built.
        """
        settings = _settings(self.project)
        left_out = conflicting_extras(settings, _settings(self.root))
        arguments = ["sync", "--frozen", "--no-editable", "--all-extras", "--python"]
        arguments += [sys.executable, *(f"--no-extra={extra}" for extra in left_out)]
        if settings.get("project", {}).get("name") in (OURS, FORMERLY):
            arguments.append("--no-dev")
        if "project" not in settings:  # the root of a workspace, and no more
            arguments.append("--all-packages")
        self._run(self.project, *arguments)
        return left_out

    def install_listed(self, lock: str) -> None:
        """Install what another lock file lists, and the project itself, as a wheel, if it is one.

        Parameters
        ----------
        lock
            Name of a ``pylock.toml`` or ``requirements.txt`` in :attr:`root`.

        Raises
        ------
        UvError
            If something cannot be had or built.
        """
        self._make_environment(self.root)
        # what a file of requirements leaves open is looked up: it need not be a whole lock
        how = ("sync",) if lock.endswith(".toml") else ("install", "--requirements")
        self._run(self.root, "pip", how[0], "--python", str(self.python), *how[1:], lock)
        settings = _settings(self.project)
        if "build-system" in settings and settings.get("tool", {}).get("uv", {}).get(
            "package", True
        ):
            self._run(
                self.project, "pip", "install", "--python", str(self.python), "--no-deps", "."
            )

    def copy_installed(self, pieces: Iterable[Piece], directory: Path) -> None:
        """Install what is installed here.

        Parameters
        ----------
        pieces
            The distributions.
        directory
            An empty one, to run in.

        Raises
        ------
        ArmError
            If something that was installed from this machine is damaged.
        UvError
            If something cannot be had or built.
        """
        (directory / "uv.toml").write_text(_index_settings(self.root))
        self._make_environment(directory)
        lines = []
        for number, piece in enumerate(pieces):
            if isinstance(piece, Pinned):
                lines.append(piece.requirement)
                continue
            place = directory / str(number)
            place.mkdir()
            if isinstance(piece, Copied):
                wheel = piece.pack(place)
            else:
                source = str(piece.directory)
                options = ("--python", sys.executable, "--out-dir", str(place))
                self._run(directory, "build", "--wheel", *options, source)
                (wheel,) = place.glob("*.whl")
            lines.append(wheel.as_uri())
        listed = directory / "installed.txt"
        listed.write_text("".join(f"{line}\n" for line in lines))
        arguments = ("--no-deps", "--requirements", str(listed))
        self._run(directory, "pip", "install", "--python", str(self.python), *arguments)

    def is_lock_stale(self) -> bool:
        """Whether ``uv.lock`` no longer fits ``pyproject.toml``, as far as can be told here."""
        try:
            self._run(self.project, "lock", "--check", "--offline", "--python", sys.executable)
        except UvError as error:
            return "needs to be updated" in str(error)
        return False

    def install(self, requirements: list[str], directory: Path) -> list[str]:
        """Install requirements over what is there, whatever the project declares.

        uv would let the project's constraints and overrides win silently, so it is run elsewhere,
        with the project's indexes and nothing else of its settings.

        Parameters
        ----------
        requirements
            PEP 508, or absolute paths of wheels.
        directory
            An empty one, to run in.

        Returns
        -------
        list of str
            What no longer fits together, a line each.

        Raises
        ------
        UvError
            If they do not resolve, or something cannot be had or built.
        """
        (directory / "uv.toml").write_text(_index_settings(self.root))
        before = self._conflicts(directory)
        self._run(directory, "pip", "install", "--python", str(self.python), "--", *requirements)
        return [line for line in self._conflicts(directory) if line not in before]

    def packages(self) -> dict[str, str]:
        """Version of everything installed, by normalised name."""
        listed = self._run(
            self.environment, "pip", "list", "--python", str(self.python), "--format", "json"
        )
        found = msgspec.json.decode(listed.stdout, type=list[Package])
        return {normalise(package.name): package.version for package in found}

    def has_module(self, path: str) -> bool:
        """Whether a file such as ``package/module.py`` is installed."""
        return any(self.environment.glob(f"lib/python*/site-packages/{path}"))

    def _make_environment(self, directory: Path) -> None:
        arguments = ("--no-project", "--python", sys.executable, str(self.environment))
        self._run(directory, "venv", *arguments)

    def _conflicts(self, directory: Path) -> list[str]:
        done = self._start(directory, "pip", "check", "--python", str(self.python))
        return [line for line in done.stderr.splitlines() if line.startswith("The package ")]

    def _run(self, directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        done = self._start(directory, *arguments)
        if done.returncode < 0:
            raise UvError(f"uv was ended by signal {-done.returncode}")
        if done.returncode:
            raise UvError(condense(done.stderr))
        return done

    def _start(self, directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [self.program, "--no-progress", "--color", "never", *arguments],
            cwd=directory,
            env=_environ(os.environ, self.environment.parents[2] / "uv")
            | {"UV_PROJECT_ENVIRONMENT": str(self.environment)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            pass_fds=(self.lock,),
            check=False,
        )
        command = " ".join(["uv", *arguments])
        self.record(mask(f"$ {command}\n{done.stderr}{done.stdout}\n"))
        return done


def find_uv() -> Path:
    """The executable: of uv's package, else on the PATH.

    Raises
    ------
    ArmError
        If there is none.
    """
    try:
        from uv import find_uv_bin

        return Path(find_uv_bin())
    except (ImportError, FileNotFoundError):
        found = shutil.which("uv")
    if found is None:
        raise ArmError(
            "arms are built with uv, which is not installed: pip install 'neuralake-bench[compare]'"
        )
    return Path(found)


def uv_version(program: Path) -> str:
    """What uv says of itself.

    Raises
    ------
    ArmError
        If it cannot be run.
    """
    try:
        done = subprocess.run(
            [program, "--version"], capture_output=True, text=True, timeout=60, check=True
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise ArmError(f"uv cannot be run: {program}: {error}") from None
    return done.stdout.strip()


def _environ(environ: Mapping[str, str], spare: Path) -> dict[str, str]:
    """What uv sees; its cache is elsewhere where its own cannot be written."""
    kept = {
        key: value
        for key, value in environ.items()
        if key not in _FOREIGN and (not key.startswith("UV_") or _KEPT.fullmatch(key))
    }
    caches = caches_of_user(environ)
    if "UV_CACHE_DIR" not in kept and not (caches and _can_be_written(Path(caches) / "uv")):
        kept["UV_CACHE_DIR"] = str(spare)
    return kept | {"UV_PYTHON_DOWNLOADS": "never", "NO_COLOR": "1"}


def _can_be_written(directory: Path) -> bool:
    """Whether files can be put there, once it is made."""
    there = next(d for d in (directory, *directory.parents) if d.exists() or d == d.parent)
    return there.is_dir() and os.access(there, os.W_OK | os.X_OK)


def _settings(source: Path) -> dict[str, Any]:
    """``pyproject.toml`` of a directory; nothing without one, or if it is no TOML: uv says so."""
    try:
        return tomllib.loads((source / "pyproject.toml").read_text("utf-8"))
    except (FileNotFoundError, ValueError):
        return {}


def _index_settings(source: Path) -> str:
    """Text of a ``uv.toml`` with the indexes of the commit's own."""
    own = source / "uv.toml"  # where there is one, uv reads no other
    try:
        settings = tomllib.loads(own.read_text("utf-8")) if own.is_file() else None
    except ValueError:
        settings = {}
    if settings is None:
        settings = _settings(source).get("tool", {}).get("uv", {})
    chosen = {key: settings[key] for key in _SOURCES if key in settings}
    tables = [_located(index, source) for index in chosen.pop("index", [])]
    lines = [f"{key} = {_value(value)}" for key, value in _located(chosen, source).items()]
    for table in tables:
        lines += ["[[index]]", *(f"{key} = {_value(value)}" for key, value in table.items())]
    return "".join(f"{line}\n" for line in lines)


def _located(settings: Mapping[str, Any], source: Path) -> dict[str, Any]:
    """Settings in which directories are absolute."""

    def locate(value: Any) -> Any:
        if isinstance(value, list):
            return [locate(item) for item in value]
        return value if "://" in value else str(source / value)

    places = ("url", "index-url", "extra-index-url", "find-links")
    return {key: locate(value) if key in places else value for key, value in settings.items()}


def _value(value: Any) -> str:
    """A TOML value: JSON's strings, numbers, booleans and lists of them are TOML's too."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(k)} = {_value(v)}" for k, v in value.items()) + "}"
    return json.dumps(value)
