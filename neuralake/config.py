"""Settings from the environment: typed, checked once, and passed on explicitly.

``NEURALAKE_ENV`` chooses the environment. ``local`` (the default) keeps data under ``data/`` and
results under ``results/`` of the working directory. ``production`` has no default location and
no default credential, and refuses plain HTTP unless ``NEURALAKE_ALLOW_HTTP`` names the host.
Storage credentials are read from the variables that every S3 client knows (``AWS_…``).
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from enum import StrEnum
from pathlib import Path
from urllib.parse import unquote, urlsplit

from neuralake.errors import ConfigError

_REMOTE = re.compile(r"^s3a?://", re.IGNORECASE)
_PREFIX = "NEURALAKE_"
_VARIABLES = (
    *("ENV", "STORAGE_ROOT", "RESULTS_ROOT", "CACHE_ROOT", "ALLOW_HTTP", "MAVEN_REPOSITORY"),
    *("ASV_ARMS", "ASV_COUNTED", "ASV_ENGINES", "ASV_QUERIES", "ASV_ROUNDS", "ASV_SCALE_FACTOR"),
    *("ASV_STREAM_ROUNDS", "ANCHOR", "LOCK_FILE", "WRITER_TOKEN", "SERVE_TOKEN", "SERVE_URL"),
    *("TOPIC_URL", "READER_ACCESS_KEY_ID", "READER_SECRET_ACCESS_KEY"),
)
_SCHEME = re.compile(r"^[a-zA-Z][a-zA-Z0-9+.-]*://")


class Environment(StrEnum):
    """Where Neuralake runs."""

    LOCAL = "local"
    PRODUCTION = "production"


def is_remote(uri: str) -> bool:
    """Whether a URI is on object storage, and not a path of this machine."""
    return bool(_REMOTE.match(uri))


def absolute_uri(location: str) -> str:
    """What a user wrote: a URI, or a path from where he stands, or from his home directory.

    Raises
    ------
    ConfigError
        If it is neither a path nor an ``s3://`` URI, or holds credentials.
    """
    location = _location(location, "the location", home_directory(os.environ))
    return location if is_remote(location) else str(Path(location).absolute())


def join_uri(base: str, *parts: str) -> str:
    """Join path segments to a URI or a path, with one slash between."""
    return "/".join([base.rstrip("/"), *(part.strip("/") for part in parts)]) or "/"


@dataclass(frozen=True)
class S3Settings:
    """How to reach an S3 service.

    Credentials are not shown by ``repr`` and are never written to a result.
    """

    endpoint_url: str | None = None
    region: str | None = None
    access_key_id: str | None = field(default=None, repr=False)
    secret_access_key: str | None = field(default=None, repr=False)
    session_token: str | None = field(default=None, repr=False)
    allow_http: bool = False

    def storage_options(self) -> dict[str, str]:
        """The options as deltalake, Polars and object_store name them."""
        named = {
            "aws_endpoint_url": self.endpoint_url,
            "aws_region": self.region,
            "aws_access_key_id": self.access_key_id,
            "aws_secret_access_key": self.secret_access_key,
            "aws_session_token": self.session_token,
            # Said even where it is false: the clients would otherwise look into the environment.
            "aws_allow_http": "true" if self.allow_http else "false",
        }
        return {key: value for key, value in named.items() if value is not None}


@dataclass(frozen=True)
class Settings:
    """What the environment says.

    Attributes
    ----------
    environment
        ``local`` or ``production``.
    storage_root
        URI or path under which datasets and tables lie.
    results_root
        Directory under which runs are kept.
    cache_directory
        Directory for what can be fetched or built again (jars, arms); None if none is named, and
        the user has no home directory.
    s3
        How ``s3://`` addresses are reached.
    allow_http
        Hosts that production may reach by plain HTTP.
    home
        What ``~`` stands for; None if the user has no home directory.
    reader
        How those reach ``s3://`` addresses who only read, if they have a key of their own.
    serve_url
        Where the API answers, if there is one.
    topic_url
        ``kafka://HOST:PORT/TOPIC`` of the topic that is written to tables, if there is one.
    """

    environment: Environment
    storage_root: str
    results_root: Path
    cache_directory: Path | None
    s3: S3Settings = field(default_factory=S3Settings)
    allow_http: frozenset[str] = frozenset()
    home: Path | None = None
    reader: S3Settings | None = None
    serve_url: str | None = None
    topic_url: str | None = None

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Settings:
        """Read the settings.

        Parameters
        ----------
        environ
            Usually ``os.environ``.

        Raises
        ------
        ConfigError
            If a variable is missing or its value is impossible.
        """
        environment = _environment(environ.get("NEURALAKE_ENV") or "local")
        local = environment is Environment.LOCAL
        storage_root = environ.get("NEURALAKE_STORAGE_ROOT") or ("data" if local else "")
        if not storage_root:
            raise ConfigError(
                "NEURALAKE_STORAGE_ROOT is not set: production has no default location; "
                "set it to a directory or an s3:// URI"
            )
        home = home_directory(environ)

        def directory(name: str, default: str) -> Path:
            return _directory(environ.get(name) or default, name, home)

        caches = caches_of_user(environ)
        default = str(Path(caches) / "neuralake") if caches else ""
        cache = environ.get("NEURALAKE_CACHE_ROOT") or default
        named = environ.get("NEURALAKE_ALLOW_HTTP", "").lower().split(",")
        allow_http = frozenset(host.strip() for host in named if host.strip())
        s3 = _s3(environ, environment, allow_http)
        serve_url = environ.get("NEURALAKE_SERVE_URL") or None
        if serve_url is not None:
            _is_plain_http(serve_url, "NEURALAKE_SERVE_URL", environment, allow_http)
        return cls(
            environment=environment,
            storage_root=_location(storage_root, "NEURALAKE_STORAGE_ROOT", home),
            results_root=directory("NEURALAKE_RESULTS_ROOT", "results"),
            cache_directory=directory("NEURALAKE_CACHE_ROOT", default) if cache else None,
            s3=s3,
            allow_http=allow_http,
            home=home,
            reader=_reader(environ, s3),
            serve_url=serve_url,
            topic_url=environ.get("NEURALAKE_TOPIC_URL") or None,
        )

    @property
    def cache_root(self) -> Path:
        """Directory for what can be fetched or built again (jars, arms).

        Raises
        ------
        ConfigError
            If none is named, and the user has no home directory.
        """
        if self.cache_directory is None:
            raise ConfigError(
                "there is no place for what is kept between runs (jars, arms): HOME is not set, "
                "and this user has no home directory; set NEURALAKE_CACHE_ROOT to a directory"
            )
        return self.cache_directory

    @property
    def absolute_storage_root(self) -> str:
        """The storage root for a process that works elsewhere."""
        root = self.storage_root
        return root if is_remote(root) else str(Path(root).absolute())

    def uri(self, location: str) -> str:
        """Absolute URI of a location, which may be relative to the storage root.

        Raises
        ------
        ConfigError
            If it is neither a path nor an ``s3://`` URI, or holds credentials.
        """
        location = _location(location, "the location", self.home)
        if is_remote(location):
            return location
        if is_remote(self.storage_root) and not Path(location).is_absolute():
            return join_uri(self.storage_root, location)
        return str((Path(self.storage_root) / location).absolute())

    def check_endpoint(self, url: str, source: str) -> bool:
        """Whether an S3 endpoint is plain HTTP, and if so, that it may be.

        Parameters
        ----------
        url
            The endpoint.
        source
            Where it was given, for messages.

        Raises
        ------
        ConfigError
            If it is not a URL, holds credentials, or is plain HTTP in production to a host that
            ``NEURALAKE_ALLOW_HTTP`` does not name.
        """
        return _is_plain_http(url, source, self.environment, self.allow_http)

    def storage_options(self, uri: str) -> dict[str, str]:
        """Options that reach a URI: empty for a path of this machine."""
        return self.s3.storage_options() if is_remote(uri) else {}


def home_directory(environ: Mapping[str, str]) -> Path | None:
    """The user's home directory: HOME, else what the system says; None if it says nothing."""
    if home := environ.get("HOME"):
        return Path(home)
    try:
        return Path.home()
    except RuntimeError:  # a number that no user has, as containers are given
        return None


