"""All checks of an environment, in the order in which one builds on the other."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from neuralake.catalog.about import warn_of_deprecated
from neuralake.catalog.catalog import Catalog
from neuralake.config import Settings, check_environment, is_remote
from neuralake.engines.registry import EngineSpec, describe_engines
from neuralake.verify.check import CheckSkippedError, Result
from neuralake.verify.runner import Runner
from neuralake.verify.scratch import Scratch
from neuralake.verify.selection import Selection
from neuralake.verify.services import ServicesRoom
from neuralake.verify.storage import StorageRoom, buckets_of
from neuralake.verify.tables import TablesRoom

_SECRET_WORDS = ("SECRET", "PASSWORD", "TOKEN")


@dataclass(frozen=True)
class Plan:
    """What is verified, and how closely.

    Attributes
    ----------
    environ
        Variables of the environment.
    load
        Loads the catalog, once the settings are known; None if there is none to be verified.
    engines
        That read its tables; all that can run here if None.
    selection
        Of the checks.
    sample
        Rows of a table that are looked at; all if None.
    limit_s
        Time of a check.
    clock_limit_s
        How far the storage's clock may be off.
    public
        Buckets that anybody may read.
    """

    environ: Mapping[str, str] = field(repr=False)
    load: Callable[[Settings], Catalog] | None = None
    engines: tuple[EngineSpec, ...] | None = None
    selection: Selection = field(default_factory=Selection)
    sample: int | None = None
    limit_s: float = 300.0
    clock_limit_s: float = 5.0
    public: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Verification:
    """What came of all checks.

    Attributes
    ----------
    environment
        ``local`` or ``production``.
    storage_root
        Where the tables lie; None if the settings do not say.
    started_at
        When it began (UTC).
    seconds
        How long it took.
    results
        One a check.
    """

    environment: str
    storage_root: str | None
    started_at: datetime
    seconds: float
    results: tuple[Result, ...]

    @property
    def has_passed(self) -> bool:
        """Whether no check failed."""
        return all(result.status != "failed" for result in self.results)


def verify(plan: Plan, tell: Callable[[Result], None]) -> Verification:
    """Make the checks of a plan.

    What is written for them is removed again, however they end, and so are all processes.

    Parameters
    ----------
    plan
        What is verified.
    tell
        Hears of each check as soon as it is done.

    Raises
    ------
    ConfigError
        If the selection names a check that there is none of.
    """
    started_at, began_s = datetime.now(UTC), time.perf_counter()
    secrets = tuple(
        value
        for name, value in plan.environ.items()
        if value and any(word in name.upper() for word in _SECRET_WORDS)
    )
    runner = Runner(plan.limit_s, tell, secrets)
    settings = _verify_all(plan, runner)
    return Verification(
        environment=plan.environ.get("NEURALAKE_ENV") or "local",
        storage_root=None if settings is None else settings.absolute_storage_root,
        started_at=started_at,
        seconds=round(time.perf_counter() - began_s, 3),
        results=tuple(runner.results),
    )


def _verify_all(plan: Plan, runner: Runner) -> Settings | None:
    has = plan.selection.has
    settings = runner.obtain("settings", lambda: _settings(plan.environ), is_asked=has("settings"))
    if settings is None:
        for room in ("storage", "catalog", "api", "kafka"):
            runner.skip(room, "settings has not passed")
        return None
    catalog = runner.obtain("catalog", lambda: _catalog(plan, settings), is_asked=has("catalog"))
    tables = [] if catalog is None else [table for _, table in catalog.each_table()]
    with ExitStack() as stack:
        scratch = Scratch(settings)
        stack.callback(_clear, scratch, runner)
        storage = StorageRoom(
            settings,
            scratch,
            buckets_of(
                settings,
                ((str(getattr(t, "uri", "")), getattr(t, "storage_options", {})) for t in tables),
            ),
            plan.public,
            plan.clock_limit_s,
        )
        checks = storage.checks()
        if catalog is not None:
            directory = stack.enter_context(tempfile.TemporaryDirectory(prefix="neuralake-"))
            of_tables = _tables(plan, settings, catalog, Path(directory))
            stack.callback(of_tables.close)
            checks += of_tables.checks()
        names = tuple(table.name for table in tables)
        token = plan.environ.get("NEURALAKE_SERVE_TOKEN") or None
        checks += ServicesRoom(settings, token, plan.environ, names).checks()
        if catalog is not None or plan.load is None:
            plan.selection.require_all(["settings", "catalog", *(check.name for check in checks)])
        runner.run([check for check in checks if has(check.name)])
    return settings


def _settings(environ: Mapping[str, str]) -> tuple[Settings, str]:
    check_environment(environ)
    settings = Settings.from_environ(environ)
    said = f"{settings.environment}, {settings.absolute_storage_root}"
    if not is_remote(settings.absolute_storage_root):
        return settings, said
    s3 = settings.s3
    at = s3.endpoint_url or "Amazon S3"
    whose = "the machine's own credentials" if s3.access_key_id is None else "a key"
    plainly = ", by plain HTTP" if s3.allow_http else ""
    return settings, f"{said} at {at}{plainly}, with {whose}"


def _catalog(plan: Plan, settings: Settings) -> tuple[Catalog, str]:
    if plan.load is None:
        raise CheckSkippedError("no catalog is named (--catalog, --dataset or --scale-factor)")
    catalog = plan.load(settings)
    number = len([*catalog.each_table()])
    databases = ", ".join(database.name for database in catalog.databases)
    return catalog, f"{number} tables in {databases}"


def _tables(plan: Plan, settings: Settings, catalog: Catalog, directory: Path) -> TablesRoom:
    missing: dict[str, str] = {}
    engines: Sequence[EngineSpec] | None = plan.engines
    if engines is None:
        infos = describe_engines()
        engines = [EngineSpec(info.name) for info in infos if info.available]
        missing = {info.name: info.reason or "" for info in infos if not info.available}
    warn_of_deprecated(table for _, table in catalog.each_table())
    return TablesRoom(
        catalog=catalog,
        engines=engines,
        missing=missing,
        sample=plan.sample,
        root=settings.absolute_storage_root,
        limit_s=plan.limit_s,
        directory=directory,
    )


def _clear(scratch: Scratch, runner: Runner) -> None:
    """Remove what was written; tell of it only where that fails."""

    def clear() -> tuple[None, str]:
        return None, scratch.clear()

    runner.obtain("storage.scratch", clear, is_asked=False)
