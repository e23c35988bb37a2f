"""Jars from Maven: fetched once, with the Ivy that Spark ships, and checked at every use."""

from __future__ import annotations

import hashlib
import re
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit
from xml.sax.saxutils import quoteattr

from neuralake.config import Settings
from neuralake.errors import ConfigError, JavaError
from neuralake.java.jar import Jar
from neuralake.java.runtime import find_java, without_options

REPOSITORY_VARIABLE = "NEURALAKE_MAVEN_REPOSITORY"
_FETCH_TIMEOUT_S = 600
_CONNECT_TIMEOUT_MS = 10_000
_READ_TIMEOUT_MS = 60_000


def fetch_jars(jars: Sequence[Jar], name: str, environ: Mapping[str, str]) -> list[Path]:
    """Paths of jars in the cache; what is missing or damaged there is fetched first.

    Parameters
    ----------
    jars
        Those that are needed; nothing that they depend on comes along.
    name
        Of their directory in the cache, with the version in it.
    environ
        Usually ``os.environ``: the cache root, the repository, and where Java is.

    Raises
    ------
    JavaError
        If they cannot be fetched or kept, or there is no Java.
    ConfigError
        If the repository is no URL.
    """
    settings = Settings.from_environ(environ)
    try:
        cache = settings.cache_root / "jars" / name
    except ConfigError as error:  # a user without a home directory
        raise JavaError(str(error)) from error
    missing = [jar for jar in jars if not _intact(jar, cache)]
    if missing:
        _fetch(missing, cache, environ)
    return [(cache / jar.file_name).absolute() for jar in jars]


def _intact(jar: Jar, directory: Path) -> bool:
    try:
        with (directory / jar.file_name).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == jar.sha256
    except OSError:
        return False


def _fetch(jars: list[Jar], cache: Path, environ: Mapping[str, str]) -> None:
    """Put jars into the cache; one that is there is whole, whoever else fetches it meanwhile."""
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache, prefix=".fetch-") as name:
            directory = Path(name)
            reason = _retrieve(jars, directory, environ)
            for jar in jars:
                if not _intact(jar, directory):
                    exists = (directory / jar.file_name).exists()
                    raise JavaError(
                        f"{jar.coordinates} could not be fetched from Maven: "
                        f"{'it is not the jar that was published (sha256)' if exists else reason}"
                    )
            for jar in jars:
                (directory / jar.file_name).replace(cache / jar.file_name)
    except OSError as error:
        raise JavaError(
            f"jars cannot be kept in {cache} ({error.strerror}): "
            f"set NEURALAKE_CACHE_ROOT to a directory that can be written"
        ) from error


def _retrieve(jars: list[Jar], directory: Path, environ: Mapping[str, str]) -> str:
    """Run Ivy on named jars, without what they depend on; returns what went wrong, in a line."""
    modules = "".join(
        f"<dependency org={quoteattr(jar.organisation)} name={quoteattr(jar.name)} "
        f'rev={quoteattr(jar.revision)} transitive="false"/>'
        for jar in jars
    )
    ivy = directory / "ivy.xml"
    ivy.write_text(
        '<ivy-module version="2.0"><info organisation="neuralake" module="jars"/>'
        f"<dependencies>{modules}</dependencies></ivy-module>"
    )
    command = [
        str(find_java(environ).executable),
        f"-Dsun.net.client.defaultConnectTimeout={_CONNECT_TIMEOUT_MS}",
        f"-Dsun.net.client.defaultReadTimeout={_READ_TIMEOUT_MS}",
        *("-jar", str(_ivy_jar())),
        *_repository_arguments(directory, environ),
        *("-cache", str(directory / "ivy")),
        *("-ivy", str(ivy)),
        *("-retrieve", f"{directory}/[artifact]-[revision].[ext]"),
        *("-types", "jar", "bundle"),
    ]
    try:
        done = subprocess.run(
            command,
            check=False,  # what counts is whether the right jars are there
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=_FETCH_TIMEOUT_S,
            env=without_options(environ),
        )
    except subprocess.TimeoutExpired:
        return f"no answer within {_FETCH_TIMEOUT_S} s"
    return _reason(done.stdout)


def _repository_arguments(directory: Path, environ: Mapping[str, str]) -> list[str]:
    """Ivy's own settings know where the public repository is; a company's mirror replaces it."""
    url = environ.get(REPOSITORY_VARIABLE)
    if not url:
        return []
    if urlsplit(url).scheme not in ("http", "https", "file"):
        raise ConfigError(f"{REPOSITORY_VARIABLE} is no URL: expected http(s)://host/path")
    settings = directory / "ivysettings.xml"
    settings.write_text(
        '<ivysettings><settings defaultResolver="mirror"/><resolvers>'
        f'<ibiblio name="mirror" m2compatible="true" root={quoteattr(url)}/>'
        "</resolvers></ivysettings>"
    )
    return ["-settings", str(settings)]


def _ivy_jar() -> Path:
    """Spark ships Ivy, so that nobody has to install Maven."""
    package = find_spec("pyspark")
    if package is None or package.origin is None:
        raise JavaError(
            "jars are fetched by Ivy, which comes with pyspark, which is not installed: "
            "pip install 'neuralake-bench[spark]'"
        )
    directory = Path(package.origin).parent / "jars"
    found = sorted(directory.glob("ivy-*.jar"))
    if not found:
        raise JavaError(f"pyspark has no Ivy in {directory}: reinstall it")
    return found[-1]


def _reason(output: str) -> str:
    """The first cause that Ivy names, without credentials that a URL may hold."""
    cause = re.search(r"^\s*Server access error at url \S+ \((.+)\)\s*$", output, re.MULTILINE)
    if cause is None:
        cause = re.search(r"^\s*(module not found: .+)$", output, re.MULTILINE)
    last = output.strip().rpartition("\n")[2]
    return re.sub(r"//[^/@\s]+@", "//***@", " ".join((cause[1] if cause else last).split()))