def caches_of_user(environ: Mapping[str, str]) -> str:
    """Where all programs keep what can be had again: XDG_CACHE_HOME, else below the home.

    Empty where there is neither.
    """
    home = home_directory(environ)
    return environ.get("XDG_CACHE_HOME") or (str(home / ".cache") if home else "")


def expand_home(path: str, home: Path | None) -> str:
    """A path with its ``~`` replaced, which a shell leaves in ``--option=~/lake`` and files do.

    Raises
    ------
    ConfigError
        If it begins with ``~``, and there is no home directory.
    """
    if path != "~" and not path.startswith("~/"):
        return path
    if home is None:
        raise ConfigError(
            f"{path} cannot be found: HOME is not set, and this user has no home directory"
        )
    return str(home / path.removeprefix("~").lstrip("/"))


def expanded(path: str) -> str:
    """What a user wrote in place of a path, with ``~`` as :func:`expand_home` reads it."""
    return expand_home(path, home_directory(os.environ))


def check_environment(environ: Mapping[str, str]) -> None:
    """Check ``NEURALAKE_ENV``, which each command does, whether it needs a setting or not.

    Raises
    ------
    ConfigError
        If it is no environment, or a variable is called almost as one of Neuralake's: it would be
        passed over in silence, and the data be sought elsewhere.
    """
    for name in sorted(environ):
        rest = name.removeprefix(_PREFIX)
        is_of_kafka = rest.startswith("KAFKA_")  # named as its client's settings, and checked there
        if rest != name and rest not in _VARIABLES and not is_of_kafka:
            meant = get_close_matches(rest, _VARIABLES, n=1, cutoff=0.65)
            if meant:
                raise ConfigError(
                    f"{name} is no variable of Neuralake's: did you mean {_PREFIX}{meant[0]}?"
                )
    _environment(environ.get("NEURALAKE_ENV") or Environment.LOCAL.value)


