"""Engines by name: found through entry points, their options checked before anything starts."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from functools import lru_cache
from importlib.metadata import EntryPoint, PackageNotFoundError, entry_points, version
from pathlib import Path
from typing import Any, cast, get_args, get_type_hints

import msgspec

from neuralake.catalog.tables import Table
from neuralake.engines.protocol import Engine, EngineType
from neuralake.engines.writing import CAPABILITIES, capabilities, sessions_at_once
from neuralake.errors import EngineError, EngineUnavailableError, did_you_mean, reason_of
from neuralake.lists import require_once

ENTRY_POINT_GROUP = "neuralake.engines"
_KINDS: Mapping[Any, str] = {int: "a whole number", float: "a number", bool: "true or false"}


@dataclass(frozen=True)
class EngineSpec:
    """An engine as it was asked for; small enough to hand to another process.

    Attributes
    ----------
    name
        Name of the entry point.
    options
        What was said on the command line, by option.
    """

    name: str
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class EngineInfo:
    """What can be said of an engine without starting it.

    Attributes
    ----------
    name
        Name of the entry point.
    available
        Whether it can run here.
    reason
        What it lacks, with the line that installs it, or None.
    package
        Package that offers it.
    versions
        Of that package's libraries that are installed.
    options
        Its options with their defaults.
    writes
        By each capability to change tables the path that it takes, or None where it has none.
    sessions_at_once
        Whether sessions may be open at once, each used by a thread of its own.
    """

    name: str
    available: bool
    reason: str | None
    package: str
    versions: Mapping[str, str]
    options: Mapping[str, str]
    writes: Mapping[str, str | None]
    sessions_at_once: bool


def engine_names() -> list[str]:
    """Names of all engines that installed packages offer."""
    return sorted(_entry_points())


def engine_type(name: str) -> EngineType:
    """The adapter class of an engine.

    Raises
    ------
    EngineError
        If no installed package offers it, or the adapter cannot be imported.
    """
    found = _entry_points().get(name)
    if found is None:
        known = engine_names()
        raise EngineError(
            f"unknown engine {name!r}: expected one of {', '.join(known)}"
            f"{did_you_mean(name, known)}"
        )
    try:
        return cast(EngineType, found.load())
    except Exception as error:
        raise EngineError(
            f"engine {name} ({found.value}) cannot be loaded: {reason_of(error)}"
        ) from error


def parse_specs(names: Iterable[str], options: Iterable[str]) -> tuple[EngineSpec, ...]:
    """Engines from the command line.

    Parameters
    ----------
    names
        Engine names, in the order in which they run.
    options
        Items such as ``datafusion:target_partitions=4``.

    Raises
    ------
    EngineError
        If an engine, an option or a value is not known, or an engine or an option is named twice.
    """
    options = tuple(options)
    for item in options:
        engine_type(split_option(item)[0])
    specs = split_specs(names, options)
    for spec in specs:
        parse_options(spec)
    return specs


def split_specs(names: Iterable[str], options: Iterable[str]) -> tuple[EngineSpec, ...]:
    """As :func:`parse_specs`, of engines and options whose meaning is others' to know.

    Raises
    ------
    EngineError
        If an engine or an option is named twice, or an option is written otherwise or of no engine
        of the run.
    """
    names = tuple(names)
    require_once(names, "engine", EngineError)
    items = [(item, *split_option(item)) for item in options]
    require_once((f"{name}:{key}" for _, name, key, _ in items), "engine option", EngineError)
    chosen: dict[str, dict[str, str]] = {name: {} for name in names}
    for item, name, key, value in items:
        if name not in chosen:
            raise EngineError(
                f"engine option {item!r}: {name} is not among the engines of this run "
                f"({', '.join(chosen)})"
            )
        chosen[name][key] = value
    return tuple(EngineSpec(name, given) for name, given in chosen.items())


def split_option(item: str) -> tuple[str, str, str]:
    """Engine, key and value of an option such as ``datafusion:target_partitions=4``.

    Raises
    ------
    EngineError
        If it is written otherwise.
    """
    name, colon, setting = item.partition(":")
    key, equals, value = setting.partition("=")
    if not (colon and equals and key):
        hint = "; --engines names the engines" if item in _entry_points() else ""
        raise EngineError(f"engine option {item!r}: expected NAME:KEY=VALUE{hint}")
    return name, key, value


def parse_options(spec: EngineSpec) -> Any:
    """The engine's ``Options`` from text.

    A key with a dot is one of the engine's own settings, and goes to the field ``config`` of
    engines that have one.

    Raises
    ------
    EngineError
        If an option is unknown or its value has the wrong type.
    """
    options = engine_type(spec.name).Options
    declared = [f.name for f in fields(options)]
    native = {k: v for k, v in spec.options.items() if "." in k and "config" in declared}
    given: dict[str, Any] = {k: v for k, v in spec.options.items() if k not in native}
    for key in given:
        if key not in declared or key == "config":
            known = ", ".join(sorted(set(declared) - {"config"})) or "none"
            raise EngineError(
                f"engine {spec.name} has no option {key!r}: it has {known}"
                f"{did_you_mean(key, declared)}"
            )
    if native:
        given["config"] = native
    try:
        return msgspec.convert(given, options, strict=False)
    except msgspec.ValidationError as error:
        cause = error.__cause__
        if isinstance(cause, EngineError):
            raise cause from None
        raise EngineError(f"engine {spec.name}: {_refused(options, given, str(error))}") from None


def _refused(options: type, given: Mapping[str, Any], said: str) -> str:
    """What msgspec says of a value, such as "Expected `int` - at `$.threads`", in plain words."""
    key = said.rpartition("`$.")[2].rstrip("`")
    kind = get_type_hints(options).get(key)
    choices = ", ".join(map(str, get_args(kind)))
    expected = _KINDS.get(kind) or (f"one of {choices}" if choices else said)
    return f"option {key} is {given.get(key)!r}: expected {expected}"


def require(spec: EngineSpec) -> None:
    """Raise ``EngineUnavailableError``, saying what to install, if an engine cannot run here."""
    reason = engine_type(spec.name).unavailable()
    if reason is not None:
        raise EngineUnavailableError(f"engine {spec.name} is not available: {reason}")


def prepare(spec: EngineSpec) -> None:
    """Let an engine fetch what it needs before it is started; this is never measured."""
    kind = engine_type(spec.name)
    if hasattr(kind, "prepare"):
        kind.prepare(parse_options(spec))


def reaching(spec: EngineSpec, tables: Mapping[str, Table]) -> EngineSpec:
    """The engine with what it needs to reach tables as options, before it is prepared and started.

    Parameters
    ----------
    spec
        As it was asked for.
    tables
        That it is to open.
    """
    kind = engine_type(spec.name)
    if not hasattr(kind, "reach"):
        return spec
    needed = kind.reach(parse_options(spec), tables)
    return EngineSpec(spec.name, {**spec.options, **needed}) if needed else spec


def resolve(spec: EngineSpec, memory_limit_bytes: int | None) -> EngineSpec:
    """The engine with what it would choose for this machine as options.

    All processes of a run are then alike, whatever is free when each of them starts.

    Parameters
    ----------
    spec
        As it was asked for.
    memory_limit_bytes
        Limit of its process tree, or None.
    """
    kind = engine_type(spec.name)
    if not hasattr(kind, "resolve"):
        return spec
    resolved = kind.resolve(parse_options(spec), memory_limit_bytes)
    return EngineSpec(spec.name, {**spec.options, **resolved})


def start(spec: EngineSpec) -> Engine:
    """Start an engine in this process."""
    return engine_type(spec.name)(parse_options(spec))


def describe_engines() -> list[EngineInfo]:
    """Every engine that installed packages offer, and whether it can run here."""
    return [_describe(name, point) for name, point in sorted(_entry_points().items())]


def _describe(name: str, point: EntryPoint) -> EngineInfo:
    package = point.dist.name if point.dist else "unknown"
    try:
        kind = engine_type(name)
        reason = kind.unavailable()
        options = {f.name: _default(f) for f in fields(kind.Options) if f.name != "config"}
        versions = {p: v for p in getattr(kind, "packages", ()) if (v := _version(p)) is not None}
        writes, at_once = capabilities(kind), sessions_at_once(kind)
    except EngineError as error:
        reason, options, versions = str(error), {}, {}
        writes, at_once = dict.fromkeys(CAPABILITIES), False
    return EngineInfo(name, reason is None, reason, package, versions, options, writes, at_once)


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _default(option: Any) -> str:
    if option.default is not MISSING:
        return str(option.default)
    return str(option.default_factory()) if option.default_factory is not MISSING else ""


def _entry_points() -> Mapping[str, EntryPoint]:
    return _found_on(tuple((entry, _changed_ns(entry)) for entry in sys.path))


@lru_cache(maxsize=1)
def _found_on(_path: tuple[tuple[str, int | None], ...]) -> Mapping[str, EntryPoint]:
    """Those of a search path: each distribution on it has a file of them to be read."""
    return {point.name: point for point in entry_points(group=ENTRY_POINT_GROUP)}


def _changed_ns(entry: str) -> int | None:
    """When something was last installed in an entry of the search path, or removed from it."""
    try:
        return Path(entry).stat().st_mtime_ns
    except OSError:
        return None