def _environment(value: str) -> Environment:
    try:
        return Environment(value)
    except ValueError:
        expected = " or ".join(environment.value for environment in Environment)
        raise ConfigError(f"NEURALAKE_ENV is {value!r}: expected {expected}") from None


def _location(location: str, source: str, home: Path | None) -> str:
    """A path, or a URI of object storage under its one canonical scheme."""
    if is_remote(location):
        bucket = urlsplit(location).netloc
        if "@" in bucket:
            raise ConfigError(
                f"{source} holds credentials: "
                "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and leave them out of the URI"
            )
        if not bucket:
            raise ConfigError(f"{source} is {location!r}: expected s3://bucket/path")
        return _REMOTE.sub("s3://", location)
    if location.startswith("file:///"):
        return unquote(location.removeprefix("file://"))
    if scheme := _SCHEME.match(location):
        # Only the scheme is repeated: the rest of an unknown URI may hold a password.
        raise ConfigError(f"{source} begins with {scheme[0]}: expected a path or an s3:// URI")
    return expand_home(location, home)


def _directory(path: str, source: str, home: Path | None) -> Path:
    location = _location(path, source, home)
    if is_remote(location):
        raise ConfigError(f"{source} is {location!r}: expected a directory of this machine")
    return Path(location)


def _s3(
    environ: Mapping[str, str], environment: Environment, allow_http: AbstractSet[str]
) -> S3Settings:
    variables = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")
    source = next((name for name in variables if environ.get(name)), None)
    endpoint = environ[source] if source else None
    key, secret = _key(environ, "AWS_")
    token = environ.get("AWS_SESSION_TOKEN") or None
    if token is not None and key is None:
        raise ConfigError(
            "AWS_SESSION_TOKEN is set without AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY: "
            "set all three, or leave the token out"
        )
    return S3Settings(
        endpoint_url=endpoint,
        region=environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION") or None,
        access_key_id=key,
        secret_access_key=secret,
        session_token=token,
        allow_http=bool(
            endpoint and source and _is_plain_http(endpoint, source, environment, allow_http)
        ),
    )


def _reader(environ: Mapping[str, str], s3: S3Settings) -> S3Settings | None:
    """The same service with the key of those who only read; None if they have none."""
    key, secret = _key(environ, "NEURALAKE_READER_")
    if key is None:
        return None
    return replace(s3, access_key_id=key, secret_access_key=secret, session_token=None)


def _key(environ: Mapping[str, str], prefix: str) -> tuple[str | None, str | None]:
    """An access key and its secret; both or neither."""
    names = f"{prefix}ACCESS_KEY_ID", f"{prefix}SECRET_ACCESS_KEY"
    key, secret = (environ.get(name) or None for name in names)
    if (key is None) != (secret is None):
        missing = names[0] if key is None else names[1]
        raise ConfigError(f"{missing} is not set, but its partner is: set both or neither")
    return key, secret


def _is_plain_http(
    url: str, source: str, environment: Environment, allow_http: AbstractSet[str]
) -> bool:
    """Whether a URL is plain HTTP; refused in production unless its host is named.

    A malformed URL is not repeated in the message: it may hold a password.
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port  # both raise on what is malformed
    except ValueError:
        host = None
    if not host or parts.scheme not in ("http", "https"):
        raise ConfigError(f"{source} is not a URL: expected http(s)://host[:port]")
    if parts.username is not None or parts.password is not None:
        raise ConfigError(
            f"{source} holds credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        )
    if parts.scheme == "https":
        return False
    if environment is Environment.PRODUCTION and host not in allow_http:
        raise ConfigError(
            f"{source} is plain HTTP to {host}, which production refuses: "
            f"use https, or set NEURALAKE_ALLOW_HTTP={host}"
        )
    return True
